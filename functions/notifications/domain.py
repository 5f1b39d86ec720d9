"""Which mails a shopper gets, and what they say. Pure. The layout of a mail is in `templates/`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from cloudretail.model import Model
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
    CANCELLATION,
    ERASED,
    CancelReason,
    InspectedLine,
    OrderEvent,
    OrderStatus,
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
    return_number,
)


@dataclass(frozen=True)
class Shop:
    """What mails say of the shop.

    Attributes:
        storefront_url: address of the storefront, with or without a slash at its end.
        contact: e-mail address at which a person answers; replies to a mail go there.
        return_address: postal address for returns, line by line.
    """

    storefront_url: str
    contact: str
    return_address: tuple[str, ...]


PAGES = {
    "shipping": "Shipping and returns",
    "terms": "Terms of sale",
    "privacy": "Privacy",
    "imprint": "Imprint",
}
"""What each mail leads to, by its path at the storefront: frontend/texts/."""


class MailId(NamedTuple):
    """The id of a mail. It is the same for every delivery of its event, and for every version of the event's schema.

    Attributes:
        order_id: of the order that the mail is about.
        name: name of the event. For a return or a refund its id is added, as an order may have several.
    """

    order_id: str
    name: str

    def __str__(self) -> str:
        return f"{self.order_id}#{self.name}"


@dataclass(frozen=True)
class Words:
    """What one kind of mail says, in whole sentences.

    Attributes:
        subject: what happened to the order, as the end of "Order 1A2B3C4D5E ...".
        heading: the same for somebody who has opened the mail.
        preview: the sentence that a list of mails shows behind the subject.
        story: what happened, paragraph by paragraph.
        points: details of it, as a list.
        next_steps: what happens next, paragraph by paragraph.
        send_to_us: whether the shopper has to send something, and so needs the shop's address.
        tracking: the carrier's page about the parcel.
    """

    subject: str
    heading: str
    preview: str
    story: tuple[str, ...]
    next_steps: tuple[str, ...]
    points: tuple[str, ...] = ()
    send_to_us: bool = False
    tracking: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of the order. Prices are texts for people."""

    name: str
    quantity: int
    unit_price: str
    price: str


@dataclass(frozen=True)
class Shipping:
    """How the order is sent. The price is a text for people."""

    name: str
    price: str


@dataclass(frozen=True)
class PostalAddress:
    """An address in a mail.

    Attributes:
        title: whose address it is, or what it is for.
        lines: as on an envelope.
    """

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class MailContent:
    """A mail before it is laid out.

    Attributes:
        id: unique to this mail.
        kind: name of the event that it is about.
        order_id: of the order.
        number: short form of the order id, for people.
        to: e-mail address of the shopper.
        subject: a short line with the number in it.
        words: what it says.
        lines: the order's items; empty if the event does not carry them, or is about some of them only.
        shipping: how the order is sent, and what that costs; None if the event does not carry it.
        total: of the lines and shipping; empty without lines.
        tax: the tax that the total includes, as a sentence; empty if it includes none.
        addresses: where the order goes, or where to send a return.
        link: the order's page in the storefront.
        contact: e-mail address at which a person answers.
        texts: titles and addresses of the storefront's pages about delivery, terms and privacy, and of who sells.
    """

    id: MailId
    kind: str
    order_id: str
    number: str
    to: str
    subject: str
    words: Words
    lines: tuple[Line, ...]
    shipping: Shipping | None
    total: str
    tax: str
    addresses: tuple[PostalAddress, ...]
    link: str
    contact: str
    texts: tuple[tuple[str, str], ...]


