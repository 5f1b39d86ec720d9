"""After the order, by command as staff: parcels, cash, returns, refunds. Each journey ends in tables that agree, with
every mail sent once."""

import json
from typing import Any

import pytest

from retail_ops.stack.shop import Shop
from tests.support.command import Command
from tests.support.shoppers import Person, Shopper, eventually, new_product, stock, unique
from tests.support.staff import Staff

PRICE = 1990
ORDERED = ("OrderPlaced", "OrderConfirmed")


@pytest.fixture(autouse=True)
def staff(shop: Shop) -> Staff:
    """Whom the command signs in as."""
    return Staff(shop)


@pytest.fixture
def product(operator: Person) -> str:
    """There are five of it."""
    return new_product(operator, stock=5, price=PRICE)


def ordered(shopper: Shopper, command: Command, product: str, quantity: int = 1, *, card: bool = False) -> str:
    """An order that is to be shipped; returns its id."""
    if card:
        order_id = shopper.reserved(product, quantity)
        shopper.pay(order_id, "tok_visa")
    else:
        order_id = shopper.order(product, quantity, method="COD")
    eventually(lambda: command("shipments", "list"), lambda found: order_id in orders_in(found))
    return order_id


def ship(command: Command, order_id: str, number: str = "SP123456789SG", code: int = 0) -> Any:
    return command("shipments", "ship", order_id, "--carrier", "SingPost", "--tracking", number, code=code)


def send_back(shopper: Shopper, command: Command, order_id: str, product: str, quantity: int) -> str:
    """Announce a return, and wait until staff can see it; returns its id."""
    body = {"lines": [{"productId": product, "quantity": quantity}], "reason": "DAMAGED"}
    shopper.sees(order_id, "DELIVERED")
    answer = shopper.ok("POST", f"/orders/{order_id}/returns", body, Idempotency_Key=unique("return"))
    return_id: str = answer["returns"][-1]["returnId"]
    eventually(lambda: command("returns", "list"), lambda found: return_id in [each["returnId"] for each in found])
    return return_id


def orders_in(listed: list[dict[str, Any]]) -> list[str]:
    return [each["orderId"] for each in listed]


def refunds_of(shopper: Shopper, order_id: str) -> dict[str, tuple[str, int]]:
    """Where each refund of an order stands, and its amount."""
    found = shopper.ok("GET", f"/orders/{order_id}/payment")["refunds"]
    return {each["refundId"]: (each["status"], each["amount"]["amount"]) for each in found}


def ends_well(shopper: Shopper, command: Command, order_id: str, product: str, *mails: str) -> None:
    """These mails came, each once and no other; and nothing in the tables disagrees about this order."""
    assert len(shopper.mailed_about(order_id, *mails)) == len(mails)

    def disagreements() -> list[Any]:
        # Other tests of this shop break rules on purpose.
        about = (order_id, order_id.replace("ord_", "pay_"), product)
        return [each for each in found_by(command) if any(each_id in json.dumps(each) for each_id in about)]

    eventually(disagreements, lambda found: not found)


def found_by(command: Command) -> list[Any]:
    try:
        return list(command("reconcile", "--changed-since", "1d")["items"])
    except AssertionError:
        return list(command("reconcile", "--changed-since", "1d", code=1)["items"])


def test_one_of_two_pieces_paid_in_cash_comes_back_broken_and_is_paid_back_by_hand(
    shop: Shop, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, 2)

    shipped = ship(command, order_id)
    assert shipped["parcel"]["trackingUrl"] == "https://www.singpost.com/track-items?trackNums=SP123456789SG"
    assert ship(command, order_id) == shipped, "a repeated action is answered the same"
    assert "It was shipped with SingPost, SP123456789SG." in ship(command, order_id, "SP000000000SG", code=1)
    assert order_id in orders_in(command("shipments", "list", "--open", "shipped"))

    assert "39.80 is due in cash" in command("shipments", "deliver", order_id, code=1)
    assert "at most" in command("shipments", "deliver", order_id, "--cash", "39.81", code=1)
    delivered = command("shipments", "deliver", order_id, "--cash", "39.80")
    assert (delivered["status"], delivered["cash"]["amount"]) == ("DELIVERED", 2 * PRICE)

    return_id = send_back(shopper, command, order_id, product, 1)
    assert "there are only 1" in command("returns", "receive", order_id, return_id, "--broken", f"{product}=2", code=1)
    command("returns", "receive", order_id, return_id, "--broken", f"{product}=1")
    eventually(lambda: command("refunds", "list"), lambda found: order_id in orders_in(found))
    assert refunds_of(shopper, order_id) == {return_id: ("TO_PAY_BY_HAND", PRICE)}

    paid = command("refunds", "paid", order_id, return_id, "--reference", "FT-42")
    assert command("refunds", "paid", order_id, return_id, "--reference", "FT-42") == paid
    assert "FT-42" in command("refunds", "paid", order_id, return_id, "--reference", "FT-43", code=1)
    assert refunds_of(shopper, order_id) == {return_id: ("PAID_BY_HAND", PRICE)}
    assert order_id not in orders_in(command("refunds", "list"))
    assert stock(shop, product) == (3, 0, 1, 1)
    ends_well(
        shopper,
        command,
        order_id,
        product,
        *(*ORDERED, "ShipmentDispatched", "ShipmentDelivered"),
        *(f"{about}#{return_id}" for about in ("ReturnRequested", "ReturnReceived")),
        f"PaymentRefundFailed#{return_id}",
        f"PaymentRefunded#{return_id}:by-hand",
    )


