"""Every event that the shop can tell: the real deciders, driven through all states that each other's events and every
command of a shopper, a card gateway or the clock can bring them into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cloudretail.decider import Change, Context, Decision
from cloudretail.envelope import Cause
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money
from cloudretail.outbox import Aggregate
from contract.orders import OrderPlaced
from contract.values import PaymentMethod, Shortage
from inventory import domain as inventory
from inventory.reactions import CONSUMER as INVENTORY_CONSUMER
from inventory.store import RESERVATIONS
from orders import domain as orders
from orders.reactions import CONSUMER as ORDERS_CONSUMER
from orders.store import ORDERS
from payments import domain as payments
from payments.reactions import CONSUMER as PAYMENTS_CONSUMER
from payments.store import PAYMENTS
from tests.support.checkouts import NOTHING_HELD

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TOO_LATE = NOW + orders.PLACE_WITHIN + timedelta(seconds=1)
CAUSE = Cause("request-1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
USER_ID, EMAIL = "user-1", "shopper@cloudretail.example"
ORDER_ID = orders.order_id_of(USER_ID, "a-key")
CONTEXT = Context(ORDER_ID, CAUSE.id, NOW)
PRODUCT_ID = "canvas-backpack"
PRICE = Money(amount=5990, currency="SGD")


@dataclass(frozen=True)
class Told:
    """An event as its producer wrote it.

    Attributes:
        producer: name of the aggregate whose row it was written with.
        data: what happened.
        document: as it travels.
    """

    producer: str
    data: EventData
    document: str

    @property
    def name(self) -> str:
        return self.data.event_type.name


@cache
def placed() -> tuple[Change[orders.Order], ...]:
    """A checkout for each way to pay that may be chosen at checkout."""
    address = orders.Address(name="Shopper", line1="1 Market St", city="Singapore", postal_code="1", country="SG")
    line = orders.CartLine(product_id=PRODUCT_ID, quantity=2, unit_price=PRICE)
    listed = orders.Listed(product_id=PRODUCT_ID, name="Canvas backpack", price=PRICE)
    return tuple(
        orders.place(
            orders.PlaceOrder(shipping_address=address, cart_version=1, payment_method=method),
            orders.Basket(orders.Cart(items=(line,), version=1), {PRODUCT_ID: listed}, {PRODUCT_ID: 5}),
            NOTHING_HELD,
            orders.Shopper(USER_ID, EMAIL),
            CONTEXT,
        )
        for method in (None, PaymentMethod.COD)
    )


COMMANDS_TO_PAYMENTS: tuple[payments.Message, ...] = (
    payments.ChooseMethod(PaymentMethod.COD),
    payments.ChooseMethod(PaymentMethod.CARD, "tok_visa"),
    payments.WindowClosed(),
    *(
        message
        for attempt in range(1, payments.MAX_ATTEMPTS + 1)
        for message in (
            payments.AttemptSent(attempt, "sandbox", f"reference of {attempt}"),
            payments.AttemptUnsent(attempt, "declined"),
            payments.ChargeDeclined(attempt, "declined"),
            payments.ChargeEnded(attempt, order_over=False),
            payments.ChargeEnded(attempt, order_over=True),
            payments.RefundDone(attempt),
            payments.RefundRefused(attempt, "this card takes no refunds"),
        )
    ),
)


def accepted(payment: payments.Payment | None) -> list[payments.Message]:
    """By the attempt that runs. By any other it is a refund beside the payment, which is told as the payment's own is;
    with all of their combinations there were too many states."""
    if payment is None or payment.status is not payments.PaymentStatus.SUBMITTED:
        return []
    return [payments.ChargeAccepted(payment.attempts, "sandbox", f"reference of {payment.attempts}")]


class Everything:
    """All states that the three aggregates of one order can be in, and all events that lead there."""

    def __init__(self) -> None:
        self.events: dict[EventData, Told] = {}
        self._orders: dict[orders.Order, None] = {}
        self._payments: dict[payments.Payment | None, None] = {None: None}
        self._reservations: dict[inventory.Reservation | None, None] = {None: None}
        for change in placed():
            self._orders[_without_history(change.state)] = None
            self._tell(ORDERS, ORDER_ID, change)
        while self._grown():
            pass

    def _grown(self) -> bool:
        """Let every state meet every message that is known; False where that led to nothing new."""
        before = self._size()
        for order in list(self._orders):
            for decision in self._decided_by(order):
                if isinstance(decision, Change):
                    self._orders[_without_history(decision.state)] = None
                    self._tell(ORDERS, ORDER_ID, decision)
        for payment in list(self._payments):
            for message in (*self._known(PAYMENTS_CONSUMER.subscribes_to), *COMMANDS_TO_PAYMENTS, *accepted(payment)):
                paid = payments.decide(payment, message, CONTEXT)
                if isinstance(paid, Change):
                    self._payments[paid.state] = None
                    self._tell(PAYMENTS, paid.state.payment_id, paid)
        for reservation in list(self._reservations):
            for moved in self._decided_on(reservation):
                if isinstance(moved, Change):
                    self._reservations[moved.state] = None
                    self._tell(RESERVATIONS, ORDER_ID, moved)
        return self._size() > before

    def _decided_by(self, order: orders.Order) -> Iterator[Decision[orders.Order]]:
        messages: list[orders.Message] = [*self._known(ORDERS_CONSUMER.subscribes_to), orders.CancelByShopper()]
        for message in messages:
            yield orders.decide(order, message, CONTEXT)

    def _decided_on(self, reservation: inventory.Reservation | None) -> Iterator[Decision[inventory.Reservation]]:
        window = timedelta(minutes=15)
        sold_out = [Shortage(product_id=PRODUCT_ID, requested=2, available=1)]
        for message in self._known(INVENTORY_CONSUMER.subscribes_to):
            asked = inventory.message_of(message, window)
            yield inventory.decide(reservation, asked, CONTEXT)
            yield inventory.decide(reservation, asked, Context(ORDER_ID, CAUSE.id, TOO_LATE))
            if isinstance(message, OrderPlaced):
                yield inventory.decide(reservation, inventory.Reserve(message, window, sold_out), CONTEXT)

    def _known(self, types: tuple[type[EventData], ...]) -> list[EventData]:
        return [data for data in self.events if isinstance(data, types)]

    def _tell[S: Model](self, aggregate: Aggregate[S], key: str, change: Change[S]) -> None:
        new = [data for data in change.events if data not in self.events]
        if new:
            outbox = aggregate.after(key, None, Change(change.state, new), CAUSE, NOW).outbox
            assert outbox
            for data, document in zip(new, outbox.events, strict=True):
                self.events[data] = Told(aggregate.name, data, document)

    def _size(self) -> int:
        return len(self.events) + len(self._orders) + len(self._payments) + len(self._reservations)


def _without_history(order: orders.Order) -> orders.Order:
    """No rule but "noted already" looks into the story, which would make every order of the same facts a new state."""
    return order.model_copy(update={"history": ()})


@cache
def everything() -> tuple[Told, ...]:
    """One of each event with another content."""
    return tuple(Everything().events.values())