def content_of(data: OrderEvent, shop: Shop) -> MailContent:
    """The content of the mail about an event.

    Args:
        data: of one of the events in TEXTS.
        shop: what mails say of the shop.
    """
    number = order_number(data.order_id)
    kind = data.event_type.name
    words = TEXTS[type(data)](data)
    about = _part_of_order(data)
    order = data if isinstance(data, WholeOrderEvent) and not about else None
    storefront = shop.storefront_url.rstrip("/")
    return MailContent(
        id=MailId(data.order_id, f"{kind}#{about}" if about else kind),
        kind=kind,
        order_id=data.order_id,
        number=number,
        to=data.user_email,  # type: ignore[attr-defined]  # every event in TEXTS has it
        subject=f"Order {number} {words.subject}",
        words=words,
        lines=tuple(
            Line(_in_one_line(item.name), item.quantity, str(item.unit_price), str(item.unit_price * item.quantity))
            for item in (order.items if order else ())
        ),
        shipping=_shipping(order.shipping) if order and order.shipping else None,
        total=str(order.total) if order else "",
        tax=_tax(order.tax) if order and order.tax else "",
        addresses=_addresses(data, words, shop),
        link=f"{storefront}/orders/{quote(data.order_id, safe='')}",
        contact=shop.contact,
        texts=tuple((title, f"{storefront}/{path}") for path, title in PAGES.items()),
    )


def _shipping(charge: ShippingCharge) -> Shipping:
    return Shipping(_in_one_line(charge.name), str(charge.price) if charge.price.amount else "Free")


def _tax(tax: Tax) -> str:
    # Basis points without a float: 900 is 9 %, 825 is 8.25 %.
    percent = f"{tax.basis_points // 100}.{tax.basis_points % 100:02}".rstrip("0").rstrip(".")
    return f"Includes {percent}% {_in_one_line(tax.name)} of {tax.amount}"


def _part_of_order(data: OrderEvent) -> str | None:
    """Id of the return or refund that the mail is about; None if it is about the whole order."""
    match data:
        case ReturnRequested() | ReturnReceived() | ReturnRefused():
            return data.return_id
        case PaymentRefunded(reference=str()):
            # Beside the mail about a card's refund, which can fail after all.
            return f"{data.refund_id}:by-hand"
        case PaymentRefunded() | PaymentRefundFailed():
            return data.refund_id
        case _:
            return None


def _addresses(data: OrderEvent, words: Words, shop: Shop) -> tuple[PostalAddress, ...]:
    if words.send_to_us:
        return (PostalAddress("Send it to", shop.return_address),)
    if not isinstance(data, OrderPlaced | OrderConfirmed | ShipmentDispatched) or data.shipping_address is None:
        return ()
    to = data.shipping_address
    place = " ".join(filter(None, (to.city, to.state, to.postal_code)))
    lines = (to.name, to.line1, to.line2, place, to.country, to.phone)
    return (PostalAddress("Delivery address", tuple(_in_one_line(line) for line in lines if line)),)


def moment(at: datetime) -> str:
    """A moment as the storefront writes it, "27 November 2026 at 13:30". It is in UTC: the reader's zone is unknown."""
    return f"{at.astimezone(UTC):%-d %B %Y at %H:%M UTC}"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


_AGAIN = "If you still want these items, you can put them back in your cart on your order's page."


def _received(data: OrderPlaced) -> Words:
    if data.payment_method is PaymentMethod.COD:
        steps = (
            f"You chose to pay cash on delivery. Please have {data.total} ready for the courier.",
            "We will e-mail you again when your order is confirmed.",
        )
    else:
        steps = (
            "As soon as your items are set aside, you can pay on your order's page. It shows how long we can hold them "
            "for you.",
            "You will not be charged before that. We will e-mail you again when your order is confirmed.",
        )
    return Words(
        subject="received",
        heading="We have received your order",
        preview="Thank you! We are setting your items aside.",
        story=(f"Thank you! We received your order on {moment(data.placed_at)} and are setting your items aside.",),
        next_steps=steps,
    )