def test_an_order_by_card_is_cancelled_before_it_is_shipped(
    shop: Shop, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, 2, card=True)

    assert shopper.call("POST", f"/orders/{order_id}/cancel").status_code == 202

    shopper.sees(order_id, "CANCELLED")
    assert "Do not ship it." in ship(command, order_id, code=1)
    eventually(lambda: refunds_of(shopper, order_id), lambda seen: seen == {"cancellation": ("DONE", 2 * PRICE)})
    eventually(lambda: stock(shop, product), lambda seen: seen == (5, 0, 0, 0))
    ends_well(shopper, command, order_id, product, *ORDERED, "OrderCancelled", "PaymentRefunded#cancellation")


def test_an_order_by_card_is_too_late_to_cancel_once_it_is_shipped_and_all_of_it_can_be_sent_back(
    shop: Shop, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, 2, card=True)
    ship(command, order_id)
    shopper.sees(order_id, "SHIPPED")

    refused = shopper.call("POST", f"/orders/{order_id}/cancel")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:cloudretail:problem:not-cancellable")
    assert refused.json()["detail"].startswith("Your order is already on its way")

    assert "was paid by card" in command("shipments", "deliver", order_id, "--cash", "39.80", code=1)
    command("shipments", "deliver", order_id)
    return_id = send_back(shopper, command, order_id, product, 2)
    command("returns", "receive", order_id, return_id)

    eventually(lambda: refunds_of(shopper, order_id), lambda seen: seen == {return_id: ("DONE", 2 * PRICE)})
    eventually(lambda: stock(shop, product), lambda seen: seen == (5, 0, 0, 0))
    ends_well(
        shopper,
        command,
        order_id,
        product,
        *(*ORDERED, "ShipmentDispatched", "ShipmentDelivered"),
        *(f"{about}#{return_id}" for about in ("ReturnRequested", "ReturnReceived", "PaymentRefunded")),
    )


def test_a_return_is_refused_with_the_reason(shop: Shop, shopper: Shopper, command: Command, product: str) -> None:
    order_id = ordered(shopper, command, product)
    ship(command, order_id)
    command("shipments", "deliver", order_id, "--cash", "19.90")
    return_id = send_back(shopper, command, order_id, product, 1)

    words = ("--reason", "not-ours", "--note", "This is another shop's thing.")
    command("returns", "refuse", order_id, return_id, *words)

    def refusal() -> Any:
        (each,) = shopper.ok("GET", f"/orders/{order_id}")["returns"]
        return each["refusal"], each["note"]

    eventually(refusal, lambda seen: seen == ("NOT_OURS", "This is another shop's thing."))
    assert "was refused" in command("returns", "receive", order_id, return_id, code=1)
    assert stock(shop, product) == (4, 0, 1, 0)
    ends_well(
        shopper,
        command,
        order_id,
        product,
        *(*ORDERED, "ShipmentDispatched", "ShipmentDelivered"),
        *(f"{about}#{return_id}" for about in ("ReturnRequested", "ReturnRefused")),
    )


def test_a_parcel_paid_by_card_comes_back_half_broken(
    shop: Shop, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, 2, card=True)
    ship(command, order_id)

    command("shipments", "came-back", order_id, "--reason", "undeliverable", "--broken", f"{product}=1")

    shopper.sees(order_id, "CANCELLED")
    eventually(lambda: refunds_of(shopper, order_id), lambda seen: seen == {"cancellation": ("DONE", 2 * PRICE)})
    eventually(lambda: stock(shop, product), lambda seen: seen == (4, 0, 0, 1))
    ends_well(
        shopper,
        command,
        order_id,
        product,
        *(*ORDERED, "ShipmentDispatched", "OrderCancelled", "PaymentRefunded#cancellation"),
    )


def test_a_parcel_whose_cash_was_not_collected_yet_is_lost(
    shop: Shop, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, 2)
    ship(command, order_id)

    command("shipments", "lost", order_id)

    shopper.sees(order_id, "CANCELLED")
    eventually(lambda: stock(shop, product), lambda seen: seen == (3, 0, 0, 2))
    assert refunds_of(shopper, order_id) == {}
    ends_well(shopper, command, order_id, product, *ORDERED, "ShipmentDispatched", "OrderCancelled")


def test_the_shop_calls_a_confirmed_order_off_and_tells_its_shopper_why(
    shop: Shop, shopper: Shopper, staff: Staff, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product, card=True)

    answer = staff.does(order_id, "cancel", note="The last one has a tear, sorry.")

    assert answer.status_code == 202
    shopper.sees(order_id, "CANCELLED")
    eventually(lambda: refunds_of(shopper, order_id), lambda seen: seen == {"cancellation": ("DONE", PRICE)})
    eventually(lambda: stock(shop, product), lambda seen: seen == (5, 0, 0, 0))
    ends_well(shopper, command, order_id, product, *ORDERED, "OrderCancelled", "PaymentRefunded#cancellation")
    assert any("The last one has a tear, sorry." in mail.text for mail in shopper.mails())


def test_the_back_office_is_closed_to_shoppers_and_operators(
    shop: Shop, operator: Person, shopper: Shopper, command: Command, product: str
) -> None:
    order_id = ordered(shopper, command, product)

    for person in (shopper, operator):
        for method, path in (("GET", "/admin/shipments?open=TO_SHIP"), ("POST", f"/admin/orders/{order_id}/lost")):
            answer = person.call(method, path)
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:cloudretail:problem:staff-only")
    assert Person(shop).call("GET", "/admin/shipments?open=TO_SHIP").status_code == 401
