"""The operators' console: what failed is found, understood, tried, replayed or dropped, in a browser."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Route, expect

from retail_ops.stack.shop import Shop
from tests.e2e.test_every_page import violations
from tests.e2e.visitor import Visitor
from tests.integration.test_operations import given_up_at_once
from tests.support.shoppers import Person, Shopper, eventually, new_product, new_shopper, row, unique


@pytest.fixture
def on_duty(visitor: Visitor, shop: Shop) -> Visitor:
    """The visitor is an operator, and has come to the console."""
    visitor.log_in(new_shopper(shop, "operators"), "/ops")
    visitor.sees("Queues")
    return visitor


@pytest.fixture
def poisoned(shop: Shop) -> Iterator[str]:
    """The number of an order that two dead letters of the orders' queue are about, which are no events of the shop."""
    order_id = unique("ord")
    poison = {"type": "cloudretail.orders.OrderPoisoned.v1", "id": unique("event"), "subject": order_id}
    with given_up_at_once(shop, "OrdersQueue"):
        for _ in range(2):
            shop.sqs.send_message(QueueUrl=shop.queues["OrdersQueue"], MessageBody=json.dumps(poison))
        yield order_id


def way(visitor: Visitor, name: str) -> Locator:
    """A link by its whole name."""
    return visitor.page.get_by_role("link", name=name, exact=True)


def show_dead_letters(visitor: Visitor, queue: str, order_id: str, count: str) -> None:
    """From the list of queues to the dead letters about an order, once there are so many."""
    way(visitor, queue).click()
    visitor.sees(f"Dead letters: {queue}")
    visitor.field("Order").fill(order_id)
    visitor.button("Filter").click()

    def seen() -> str:
        visitor.button("Look again").click()
        status = visitor.page.get_by_role("main").get_by_role("status").filter(has_text="dead letter")
        return str(status.first.text_content())

    eventually(seen, lambda text: text.strip().startswith(count))