def _confirmed(data: OrderConfirmed) -> Words:
    if data.payment_method is PaymentMethod.COD:
        payment = f"You pay cash on delivery. Please have {data.total} ready for the courier."
    else:
        payment = f"We have charged {data.total} to your card."
    return Words(
        subject="confirmed",
        heading="Your order is confirmed",
        preview=payment,
        story=("Good news: everything you ordered is reserved for you.", payment),
        next_steps=(
            "We are now packing your order, and will e-mail you when it is on its way.",
            "Changed your mind? You can cancel on your order's page until your parcel has left us. After that, you can "
            "send it back once it has arrived.",
        ),
    )


def _rejected(data: OrderRejected) -> Words:
    match data.reason:
        case RefusalReason.SOLD_OUT:
            names = {item.product_id: _in_one_line(item.name) for item in data.items}
            return Words(
                subject="could not be completed: sold out",
                heading="Sorry, we could not complete your order",
                preview="An item sold out. You were not charged.",
                story=("When we went to set your items aside, there were not enough left. You were not charged.",),
                points=tuple(_shortage(shortage, names) for shortage in data.shortages),
                next_steps=(
                    "We have closed this order and are not holding any of its items. On your order's page you can put "
                    "what is still in stock back in your cart.",
                ),
            )
        case RefusalReason.EXPIRED:
            return Words(
                subject="could not be completed in time",
                heading="Sorry, we were too slow",
                preview="We could not process your order in time. You were not charged.",
                story=(
                    "We could not process your order in time. That was our fault, not yours. Rather than surprise you "
                    "with a late delivery, we have closed the order.",
                    "You were not charged.",
                ),
                next_steps=(_AGAIN,),
            )
        case RefusalReason.OTHER:
            return Words(
                subject="could not be filled",
                heading="Sorry, we could not fill your order",
                preview="We could not fill your order. You were not charged.",
                story=("We could not fill your order, and have closed it. You were not charged.",),
                next_steps=("If you still want the items, please order them again.",),
            )


def _shortage(shortage: Shortage, names: Mapping[str, str]) -> str:
    name = names.get(shortage.product_id, shortage.product_id)
    left = f"only {shortage.available} left" if shortage.available else "sold out"
    return f"{name}: you ordered {shortage.requested}, {left}"


def _cancelled(data: OrderCancelled) -> Words:
    match data.reason:
        case CancelReason.BY_SHOPPER:
            return Words(
                subject="cancelled",
                heading="Your order is cancelled",
                preview="As you asked, we have cancelled your order.",
                story=("As you asked, we have cancelled your order. Nothing will be delivered.",),
                next_steps=(_money_back(data),),
            )
        case CancelReason.BY_SHOP:
            return Words(
                subject="cancelled",
                heading="Sorry, we had to cancel your order",
                preview="We are sorry: we cannot send you this order.",
                story=("We are sorry: we cannot send you this order, so we have cancelled it.", *_note(data.note)),
                next_steps=(_money_back(data), _AGAIN),
            )
        case CancelReason.PAYMENT_DECLINED:
            return Words(
                subject="cancelled: payment declined",
                heading="Your order is cancelled",
                preview="Your payment was declined. You were not charged.",
                story=(
                    "Your payment was declined and there were no attempts left, so we have cancelled your order and "
                    "put its items back on sale.",
                    "You were not charged.",
                ),
                next_steps=(
                    "Your bank can tell you why the payment was declined. You are welcome to order again with another "
                    "card, or with cash on delivery.",
                ),
            )
        case CancelReason.PAYMENT_WINDOW_CLOSED:
            return Words(
                subject="cancelled: not paid in time",
                heading="Your order is cancelled",
                preview="It was not paid in time. You were not charged.",
                story=(
                    "We held your items for you, but your order was not paid in time. We have cancelled it and put its "
                    "items back on sale.",
                    "You were not charged.",
                ),
                next_steps=(_AGAIN,),
            )
        case CancelReason.PARCEL_REFUSED:
            return Words(
                subject="came back to us",
                heading="Your parcel came back to us",
                preview="It was not accepted at the door, so we have cancelled your order.",
                story=(
                    "Your parcel was not accepted at the door and came back to us, so we have cancelled your order.",
                ),
                next_steps=(_money_back(data), _AGAIN),
            )
        case CancelReason.PARCEL_UNDELIVERABLE:
            return Words(
                subject="could not be delivered",
                heading="Sorry, your parcel could not be delivered",
                preview="It came back to us, so we have cancelled your order.",
                story=(
                    "We are sorry: the carrier could not deliver your parcel, and it came back to us. We have "
                    "cancelled your order.",
                ),
                next_steps=(
                    _money_back(data),
                    f"{_AGAIN} Please check the delivery address before you order again.",
                ),
            )
        case CancelReason.PARCEL_LOST:
            return Words(
                subject="was lost on its way",
                heading="Sorry, your parcel was lost",
                preview="It was lost on its way to you, so we have cancelled your order.",
                story=("We are sorry: your parcel was lost on its way to you. We have cancelled your order.",),
                next_steps=(_money_back(data), _AGAIN),
            )
        case CancelReason.OTHER:
            return Words(
                subject="cancelled",
                heading="Your order is cancelled",
                preview="We have cancelled your order.",
                story=("We have cancelled your order. Nothing will be delivered.", *_note(data.note)),
                next_steps=(_money_back(data),),
            )


