"""Orders: the checkouts that begin everything, what becomes of them, and what is sent back."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache

from cloudretail.decider import Change, Decision
from cloudretail.errors import Refusal
from cloudretail.event import EventData
from cloudretail.money import Money
from contract.values import Address, CancelReason, OrderStatus, PaymentMethod, ReturnReason, StockLine
from orders import domain
from orders.reactions import CONSUMER
from orders.store import ORDERS
from tests.contract.publishers import CONTEXT, EMAIL, USER_ID, Publisher, known
from tests.support.checkouts import NOTHING_HELD
from tests.support.rates import FREE, PHONE

PRODUCT_ID = "canvas-backpack"
PRICE = Money(amount=5990, currency="SGD")


@cache
def placed() -> tuple[Change[domain.Order], ...]:
    """A checkout for each way to pay that may be chosen at checkout."""
    address = Address(
        name="Shopper", line1="1 Market St", city="Singapore", postal_code="048941", country="SG", phone=PHONE
    )
    line = domain.CartLine(product_id=PRODUCT_ID, quantity=2, unit_price=PRICE)
    listed = domain.Listed(product_id=PRODUCT_ID, name="Canvas backpack", price=PRICE)
    return tuple(
        domain.place(
            domain.PlaceOrder(
                shipping_address=address,
                shipping_method="standard",
                total=PRICE * 2,
                cart_version=1,
                payment_method=method,
            ),
            domain.Basket(domain.Cart(items=(line,), version=1), {PRODUCT_ID: listed}, {PRODUCT_ID: 5}),
            NOTHING_HELD,
            FREE,
            domain.Shopper(USER_ID, EMAIL),
            CONTEXT,
        )
        for method in (None, PaymentMethod.COD)
    )


CALLED_OFF = (domain.Cancel(), domain.Cancel(CancelReason.BY_SHOP, "The last one was broken."))
SENT_BACK = domain.RequestReturn(
    return_id="ret_1",
    lines=(StockLine(product_id=PRODUCT_ID, quantity=1),),
    reason=ReturnReason.CHANGED_MIND,
)
"""One of the two pieces; what two returns have to do with each other, the rules' own tests say."""


def decide(order: domain.Order | None, events: Sequence[EventData]) -> Iterator[Decision[domain.Order]]:
    assert order, "an order begins with its checkout"
    messages: list[domain.Message] = [*known(events, *CONSUMER.subscribes_to), *CALLED_OFF]
    for message in messages:
        yield domain.decide(order, message, CONTEXT)
    with suppress(Refusal):
        yield domain.request_return(order, SENT_BACK, CONTEXT)
    with suppress(Refusal):
        yield domain.withdraw_return(order, SENT_BACK.return_id, CONTEXT)


def without_history(order: domain.Order) -> domain.Order:
    """No rule but "noted already" looks into the story, which would make every order of the same facts a new state.

    Of an order that is being cancelled, it holds the reason.
    """
    cancelling = order.status is OrderStatus.CANCELLING
    kept = tuple(step for step in order.history if cancelling and step.event == "CancellationRequested")
    return order.model_copy(update={"history": kept})


PUBLISHER = Publisher(ORDERS, lambda order: order.order_id, decide, begins=placed(), compared=without_history)
