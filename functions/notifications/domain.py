"""What a shopper is written, and when. Pure: the words and the figures; how a mail looks stands in `templates/`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from contract.orders import OrderCancelled, OrderConfirmed, OrderPlaced, OrderRejected, WholeOrderEvent
from contract.payments import PaymentRefunded, PaymentRefundFailed
from contract.values import CancelReason, OrderEvent, OrderStatus, PaymentMethod, RefusalReason, Shortage


@dataclass(frozen=True)
class Words:
    """What one kind of mail says, in whole sentences.

    Attributes:
        subject: what happened to the order, as the end of "Order 1A2B3C4D5E ...".
        heading: the same for somebody who has opened the mail.
        preview: the sentence that a list of mails shows behind the subject.
        story: what happened, a paragraph each.
        points: particulars of it, as a list.
        next_steps: what happens next, a paragraph each.
    """

    subject: str
    heading: str
    preview: str
    story: tuple[str, ...]
    next_steps: tuple[str, ...]
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line of the order, prices as people read them."""

    name: str
    quantity: int
    unit_price: str
    price: str


@dataclass(frozen=True)
class MailContent:
    """A mail before it is laid out.

    Attributes:
        kind: name of the event that it is about; an order gets one mail of each kind.
        order_id: of the order.
        number: short form of the order id, for people.
        to: e-mail address of the shopper.
        subject: a short line with the number in it.
        words: what it says.
        lines: the order's items; none where the event does not know them.
        total: of the lines, and empty with them.
        link: the order's page in the storefront.
    """

    kind: str
    order_id: str
    number: str
    to: str
    subject: str
    words: Words
    lines: tuple[Line, ...]
    total: str
    link: str


def content_of(data: OrderEvent, storefront_url: str) -> MailContent:
    """The mail that an event leads to.

    Args:
        data: of one of the events in TEXTS.
        storefront_url: where the storefront is, with or without a slash at its end.
    """
    number = order_number(data.order_id)
    words = TEXTS[type(data)](data)
    order = data if isinstance(data, WholeOrderEvent) else None
    return MailContent(
        kind=data.event_type.name,
        order_id=data.order_id,
        number=number,
        to=data.user_email,  # type: ignore[attr-defined]  # every event in TEXTS has it
        subject=f"Order {number} {words.subject}",
        words=words,
        lines=tuple(
            Line(_in_one_line(item.name), item.quantity, str(item.unit_price), str(item.unit_price * item.quantity))
            for item in (order.items if order else ())
        ),
        total=str(order.total) if order else "",
        link=f"{storefront_url.rstrip('/')}/orders/{quote(data.order_id, safe='')}",
    )


def order_number(order_id: str) -> str:
    """What a person reads out on the phone: ten characters behind the prefix, as on the order's page."""
    return "".join(filter(str.isalnum, order_id.removeprefix("ord_")))[:10].upper()


def moment(at: datetime) -> str:
    """A moment as the pages write it, "27 November 2026 at 13:30", here in UTC: a mail knows no time zone."""
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
            "We are now packing your order.",
            "Changed your mind? You can cancel on your order's page.",
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
                next_steps=(
                    f"If you already paid by card, we will refund the full amount ({data.total}) and e-mail you once "
                    "it is on its way. If not, you have not been charged.",
                ),
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
        case _:
            return Words(
                subject="cancelled",
                heading="Your order is cancelled",
                preview="We have cancelled your order.",
                story=("We have cancelled your order. Nothing will be delivered.",),
                next_steps=(
                    f"If you had already paid by card, all of it ({data.total}) goes back to your card, and we write "
                    "to you once it is on its way. If not, you were not charged.",
                ),
            )


def _refunded(data: PaymentRefunded) -> Words:
    if data.method is PaymentMethod.CARD:
        where = f"We have refunded {data.amount} to your card."
        when = "It can take a few days to appear on your statement."
    else:
        where = f"We have refunded the {data.amount} that you paid."
        when = "There is nothing you need to do."
    return Words(
        subject="refunded",
        heading="Your refund is on its way",
        preview=where,
        story=(where,),
        next_steps=(when,),
    )


def _refund_failed(data: PaymentRefundFailed) -> Words:
    return Words(
        subject="refund delayed",
        heading="Your refund is taking longer",
        preview=f"We owe you {data.amount} and will refund it by hand.",
        story=(
            f"We tried to refund the {data.amount} that you paid, but the payment provider did not accept it.",
            "The money is still yours, and we know that we owe it to you.",
        ),
        next_steps=("One of us will now refund it by hand. There is nothing you need to do.",),
    )


TEXTS: Mapping[type[OrderEvent], Callable[[Any], Words]] = {
    OrderPlaced: _received,
    OrderConfirmed: _confirmed,
    OrderRejected: _rejected,
    OrderCancelled: _cancelled,
    PaymentRefunded: _refunded,
    PaymentRefundFailed: _refund_failed,
}
"""Which events are written about, and in which words."""

DEPENDS_ON_ORDER: tuple[type[OrderEvent], ...] = (OrderPlaced,)
"""The events whose mail is true only as long as the order is in a state that fits: it is read before they are sent."""


def why_untrue(data: OrderEvent, order_status: str, now: datetime) -> str | None:
    """Why the mail about an event in DEPENDS_ON_ORDER is no longer true; None where it still is.

    Args:
        data: of the event.
        order_status: an OrderStatus, or one that this code does not know yet.
        now: aware.
    """
    if not isinstance(data, OrderPlaced):
        return None
    over = {OrderStatus.REJECTED, OrderStatus.CANCELLED}
    if data.payment_method is None:
        # It says that the order can be paid.
        over.add(OrderStatus.CONFIRMED)
    if order_status in over:
        return f"the order is {order_status}"
    return "the order is too old" if now > data.place_by else None