def _money_back(data: OrderCancelled) -> str:
    match data.paid:
        case Paid.YES:
            return f"We will refund the full amount ({data.total}), and e-mail you once it is on its way."
        case Paid.NO:
            return "You were not charged, so there is nothing to refund."
        case _:
            # Whether the order is paid is not known: an attempt may still be running.
            return (
                f"If you already paid by card, we will refund the full amount ({data.total}) and e-mail you once it is "
                "on its way. If not, you were not charged."
            )


def _note(note: str | None) -> tuple[str, ...]:
    """The note of a member of staff to the shopper, as a paragraph."""
    text = _in_one_line(note or "")
    return (f"Our note to you: {text}",) if text else ()


# --- the parcel -------------------------------------------------------------------------------------------------------


def _dispatched(data: ShipmentDispatched) -> Words:
    carrier = _in_one_line(data.carrier)
    cash = (f"Please have {data.cash_due} in cash ready for the courier.",) if data.cash_due else ()
    url = data.tracking_url
    return Words(
        subject="is on its way",
        heading="Your order is on its way",
        preview=f"Your parcel is with {carrier}.",
        story=(f"Good news: your parcel has left us and is with {carrier}.", *cash),
        points=(f"Carrier: {carrier}", f"Tracking number: {_in_one_line(data.tracking_number)}"),
        next_steps=(
            "The carrier shows where your parcel is. Its first scan can take a day to appear.",
            "Changed your mind? Your order can no longer be cancelled, but you can send it back once it has arrived.",
        ),
        tracking=url if url and url.startswith(("https://", "http://")) else None,
    )


def _delivered(data: ShipmentDelivered) -> Words:
    paid = (f"You paid the courier {data.cash} in cash.",) if data.cash and data.cash.amount else ()
    return Words(
        subject="delivered",
        heading="Your order has been delivered",
        preview="We hope that you like it.",
        story=(f"Your parcel was delivered on {moment(data.delivered_at)}. We hope that you like it.", *paid),
        next_steps=(
            "Not quite right? You can send items back: your order's page says until when, and how.",
            "If you have not received your parcel, please let us know.",
        ),
    )


# --- returns ----------------------------------------------------------------------------------------------------------

_OUR_FAULT = frozenset({ReturnReason.DAMAGED, ReturnReason.WRONG_ITEM, ReturnReason.NOT_AS_DESCRIBED})


