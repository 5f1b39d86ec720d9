"""What a shopper reads: the right words for what happened, the same ones in HTML and in plain text."""

import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jinja2 import UndefinedError

from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected, WholeOrderEvent
from contract.payments import PaymentRefunded, PaymentRefundFailed
from contract.values import CancelReason, OrderEvent, OrderItem, PaymentMethod, RefusalReason, Shortage
from notifications import mailer
from notifications.domain import TEXTS, MailContent, content_of, order_number
from notifications.mailer import Mail, compose
from tests.support.examples import EXAMPLES, NOW, ORDER, PAYMENT, name_of, sgd

SHOP = "https://shop.cloudretail.example"
SHORTAGES = (
    Shortage(product_id="canvas-backpack", requested=2, available=1),
    Shortage(product_id="desk-lamp", requested=1, available=0),
)
REFUND: dict[str, Any] = {**PAYMENT, "user_email": ORDER["user_email"], "amount": ORDER["total"]}


def placed(method: PaymentMethod | None = None) -> OrderPlaced:
    return OrderPlaced(**ORDER, placed_at=NOW, place_by=NOW, payment_method=method)


def confirmed(method: PaymentMethod) -> OrderConfirmed:
    return OrderConfirmed(**ORDER, payment_method=method)


def rejected(reason: RefusalReason, shortages: tuple[Shortage, ...] = SHORTAGES) -> OrderRejected:
    return OrderRejected(**ORDER, reason=reason, shortages=shortages)


def cancelled(reason: CancelReason) -> OrderCancelled:
    return OrderCancelled(**ORDER, reason=reason)


def refunded(method: PaymentMethod) -> PaymentRefunded:
    return PaymentRefunded(**REFUND, method=method)


REFUND_FAILED = PaymentRefundFailed(**REFUND, method=PaymentMethod.CARD, reason="insufficient_merchant_funds")

EVERY_CASE: Mapping[str, OrderEvent] = {
    **{name_of(data): data for data in EXAMPLES if type(data) in TEXTS},
    "placed": placed(),
    "placed, on delivery": placed(PaymentMethod.COD),
    "confirmed, by card": confirmed(PaymentMethod.CARD),
    "confirmed, on delivery": confirmed(PaymentMethod.COD),
    "sold out": rejected(RefusalReason.SOLD_OUT),
    "sold out, nobody says what": rejected(RefusalReason.SOLD_OUT, ()),
    "too late": rejected(RefusalReason.EXPIRED, ()),
    "cancelled by the shopper": cancelled(CancelReason.BY_SHOPPER),
    "cancelled, payment declined": cancelled(CancelReason.PAYMENT_DECLINED),
    "cancelled, not paid in time": cancelled(CancelReason.PAYMENT_WINDOW_CLOSED),
    "refunded, card": refunded(PaymentMethod.CARD),
    "refunded, cash": refunded(PaymentMethod.COD),
    "refund failed": REFUND_FAILED,
}
every_case = pytest.mark.parametrize("data", EVERY_CASE.values(), ids=EVERY_CASE.keys())