def test_a_poisoned_queue_is_seen_understood_tried_and_dropped(on_duty: Visitor, poisoned: str) -> None:
    page = on_duty.page
    queue = page.get_by_role("row").filter(has=way(on_duty, "Orders"))
    expect(queue).to_contain_text(re.compile("[1-9].* dead"))
    show_dead_letters(on_duty, "Orders", poisoned, "2 dead letters as filtered, 1 cause")
    on_duty.reads("2 × OrderPoisoned")
    expect(page.get_by_role("row").filter(has_text=poisoned)).to_have_count(1)
    page.get_by_role("button", name="2 equal ones").click()
    expect(page.get_by_role("row").filter(has_text=poisoned).get_by_role("link")).to_have_count(3)
    page.get_by_role("main").get_by_role("link", name="OrderPoisoned").first.click()
    on_duty.sees("Dead letter")
    expect(page.get_by_role("heading", name="InvalidEvent")).to_be_visible()
    expect(page.get_by_role("region", name="Body")).to_contain_text(f'"subject": "{poisoned}"')
    on_duty.reads("Given up")
    on_duty.reads("It was not replayed before.")
    letter = page.url

    page.go_back()
    on_duty.sees("Dead letters: Orders")
    on_duty.button("Dry run").click()
    expect(on_duty.field("Reason")).to_be_focused()
    expect(on_duty.field("Reason")).to_have_accessible_description(re.compile("at least 3 characters"))
    on_duty.field("Reason").fill("Nobody sends such events")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Dry run")).to_be_focused()
    on_duty.reads("Done: 2 would fail again.")
    on_duty.reads("would fail again: InvalidEvent")
    expect(on_duty.button("Replay")).to_have_count(0)
    expect(on_duty.button("Dry run again")).to_be_visible()

    on_duty.button("Drop …").press("Enter")
    expect(on_duty.button("Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(on_duty.button("Drop …")).to_be_focused()
    page.keyboard.press("Enter")
    on_duty.button("Yes, drop").press("Enter")
    on_duty.sees("Drop")
    on_duty.reads("Done: 2 dropped.")
    expect(on_duty.page.get_by_text("“Nobody sends such events”")).to_be_visible()
    on_duty.open(f"/ops/queues/OrdersDlq?orderId={poisoned}", "Dead letters: Orders")
    on_duty.reads("No dead letter fulfils these conditions.")
    on_duty.open(letter.partition("/ops")[1] + letter.partition("/ops")[2], "Dead letter")
    on_duty.reads("Dropped")
    expect(on_duty.button("Dry run")).to_have_count(0)


def test_a_dead_letter_is_tried_and_then_replayed_to_its_consumer(
    on_duty: Visitor, shop: Shop, operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    (document,) = row(shop, "OrdersTable", orderId=order_id)["outbox"]["events"]
    shop.sqs.send_message(QueueUrl=shop.queues["NotificationsDlq"], MessageBody=document)
    mails = shopper.mailed_about(order_id, "OrderPlaced", "OrderConfirmed")

    show_dead_letters(on_duty, "Notifications", order_id, "1 dead letter as filtered")
    on_duty.field("Reason").fill("The mail server is back")
    on_duty.button("Dry run").click()
    on_duty.reads("Done: 1 nothing to do.")
    expect(on_duty.field("Reason")).to_have_value("The mail server is back")
    on_duty.field("Messages a second, at the most").fill("5")
    on_duty.button("Replay").click()
    expect(on_duty.page.get_by_role("heading", level=1, name="Replay")).to_be_focused()
    on_duty.reads("Done: 1 replayed.")

    on_duty.link(order_id).click()
    on_duty.sees("Time-line of an order")
    entries = on_duty.page.get_by_role("listitem").filter(has_text="Replay")
    expect(entries.filter(has_text="OrderConfirmed").last).to_be_visible()
    assert shopper.mails() == mails, "nobody is written to twice"


def test_an_order_that_stands_still_is_found_nudged_and_goes_on(
    on_duty: Visitor, shop: Shop, operator: Person, shopper: Shopper
) -> None:
    order_id = shopper.reserved(new_product(operator, stock=1))
    payment: dict[str, Any] = {"paymentId": {"S": order_id.replace("ord_", "pay_")}}
    shopper.sees_payment(order_id, "OPEN")
    shop.dynamodb.delete_item(TableName=shop.tables["PaymentsTable"], Key=payment)

    way(on_duty, "Stuck orders").click()
    on_duty.page.get_by_label("Waiting for at least").select_option("a moment")
    waiting = on_duty.page.get_by_role("row").filter(has_text=order_id)
    expect(waiting).to_contain_text("Waits for payments to consume OrderPlaced and InventoryReserved")
    waiting.get_by_role("button", name="Nudge").click()
    dialog = on_duty.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Its payment was lost")
    dialog.get_by_role("button", name="Nudge").click()
    on_duty.reads("put on the bus again")

    shopper.sees_payment(order_id, "OPEN")
    eventually(lambda: row(shop, "PaymentsTable", paymentId=payment["paymentId"]["S"]).get("reserved"))
    on_duty.button("Look again").click()
    expect(waiting).to_have_count(0)


def test_an_orders_time_line_is_found_by_its_number(on_duty: Visitor, operator: Person, shopper: Shopper) -> None:
    order_id = shopper.order(new_product(operator, stock=1), method="COD")
    shopper.sees(order_id, "CONFIRMED")
    way(on_duty, "Time-line").click()
    on_duty.field("Order number").fill(order_id)
    on_duty.page.keyboard.press("Enter")
    on_duty.reads("OrderPlaced: new -> PENDING")
    on_duty.reads("COMMITTED")
    on_duty.field("Order number").fill("ord_nobodys")
    on_duty.button("Show").click()
    on_duty.reads("No service knows an order of this number.")


def test_counts_follow_the_queues_while_the_page_is_seen(on_duty: Visitor, shop: Shop) -> None:
    relay = on_duty.page.get_by_role("row").filter(has=way(on_duty, "Relay"))
    before = int(re.sub(r"\D", "", relay.locator(".tag").first.inner_text()))
    for body in ("1", "2"):
        shop.sqs.send_message(QueueUrl=shop.queues["RelayDlq"], MessageBody=body)
    expect(relay).to_contain_text(f"{before + 2} dead letters")


def test_the_books_are_checked_on_demand(on_duty: Visitor) -> None:
    way(on_duty, "Reconciliation").click()
    on_duty.sees("Reconciliation")
    answers: list[dict[str, Any]] = []

    def pass_on(route: Route) -> None:
        # The browser does not always keep a body until it is asked for.
        answer = route.fetch()
        answers.append(answer.json())
        route.fulfill(response=answer)

    on_duty.page.route("**/api/ops/reconciliations/*/violations", pass_on)
    with on_duty.page.expect_response(lambda answer: answer.request.method == "POST") as checked:
        on_duty.button("Check now").click()
    assert checked.value.status == 202
    expect(on_duty.button("Checking")).to_be_visible()
    expect(on_duty.button("Check now")).to_be_visible()
    broken = answers[-1]["items"]
    on_duty.reads(broken[0]["text"] if broken else "The tables agree.")


@pytest.mark.parametrize("path", ["/ops", "/ops/queues/OrdersDlq", "/ops/replays/rpl_1", "/ops/stuck"])
def test_a_shopper_gets_no_console_and_asks_for_nothing_of_it(visitor: Visitor, shopper: Shopper, path: str) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url) if "/api/ops" in request.url else None)
    visitor.log_in(shopper)
    visitor.open(path, "Page not found")
    visitor.button("your account").click()
    expect(visitor.page.get_by_role("link", name="Your orders").first).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Operations")).to_have_count(0)
    assert asked == []


def test_a_stranger_is_asked_to_log_in_first(visitor: Visitor, shopper: Shopper) -> None:
    visitor.open("/ops/stuck", "Log in")
    visitor.enter(shopper.email)
    visitor.sees("Page not found")


def test_the_console_can_be_used_by_everybody(on_duty: Visitor, poisoned: str) -> None:
    page = on_duty.page
    show_dead_letters(on_duty, "Orders", poisoned, "2 dead letters")
    letters = page.url
    page.get_by_role("main").get_by_role("link", name="OrderPoisoned").first.click()
    on_duty.sees("Dead letter")
    on_duty.field("Reason").fill("To look at its page")
    one = page.url
    on_duty.button("Dry run").click()
    on_duty.reads("Done: 1 would fail again.")
    pages = {
        "/ops": "Queues",
        letters: "Dead letters: Orders",
        one: "Dead letter",
        page.url: "Dry run",
        "/ops/queues/OrdersDlq/gone": "Dead letter",
        "/ops/replays": "Record",
        "/ops/orders": "Time-line of an order",
        f"/ops/orders/{poisoned}": "Time-line of an order",
        "/ops/stuck?olderThan=0": "Stuck orders",
        "/ops/reconciliation": "Reconciliation",
    }
    page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    schemes: list[Literal["light", "dark"]] = ["light", "dark"]
    for path, heading in pages.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        on_duty.open(path, heading)
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            found[f"{path} {scheme}"] = violations(page)
        page.set_viewport_size({"width": 320, "height": 640})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found[f"{path} at 320 px"] = ["it scrolls sideways"]
    assert {where: what for where, what in found.items() if what} == {}