def _return_requested(data: ReturnRequested) -> Words:
    number = return_number(data.return_id)
    sorry = ("We are sorry that something was not right with your order.",) if data.reason in _OUR_FAULT else ()
    return Words(
        subject="return: how to send it",
        heading="How to send your items back",
        preview=f"Your return has the number {number}.",
        story=(*sorry, f"You want to send these items back. Your return has the number {number}."),
        points=_pieces(data, data.lines),
        next_steps=(
            f"Pack the items well, and put a note with the return number {number} into the parcel.",
            "Send the parcel to the address in this e-mail, and keep the carrier's receipt until you have your refund.",
            "We will e-mail you when it has arrived.",
            "Changed your mind? As long as you have not sent the items, you can withdraw the return on your order's "
            "page.",
        ),
        send_to_us=True,
    )


def _return_received(data: ReturnReceived) -> Words:
    return Words(
        subject="return received",
        heading="Your return has arrived",
        preview="Thank you for sending it. We are now working out your refund.",
        story=(f"Thank you: your return {return_number(data.return_id)} has arrived. We have taken these items back.",),
        points=_pieces(data, data.lines),
        next_steps=(
            "What you paid for them goes back to you. We will e-mail you about your refund.",
            "If you sent more than this, please let us know.",
        ),
    )


def _return_refused(data: ReturnRefused) -> Words:
    number = return_number(data.return_id)
    match data.reason:
        case ReturnRefusal.NEVER_ARRIVED:
            why = f"The items of your return {number} have not arrived here, so we have closed it."
            step = (
                "If you sent them, please write to us with the carrier's receipt. If you still want to send them, you "
                "can ask for a new return on your order's page for as long as items can be sent back."
            )
        case ReturnRefusal.NOT_OURS:
            why = f"What arrived with your return {number} is not what you ordered from us, so we cannot refund it."
            step = "Please write to us, so that you get your items back."
        case ReturnRefusal.USED:
            why = f"The items of your return {number} have been used, so we cannot take them back or refund them."
            step = "Please write to us, so that you get your items back, or if you see this differently."
        case ReturnRefusal.OTHER:
            why = f"We could not take the items of your return {number} back, so there is no refund for them."
            step = "Please write to us if you see this differently."
    return Words(
        subject="return not accepted",
        heading="Sorry, we could not accept your return",
        preview=why,
        story=(why, *_note(data.note)),
        next_steps=(step,),
    )


def _pieces(data: WholeOrderEvent, lines: Iterable[StockLine | InspectedLine]) -> tuple[str, ...]:
    names = {item.product_id: item.name for item in data.items}
    return tuple(
        f"{line.quantity} x {_in_one_line(names.get(line.product_id, line.product_id))}"
        for line in lines
        if line.quantity
    )


# --- refunds ----------------------------------------------------------------------------------------------------------


def _refunded(data: PaymentRefunded) -> Words:
    what = _what_for(data)
    if data.reference is not None:
        where = f"We have paid {data.amount} back to you {what}."
        steps: tuple[str, ...] = (
            f"The payment's reference is {_in_one_line(data.reference)}.",
            "If you cannot find the money after a few days, please write to us with this reference.",
        )
    elif data.method is PaymentMethod.CARD:
        where = f"We have refunded {data.amount} to your card {what}."
        steps = ("It can take a few days to appear on your statement.",)
    else:
        where = f"We have paid {data.amount} back to you {what}."
        steps = ("There is nothing you need to do.",)
    return Words(
        subject="refunded",
        heading="Your refund is on its way",
        preview=where,
        story=(where,),
        next_steps=steps,
    )