class Page(HTMLParser):
    """An HTML mail as a browser takes it in: its text, and its elements with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self._texts.append(data)

    @property
    def text(self) -> str:
        return one_line(" ".join(self._texts))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def one_line(text: str) -> str:
    return " ".join(text.split())


def reads(data: OrderEvent) -> str:
    """The plain text in one line."""
    return one_line(compose(data, SHOP).text)


def both(mail: Mail) -> list[str]:
    return [one_line(mail.text), Page(mail.html).text]


# What every mail has.


@pytest.mark.parametrize("name", ["OrderRejected", "OrderCancelled"])
def test_a_reason_of_tomorrow_is_read_today_and_gets_a_mail_that_claims_nothing(name: str) -> None:
    data = next(data for data in EXAMPLES if data.event_type.name == name)
    later = type(data).model_validate(data.model_dump(mode="json") | {"reason": "STRUCK_BY_LIGHTNING"})
    mail = compose(later, SHOP)
    assert "not charged" in " ".join(mail.text.split())
    assert not [phrase for phrase in ("sold out", "declined", "as you asked", "in time") if phrase in mail.text.lower()]


def test_each_reason_and_each_method_has_its_case_here() -> None:
    reasons = {getattr(data, "reason", None) for data in EVERY_CASE.values()}
    assert reasons >= {*RefusalReason, *CancelReason} - {RefusalReason.OTHER, CancelReason.OTHER}


@every_case
def test_a_mail_goes_to_the_shopper_and_is_known_by_order_and_kind(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    assert (mail.to, mail.order_id, mail.kind) == (ORDER["user_email"], data.subject, data.event_type.name)
    assert mail.id == f"{data.subject}#{data.event_type.name}"


@every_case
def test_a_subject_is_short_and_carries_the_orders_number(data: OrderEvent) -> None:
    subject = compose(data, SHOP).subject
    assert subject.startswith("Order 3F5XK2M7QA ")
    assert len(subject) <= 50
    assert subject.isprintable()


@every_case
def test_html_and_text_say_the_same(data: OrderEvent) -> None:
    content = content_of(data, SHOP)
    words = content.words
    text, html = both(compose(data, SHOP))
    for sentence in (words.heading, *words.story, *words.points, *words.next_steps, content.number):
        assert sentence in text
        assert sentence in html


@every_case
def test_a_mail_never_contains_an_unfilled_place(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    for text in (mail.subject, mail.text, mail.html):
        for unfilled in ("None", "{{", "{%", "{#", "Undefined", "()", "[]"):
            assert unfilled not in text


@every_case
def test_the_order_is_one_click_away(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    link = f"{SHOP}/orders/{data.subject}"
    assert link in mail.text.split()
    assert [each["href"] for each in Page(mail.html).all("a")] == [link]


@every_case
def test_items_are_listed_with_quantities_prices_and_the_total_where_the_event_knows_them(data: OrderEvent) -> None:
    text, html = both(compose(data, SHOP))
    if isinstance(data, WholeOrderEvent):
        assert "2 x Canvas backpack SGD 59.90 each: SGD 119.80" in text
        assert "Canvas backpack SGD 59.90 each 2 SGD 119.80 Desk lamp SGD 34.50 each 1 SGD 34.50" in html
        assert "Total: SGD 154.30" in text
        assert "Total SGD 154.30" in html
    else:
        assert "What you ordered" not in text + html
        assert "SGD 154.30" in text


# What happened, and what now.


def test_a_received_order_tells_how_and_when_to_pay() -> None:
    text = reads(placed())
    assert "2 January 2026 at 03:04 UTC" in text
    assert "you can pay on your order's page" in text
    assert "have SGD 154.30 ready" in reads(placed(PaymentMethod.COD))


def test_a_confirmation_tells_what_was_charged_or_is_to_be_paid() -> None:
    assert "charged SGD 154.30 to your card" in reads(confirmed(PaymentMethod.CARD))
    cash = reads(confirmed(PaymentMethod.COD))
    assert "have SGD 154.30 ready" in cash
    assert "charged" not in cash


def test_a_rejection_says_honestly_what_was_sold_out_and_how_many_were_left() -> None:
    text = reads(rejected(RefusalReason.SOLD_OUT))
    assert "Canvas backpack: you ordered 2, only 1 left" in text
    assert "Desk lamp: you ordered 1, sold out" in text


def test_a_shortage_of_something_that_is_no_item_of_the_order_is_named_by_its_id() -> None:
    unknown = Shortage(product_id="gift-box", requested=1, available=0)
    assert "gift-box: you ordered 1, sold out" in reads(rejected(RefusalReason.SOLD_OUT, (unknown,)))


def test_an_order_that_expired_is_our_fault_and_not_called_sold_out() -> None:
    text = reads(rejected(RefusalReason.EXPIRED, ()))
    assert "our fault" in text
    assert "sold out" not in text


@pytest.mark.parametrize(
    "data",
    [
        rejected(RefusalReason.SOLD_OUT),
        rejected(RefusalReason.EXPIRED, ()),
        cancelled(CancelReason.PAYMENT_DECLINED),
        cancelled(CancelReason.PAYMENT_WINDOW_CLOSED),
    ],
    ids=lambda data: data.reason,
)
def test_who_was_not_charged_is_told_so(data: OrderEvent) -> None:
    assert "You were not charged." in reads(data)


def test_a_cancellation_says_why() -> None:
    assert "As you asked" in reads(cancelled(CancelReason.BY_SHOPPER))
    assert "Your payment was declined" in reads(cancelled(CancelReason.PAYMENT_DECLINED))
    assert "not paid in time" in reads(cancelled(CancelReason.PAYMENT_WINDOW_CLOSED))


def test_a_shopper_who_cancels_after_paying_learns_that_the_money_comes_back() -> None:
    # The event does not say whether the order was paid: a payment may even be under way.
    text = reads(cancelled(CancelReason.BY_SHOPPER))
    assert "If you already paid by card, we will refund the full amount (SGD 154.30)" in text
    assert "If not, you have not been charged." in text


def test_a_refund_says_how_much_and_where_it_goes() -> None:
    assert "refunded SGD 154.30 to your card" in reads(refunded(PaymentMethod.CARD))
    assert "card" not in reads(refunded(PaymentMethod.COD))


def test_a_refund_that_failed_asks_nothing_of_the_shopper_and_keeps_the_providers_words_inside() -> None:
    text = reads(REFUND_FAILED)
    assert "we know that we owe it to you" in text
    assert "nothing you need to do" in text
    assert REFUND_FAILED.reason not in text


# How it is built.


def order_of(*names: str) -> OrderCancelled:
    items = tuple(
        OrderItem(product_id=f"product-{n}", name=name, quantity=1, unit_price=sgd(100)) for n, name in enumerate(names)
    )
    return OrderCancelled(**{**ORDER, "items": items}, reason=CancelReason.BY_SHOPPER)


def test_what_a_product_is_called_is_text_and_never_markup() -> None:
    mail = compose(order_of('<script>alert(1)</script> & "Co"'), SHOP)
    assert "script" not in [name for name, _ in Page(mail.html).elements]
    assert Page(mail.html).text.count('<script>alert(1)</script> & "Co"') == 1
    assert '<script>alert(1)</script> & "Co"' in mail.text


def test_a_product_cannot_add_lines_of_its_own_to_a_mail() -> None:
    mail = compose(order_of("Lamp\r\n\r\nPay here: https://evil.example"), SHOP)
    assert "1 x Lamp Pay here: https://evil.example\n" in mail.text


def test_names_in_every_script_arrive() -> None:
    assert all("茶壶 ☕ Käse" in text for text in both(compose(order_of("茶壶 ☕ Käse"), SHOP)))


@every_case
def test_a_mail_is_readable_by_a_screen_reader(data: OrderEvent) -> None:
    page = Page(compose(data, SHOP).html)
    assert page.open == []
    assert page.all("html") == [{"lang": "en", "dir": "ltr"}]
    assert len(page.all("title")) == len(page.all("h1")) == 1
    layout = [table for table in page.all("table") if table.get("role") == "presentation"]
    assert len(page.all("table")) - len(layout) == len(page.all("caption")) == isinstance(data, WholeOrderEvent)
    assert all(header["scope"] in ("col", "row") for header in page.all("th"))


@every_case
def test_a_mail_is_ready_for_the_dark_and_loads_nothing(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    page = Page(mail.html)
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")
    assert "prefers-color-scheme: dark" in mail.html
    assert not {name for name, _ in page.elements} & {"script", "img", "link", "iframe", "form"}
    assert "url(" not in mail.html


@every_case
def test_a_list_of_mails_shows_what_happened_behind_the_subject(data: OrderEvent) -> None:
    page = Page(compose(data, SHOP).html)
    content = content_of(data, SHOP)
    assert page.text.startswith(f"{content.subject} {content.words.preview} ")


def test_the_longest_order_is_not_cut_off_by_a_mail_program() -> None:
    # Gmail clips a message at 102 kB.
    mail = compose(order_of(*("A name as long as names may reasonably be" for _ in range(50))), SHOP)
    assert len(mail.html.encode()) < 102_000


@pytest.mark.parametrize("template", ["mail.txt", "mail.html"])
@pytest.mark.parametrize("missing", ["number", "link", "total"])
def test_a_template_that_asks_for_what_a_mail_does_not_have_fails(template: str, missing: str) -> None:
    content = SimpleNamespace(**vars(content_of(placed(), SHOP)))
    delattr(content, missing)
    with pytest.raises(UndefinedError, match=missing):
        mailer._render(template, cast(MailContent, content))


def test_the_template_engine_is_loaded_with_the_first_mail_only() -> None:
    functions = Path(mailer.__file__).parents[1]
    check = "import sys, notifications.reactions; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=functions, check=False).returncode == 0


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example/"])
def test_a_storefronts_address_may_end_in_a_slash(url: str) -> None:
    assert content_of(placed(), url).link == f"https://shop.example/orders/{ORDER['order_id']}"


def test_an_order_id_cannot_lead_a_link_elsewhere() -> None:
    order = cancelled(CancelReason.BY_SHOPPER).model_copy(update={"order_id": "../login?next=//evil"})
    assert content_of(order, SHOP).link == f"{SHOP}/orders/..%2Flogin%3Fnext%3D%2F%2Fevil"


@pytest.mark.parametrize(
    ("order_id", "number"),
    [("ord_3f5xk2m7qa2b4c6dabcd", "3F5XK2M7QA"), ("ord_ab", "AB"), ("x-1/\r\nBcc: 2", "X1BCC2")],
)
def test_a_number_is_short_and_only_letters_and_digits(order_id: str, number: str) -> None:
    assert order_number(order_id) == number
