"""What a shopper reads: the right words for what happened, the same ones in HTML and in plain text."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jinja2 import UndefinedError

from cloudretail.money import Money
from contract.fulfilment import ReturnReceived, ReturnRefused, ShipmentDelivered, ShipmentDispatched
from contract.orders import (
    OrderCancelled,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
    ReturnRequested,
    WholeOrderEvent,
)
from contract.payments import PaymentRefunded, PaymentRefundFailed
from contract.values import (
    Address,
    CancelReason,
    InspectedLine,
    OrderEvent,
    OrderItem,
    Paid,
    PaymentMethod,
    RefusalReason,
    ReturnReason,
    ReturnRefusal,
    ShippingCharge,
    Shortage,
    StockLine,
    Tax,
    order_number,
)
from notifications import mailer
from notifications.domain import TEXTS, MailContent, content_of
from notifications.mailer import Mail, compose
from tests.support.examples import EXAMPLES, NOW, ORDER, PAYMENT, name_of, sgd
from tests.support.mails import SHOP

ADDRESS = Address(
    name="Ada Lovelace",
    line1="12 Analytical Street",
    line2="#03-04",
    city="Singapore",
    postal_code="049483",
    country="SG",
)
RETURN_ID = "ret_9c4hd81xwe2b4c6dabcd"
SHORTAGES = (
    Shortage(product_id="canvas-backpack", requested=2, available=1),
    Shortage(product_id="desk-lamp", requested=1, available=0),
)
REFUND: dict[str, Any] = {**PAYMENT, "user_email": ORDER["user_email"], "amount": ORDER["total"]}


def placed(method: PaymentMethod | None = None) -> OrderPlaced:
    return OrderPlaced(**ORDER, placed_at=NOW, place_by=NOW, payment_method=method)


def confirmed(method: PaymentMethod) -> OrderConfirmed:
    return OrderConfirmed(**ORDER, payment_method=method, shipping_address=ADDRESS)


def rejected(reason: RefusalReason, shortages: tuple[Shortage, ...] = SHORTAGES) -> OrderRejected:
    return OrderRejected(**ORDER, reason=reason, shortages=shortages)


def cancelled(reason: CancelReason, paid: Paid | None = None, note: str | None = None) -> OrderCancelled:
    return OrderCancelled(**ORDER, reason=reason, paid=paid, note=note)


def dispatched(**changes: Any) -> ShipmentDispatched:
    parcel = {"carrier": "SingPost", "tracking_number": "SP123456789SG", "tracking_url": "https://track.example/SP1"}
    return ShipmentDispatched(**{**ORDER, **parcel, "shipping_address": ADDRESS, **changes})


def delivered(cash: int | None = None) -> ShipmentDelivered:
    return ShipmentDelivered(**ORDER, delivered_at=NOW, cash=None if cash is None else sgd(cash))


def return_requested(reason: ReturnReason = ReturnReason.CHANGED_MIND) -> ReturnRequested:
    lines = (StockLine(product_id="canvas-backpack", quantity=1),)
    return ReturnRequested(**ORDER, return_id=RETURN_ID, lines=lines, reason=reason)


def return_received() -> ReturnReceived:
    lines = (InspectedLine(product_id="canvas-backpack", restock=1, write_off=1),)
    return ReturnReceived(**ORDER, return_id=RETURN_ID, lines=lines)


def return_refused(reason: ReturnRefusal, note: str | None = None) -> ReturnRefused:
    return ReturnRefused(**ORDER, return_id=RETURN_ID, reason=reason, note=note)


def refunded(method: PaymentMethod, refund_id: str = "cancellation", reference: str | None = None) -> PaymentRefunded:
    return PaymentRefunded(**REFUND, method=method, refund_id=refund_id, reference=reference)


def refund_failed(method: PaymentMethod, refund_id: str = "cancellation") -> PaymentRefundFailed:
    return PaymentRefundFailed(**REFUND, method=method, refund_id=refund_id, reason="insufficient_merchant_funds")


EVERY_CASE: Mapping[str, OrderEvent] = {
    **{name_of(data): data for data in EXAMPLES if type(data) in TEXTS},
    "placed": placed(),
    "placed, on delivery": placed(PaymentMethod.COD),
    "confirmed, by card": confirmed(PaymentMethod.CARD),
    "confirmed, on delivery": confirmed(PaymentMethod.COD),
    "sold out": rejected(RefusalReason.SOLD_OUT),
    "sold out, nobody says what": rejected(RefusalReason.SOLD_OUT, ()),
    "too late": rejected(RefusalReason.EXPIRED, ()),
    **{f"cancelled, {reason}": cancelled(reason) for reason in CancelReason},
    **{f"cancelled, paid: {paid}": cancelled(CancelReason.BY_SHOPPER, paid) for paid in Paid},
    "cancelled by the shop, which says why": cancelled(CancelReason.BY_SHOP, Paid.NO, "It broke as we packed it."),
    "on its way": dispatched(),
    "on its way, to be paid in cash": dispatched(cash_due=ORDER["total"]),
    "on its way, nobody can say where": dispatched(tracking_url=None, shipping_address=None),
    "delivered": delivered(),
    "delivered, paid in cash": delivered(15430),
    "delivered, not paid": delivered(0),
    **{f"return, {reason}": return_requested(reason) for reason in ReturnReason},
    "return received": return_received(),
    **{f"return refused, {reason}": return_refused(reason, "It has a coffee stain.") for reason in ReturnRefusal},
    "refunded, card": refunded(PaymentMethod.CARD),
    "refunded, cash": refunded(PaymentMethod.COD),
    "refunded, by hand": refunded(PaymentMethod.COD, RETURN_ID, "FT-2026-0042"),
    "refunded, an attempt": refunded(PaymentMethod.CARD, "attempt:2"),
    "refund failed": refund_failed(PaymentMethod.CARD),
    "refund of cash": refund_failed(PaymentMethod.COD, RETURN_ID),
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


def test_each_reason_has_its_case_here() -> None:
    reasons = {(type(reason), reason) for data in EVERY_CASE.values() if (reason := getattr(data, "reason", None))}
    kinds = (RefusalReason, CancelReason, ReturnReason, ReturnRefusal)
    assert reasons >= {(kind, reason) for kind in kinds for reason in kind} - {(RefusalReason, RefusalReason.OTHER)}


@every_case
def test_a_mail_goes_to_the_shopper_and_is_known_by_order_and_kind(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    assert (mail.to, mail.order_id, mail.kind) == (ORDER["user_email"], data.subject, data.event_type.name)
    assert mail.id.order_id == data.subject
    assert mail.id.name.partition("#")[0] == data.event_type.name


@pytest.mark.parametrize("make", [refunded, refund_failed])
def test_each_refund_of_an_order_has_a_mail_of_its_own(make: Any) -> None:
    mails = [compose(make(PaymentMethod.CARD, refund), SHOP) for refund in ("cancellation", "attempt:1", RETURN_ID)]
    name = mails[0].kind
    assert [mail.id.name for mail in mails] == [f"{name}#cancellation", f"{name}#attempt:1", f"{name}#{RETURN_ID}"]
    assert len({mail.text for mail in mails}) == len(mails), "and says which refund it is about"


@pytest.mark.parametrize(
    "data", [return_requested(), return_received(), return_refused(ReturnRefusal.USED)], ids=name_of
)
def test_each_return_of_an_order_has_a_mail_of_its_own(data: OrderEvent) -> None:
    other = data.model_copy(update={"return_id": "ret_aaaaaaaaaaaaaaaaaaaa"})
    mails = [compose(each, SHOP) for each in (data, other)]
    assert [mail.id.name for mail in mails] == [f"{mails[0].kind}#{RETURN_ID}", f"{mails[0].kind}#{other.return_id}"]  # type: ignore[attr-defined]  # each is about a return
    assert "9C4HD81XWE" in mails[0].text
    assert "AAAAAAAAAA" in mails[1].text


def test_an_event_that_an_order_has_once_has_one_mail_however_often_it_is_said() -> None:
    assert compose(dispatched(), SHOP).id == compose(dispatched(tracking_number="another"), SHOP).id


@every_case
def test_a_person_can_be_asked(data: OrderEvent) -> None:
    mail = compose(data, SHOP)
    assert mail.reply_to == SHOP.contact
    for text in both(mail):
        assert f"Questions? Reply to this e-mail, or write to {SHOP.contact}" in text


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
    link = f"{SHOP.storefront_url}/orders/{data.subject}"
    assert link in mail.text.split()
    links = [each["href"] for each in Page(mail.html).all("a")]
    tracking = content_of(data, SHOP).words.tracking
    texts = [f"{SHOP.storefront_url}/{name}" for name in ("shipping", "terms", "privacy", "imprint")]
    assert links == [*([tracking] if tracking else []), link, f"mailto:{SHOP.contact}", *texts]
    assert set(texts) <= set(mail.text.split())


@every_case
def test_items_are_listed_with_quantities_prices_and_the_total_where_the_event_knows_them(data: OrderEvent) -> None:
    text, html = both(compose(data, SHOP))
    if isinstance(data, WholeOrderEvent) and not hasattr(data, "return_id"):
        assert "2 x Canvas backpack SGD 59.90 each: SGD 119.80" in text
        assert "Canvas backpack SGD 59.90 each 2 SGD 119.80 Desk lamp SGD 34.50 each 1 SGD 34.50" in html
        if data.shipping:
            assert "Delivery (Standard delivery): Free Total: SGD 154.30 Includes 9% GST of SGD 12.74" in text
            assert "Delivery Standard delivery Free Total Includes 9% GST of SGD 12.74 SGD 154.30" in html
        else:
            assert "Total: SGD 154.30" in text
            assert "Total SGD 154.30" in html
    else:
        assert "What you ordered" not in text + html
        assert "SGD 154.30" in text or hasattr(data, "return_id")


def ordered(currency: str, unit_price: int, shipping: int, basis_points: int, tax: int) -> OrderPlaced:
    """Two of a thing, in a currency."""

    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    return placed().model_copy(
        update={
            "items": (OrderItem(product_id="mug", name="Mug", quantity=2, unit_price=money(unit_price)),),
            "shipping": ShippingCharge(method_id="express", name="Next day", price=money(shipping)),
            "tax": Tax(name="JCT", basis_points=basis_points, amount=money(tax)),
            "total": money(2 * unit_price + shipping),
        }
    )


@pytest.mark.parametrize(
    ("data", "items", "shipping", "total", "tax"),
    [
        (ordered("SGD", 2250, 400, 900, 405), "SGD 45.00", "SGD 4.00", "SGD 49.00", "9% JCT of SGD 4.05"),
        (ordered("JPY", 1990, 801, 1000, 435), "JPY 3,980", "JPY 801", "JPY 4,781", "10% JCT of JPY 435"),
        (ordered("KWD", 1500, 250, 825, 248), "KWD 3.000", "KWD 0.250", "KWD 3.250", "8.25% JCT of KWD 0.248"),
    ],
    ids=["cents", "no minor units", "thousandths"],
)
def test_items_and_shipping_add_up_to_the_total_and_tax_is_a_part_of_it(
    data: OrderPlaced, items: str, shipping: str, total: str, tax: str
) -> None:
    text, html = both(compose(data, SHOP))
    assert f"each: {items} Delivery (Next day): {shipping} Total: {total} Includes {tax} " in text
    assert f"2 {items} Delivery Next day {shipping} Total Includes {tax} {total} " in html


def test_a_mail_of_an_order_without_shipping_or_tax_claims_neither() -> None:
    for each in both(compose(placed().model_copy(update={"shipping": None, "tax": None}), SHOP)):
        assert "Total" in each
        assert "Delivery" not in each
        assert "Includes" not in each


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
    assert "not accepted at the door" in reads(cancelled(CancelReason.PARCEL_REFUSED))
    assert "could not deliver" in reads(cancelled(CancelReason.PARCEL_UNDELIVERABLE))
    assert "lost on its way" in reads(cancelled(CancelReason.PARCEL_LOST))


@pytest.mark.parametrize("reason", [CancelReason.BY_SHOP, CancelReason.PARCEL_UNDELIVERABLE, CancelReason.PARCEL_LOST])
def test_the_shop_is_sorry_for_what_the_shopper_could_not_help(reason: CancelReason) -> None:
    assert "We are sorry" in reads(cancelled(reason))


def test_what_staff_note_about_a_cancellation_reaches_the_shopper_in_one_paragraph() -> None:
    text = compose(cancelled(CancelReason.BY_SHOP, Paid.NO, "It broke\n\nas we packed it."), SHOP).text
    assert "Our note to you: It broke as we packed it.\n" in text
    assert "note" not in reads(cancelled(CancelReason.BY_SHOP))


WHERE_MONEY_MAY_HAVE_BEEN_TAKEN = [
    CancelReason.BY_SHOPPER,
    CancelReason.BY_SHOP,
    CancelReason.PARCEL_REFUSED,
    CancelReason.PARCEL_UNDELIVERABLE,
    CancelReason.PARCEL_LOST,
    CancelReason.OTHER,
]


@pytest.mark.parametrize("reason", WHERE_MONEY_MAY_HAVE_BEEN_TAKEN)
def test_a_cancellation_says_what_happens_to_the_money(reason: CancelReason) -> None:
    assert "We will refund the full amount (SGD 154.30)" in reads(cancelled(reason, Paid.YES))
    not_paid = reads(cancelled(reason, Paid.NO))
    assert "You were not charged" in not_paid
    assert "We will refund" not in not_paid
    # Where the event does not say, a payment may even be under way.
    for paid in (None, Paid.UNKNOWN, Paid.OTHER):
        text = reads(cancelled(reason, paid))
        assert "If you already paid by card, we will refund the full amount (SGD 154.30)" in text
        assert "If not, you were not charged." in text


def test_a_confirmation_promises_a_cancellation_only_until_the_parcel_has_left() -> None:
    assert "cancel on your order's page until your parcel has left us" in reads(confirmed(PaymentMethod.CARD))


def test_a_parcel_on_its_way_tells_where_it_is_and_where_it_goes() -> None:
    text, html = both(compose(dispatched(), SHOP))
    for each in (text, html):
        assert "Carrier: SingPost" in each
        assert "Tracking number: SP123456789SG" in each
        assert "Delivery address Ada Lovelace 12 Analytical Street #03-04 Singapore 049483 SG" in each
        assert "can no longer be cancelled" in each
        assert "cash" not in each
    assert "Track your parcel: https://track.example/SP1" in text


def test_a_parcel_that_nobody_can_track_has_no_link() -> None:
    for url in (None, "javascript:alert(1)"):
        assert not any("Track your parcel" in text for text in both(compose(dispatched(tracking_url=url), SHOP)))


def test_who_pays_on_delivery_is_told_what_to_have_ready_and_afterwards_what_they_paid() -> None:
    assert "have SGD 154.30 in cash ready for the courier" in reads(dispatched(cash_due=ORDER["total"]))
    assert "You paid the courier SGD 120.00 in cash." in reads(delivered(12000))
    for nothing in (None, 0):
        assert "You paid" not in reads(delivered(nothing))


@pytest.mark.parametrize("data", [placed(), confirmed(PaymentMethod.COD)], ids=name_of)
def test_the_address_is_shown_before_the_parcel_leaves(data: OrderEvent) -> None:
    assert "Delivery address Ada Lovelace 12 Analytical Street" in reads(
        data.model_copy(update={"shipping_address": ADDRESS})
    )


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"postal_code": None, "city": "Central", "state": "Hong Kong Island", "country": "HK"},
            "Central Hong Kong Island HK",
        ),
        (
            {"postal_code": "95014", "city": "Cupertino", "state": "CA", "country": "US", "phone": "+14085550100"},
            "Cupertino CA 95014 US +14085550100",
        ),
    ],
    ids=["no postal code", "state and phone"],
)
def test_an_address_has_the_lines_of_its_country(changes: dict[str, str | None], lines: str) -> None:
    address = ADDRESS.model_copy(update=changes)
    for each in both(compose(dispatched(shipping_address=address), SHOP)):
        assert f"12 Analytical Street #03-04 {lines} " in each
        assert "None" not in each


def test_instructions_for_a_return_say_what_to_send_where_and_with_which_number() -> None:
    for text in both(compose(return_requested(), SHOP)):
        assert "1 x Canvas backpack" in text
        assert "return number 9C4HD81XWE" in text
        assert "Send it to CloudRetail Returns 1 Example Road Singapore 018956" in text
        assert "Desk lamp" not in text, "it is not sent back"
        assert "sorry" not in text


@pytest.mark.parametrize("reason", [ReturnReason.DAMAGED, ReturnReason.WRONG_ITEM, ReturnReason.NOT_AS_DESCRIBED])
def test_the_shop_is_sorry_where_a_return_is_its_own_fault(reason: ReturnReason) -> None:
    assert "We are sorry" in reads(return_requested(reason))


def test_a_return_that_arrived_says_what_was_taken_and_not_what_the_shop_does_with_it() -> None:
    text = reads(return_received())
    assert "2 x Canvas backpack" in text
    assert "write" not in text.replace("write to help@", "")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (ReturnRefusal.NEVER_ARRIVED, "have not arrived here"),
        (ReturnRefusal.NOT_OURS, "not what you ordered"),
        (ReturnRefusal.USED, "have been used"),
        (ReturnRefusal.OTHER, "could not take"),
    ],
)
def test_a_refused_return_says_why_and_what_staff_noted(reason: ReturnRefusal, words: str) -> None:
    text = reads(return_refused(reason, "It has a coffee stain."))
    assert words in text
    assert "Our note to you: It has a coffee stain." in text
    assert "note" not in reads(return_refused(reason))


def test_a_refund_says_how_much_what_for_and_where_it_goes() -> None:
    assert "refunded SGD 154.30 to your card for your cancelled order" in reads(refunded(PaymentMethod.CARD))
    assert "for your return 9C4HD81XWE" in reads(refunded(PaymentMethod.CARD, RETURN_ID))
    assert "for a payment that we did not need" in reads(refunded(PaymentMethod.CARD, "attempt:2"))
    assert "card" not in reads(refunded(PaymentMethod.COD))


@pytest.mark.parametrize("method", PaymentMethod)
def test_a_refund_by_hand_tells_its_reference_and_names_no_card(method: PaymentMethod) -> None:
    text = reads(refunded(method, RETURN_ID, "FT-2026-0042"))
    assert "We have paid SGD 154.30 back to you" in text
    assert "reference is FT-2026-0042" in text
    assert "card" not in text


def test_a_refund_that_failed_asks_nothing_of_the_shopper_and_keeps_the_providers_words_inside() -> None:
    data = refund_failed(PaymentMethod.CARD)
    text = reads(data)
    assert "We owe you SGD 154.30" in text
    assert "nothing you need to do" in text
    assert data.reason not in text


def test_cash_is_paid_back_by_hand_and_is_no_failure() -> None:
    text = reads(refund_failed(PaymentMethod.COD, RETURN_ID))
    assert "We owe you SGD 154.30 for your return 9C4HD81XWE" in text
    assert "You paid in cash" in text
    assert "provider" not in text


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
    assert len(page.all("table")) - len(layout) == len(page.all("caption")) == bool(content_of(data, SHOP).lines)
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
    assert (
        content_of(placed(), replace(SHOP, storefront_url=url)).link
        == f"https://shop.example/orders/{ORDER['order_id']}"
    )


def test_an_order_id_cannot_lead_a_link_elsewhere() -> None:
    order = cancelled(CancelReason.BY_SHOPPER).model_copy(update={"order_id": "../login?next=//evil"})
    assert content_of(order, SHOP).link == f"{SHOP.storefront_url}/orders/..%2Flogin%3Fnext%3D%2F%2Fevil"


@pytest.mark.parametrize(
    ("order_id", "number"),
    [("ord_3f5xk2m7qa2b4c6dabcd", "3F5XK2M7QA"), ("ord_ab", "AB"), ("x-1/\r\nBcc: 2", "X1BCC2")],
)
def test_a_number_is_short_and_only_letters_and_digits(order_id: str, number: str) -> None:
    assert order_number(order_id) == number