def _refund_failed(data: PaymentRefundFailed) -> Words:
    owed = f"We owe you {data.amount} {_what_for(data)}, and will pay it back by hand."
    if data.method is PaymentMethod.COD:
        return Words(
            subject="refund: we will pay it by hand",
            heading="How you get your refund",
            preview=owed,
            story=(owed, "You paid in cash, so there is no card that we could refund."),
            next_steps=(
                "One of us will write to you to agree on how you get your money. Please never send card details by "
                "e-mail: we do not need them.",
                "If you have not heard from us within a week, just reply to this e-mail.",
            ),
        )
    return Words(
        subject="refund delayed",
        heading="Your refund is taking longer",
        preview=owed,
        story=(
            owed,
            "We tried to refund it to your card, but the payment provider did not accept that.",
            "The money is still yours, and we know that we owe it to you.",
        ),
        next_steps=(
            "One of us will write to you to agree on how you get your money. There is nothing you need to do.",
            "If you have not heard from us within a week, just reply to this e-mail.",
        ),
    )


def _what_for(data: PaymentRefunded | PaymentRefundFailed) -> str:
    if data.refund_id == CANCELLATION:
        return "for your cancelled order"
    if data.refund_id.startswith("ret_"):
        return f"for your return {return_number(data.refund_id)}"
    return "for a payment that we did not need"


TEXTS: Mapping[type[OrderEvent], Callable[[Any], Words]] = {
    OrderPlaced: _received,
    OrderConfirmed: _confirmed,
    OrderRejected: _rejected,
    OrderCancelled: _cancelled,
    ShipmentDispatched: _dispatched,
    ShipmentDelivered: _delivered,
    ReturnRequested: _return_requested,
    ReturnReceived: _return_received,
    ReturnRefused: _return_refused,
    PaymentRefunded: _refunded,
    PaymentRefundFailed: _refund_failed,
}
"""The events that a mail is sent about, and what that mail says."""


class ReturnNow(Model):
    """A return of an order."""

    return_id: str
    status: str


class OrderNow(Model):
    """The state of an order just before a mail about it is sent.

    Attributes:
        status: an OrderStatus, or one that this code does not know yet.
        user_email: whose it is; ERASED once that person has left.
    """

    status: str
    user_email: str = ""
    returns: tuple[ReturnNow, ...] = ()

    def status_of_return(self, return_id: str) -> str:
        """The status of the return with this id; `unknown` if there is none."""
        return next((each.status for each in self.returns if each.return_id == return_id), "unknown")


LATE = timedelta(minutes=15)
"""From this age on the order of any event is read before its mail is sent: its shopper may have left meanwhile."""

DEPENDS_ON_ORDER: tuple[type[OrderEvent], ...] = (OrderPlaced, ShipmentDispatched, ReturnRequested)
"""The events whose mail can become untrue. Before it is sent, the order's present state is always read."""

_ENDED = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELLED})
_PAST_SETTING_ASIDE = _ENDED | {OrderStatus.CANCELLING, OrderStatus.SHIPPED, OrderStatus.DELIVERED}


def why_untrue(data: OrderEvent, order: OrderNow, now: datetime) -> str | None:
    """Why the mail about an event is no longer true; None if it still is.

    A late or replayed event still has the address of a shopper who has left.

    Args:
        data: of the event.
        order: as it is now.
        now: aware.
    """
    if order.user_email == ERASED:
        return "its shopper has left"
    if not isinstance(data, DEPENDS_ON_ORDER):
        return None
    match data:
        case OrderPlaced(payment_method=method):
            # Without a chosen method, the mail says that the order can still be paid: not true once it is CONFIRMED.
            over = _PAST_SETTING_ASIDE if method else _PAST_SETTING_ASIDE | {OrderStatus.CONFIRMED}
            if order.status in over:
                return f"the order is {order.status}"
            return "the order is too old" if now > data.place_by else None
        case ShipmentDispatched() if order.status in _ENDED | {OrderStatus.DELIVERED}:
            return f"the order is {order.status}"
        case ReturnRequested(return_id=return_id) if (status := order.status_of_return(return_id)) != "REQUESTED":
            return f"the return is {status}"
        case _:
            return None
