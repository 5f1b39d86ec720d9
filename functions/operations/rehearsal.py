"""What the current code would make of a message: its own reaction runs, on consistent reads, and writes nothing.

The reactions are the services' own; only what stands behind their ports is replaced: rows are read and not written, the
payment provider is asked what it knows and not charged, no mail goes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from catalog.domain import uploads_of
from cloudretail import aws, dynamodb
from cloudretail.consumer import Delivery
from cloudretail.decider import Change, Nothing
from cloudretail.envelope import Cause, Event, parse
from cloudretail.errors import InvalidEvent, Permanent
from cloudretail.events import EventData, InventoryReservationFailed, InventoryReserved, StockLine
from cloudretail.model import Model
from cloudretail.money import Money
from cloudretail.outbox import Aggregate, Row
from cloudretail.repository import DynamoDBRepository, Settled, batch_get
from inventory.domain import TAKEN, StockChange
from inventory.domain import decide as reserve
from inventory.store import DynamoDBStock, InventorySettings, shortages
from notifications.domain import LETTERS
from notifications.mailer import compose
from operations.domain import Destination, Outcome, ToBus, ToQueue, Verdict
from orders.domain import ANSWERED
from orders.reactions import react as answer_order
from orders.store import ORDERS
from payments.domain import LEARNED, Payment
from payments.providers import Answer, Provider
from payments.reactions import close_window, learn
from payments.store import PAYMENTS, WorkerSettings, is_payable
from payments.worker import WORKED, Gateways, work
from relay.stream import MAX_BYTES, size

TAKES: dict[str, tuple[type[EventData], ...]] = {
    "orders": ANSWERED,
    "inventory": TAKEN,
    "payments": LEARNED,
    "payment-window": (InventoryReserved,),
    "payment-worker": WORKED,
    "notifications": tuple(LETTERS),
}
"""Which events each consumer reacts to: what its handler says."""


def takers() -> dict[str, list[str]]:
    """Names of the consumers that a type of event is for, by the CloudEvents type."""
    found: dict[str, list[str]] = {}
    for consumer, takes in TAKES.items():
        for event in takes:
            found.setdefault(event.event_type.type, []).append(consumer)
    return found


class RehearsalSettings(WorkerSettings):
    """What the reactions read; of the payment worker, all."""

    reservations_table: str
    inventory_table: str
    products_table: str
    sent_mails_table: str
    payment_window_seconds: int
    storefront_url: str


class _Unwritten[S: Model]:
    """A Repository that remembers what would be written."""

    def __init__(self, table: str, aggregate: Aggregate[S]) -> None:
        self._rows = DynamoDBRepository(table, aggregate)
        self._aggregate = aggregate

    def load(self, key: str) -> Row[S] | None:
        return self._rows.load(key)

    def commit(self, key: str, read: Row[S] | None, change: Change[S], cause: Cause, now: datetime) -> Row[S]:
        return self._aggregate.after(key, read, change, cause, now)


class _WouldAsk(Exception):
    """The provider would be asked to move money."""


class _Unasked:
    """A Provider that is asked what it knows, and nothing else."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def create(self, key: str, amount: Money, token: str) -> str:  # noqa: ARG002
        raise _WouldAsk(f"charge {amount} as {key}")

    def confirm(self, reference: str) -> Answer:
        return self._answered(reference, "charge")

    def cancel(self, reference: str) -> Answer:
        return self._answered(reference, "call off")

    def find(self, reference: str) -> Answer | None:
        return self._provider.find(reference)

    def refund(self, key: str, reference: str, amount: Money) -> Answer:  # noqa: ARG002
        raise _WouldAsk(f"refund {amount} of {reference}")

    def _answered(self, reference: str, otherwise: str) -> Answer:
        """What it would answer again; what was not answered yet, it would be asked to do."""
        if answer := self.find(reference):
            return answer
        raise _WouldAsk(f"{otherwise} {reference}")


@dataclass(frozen=True)
class Rehearsal:
    """Tells what messages would do.

    Attributes:
        settings: the tables that are read.
        now: as which it is decided, aware.
    """

    settings: RehearsalSettings
    now: datetime

    def verdict(self, document: str, destination: Destination) -> Verdict:
        """What a message would do at its destination.

        Args:
            document: as its consumer would get it.
            destination: where it would go.
        """
        try:
            match destination:
                case ToBus(entry=entry):
                    return self._relayed(dict(entry))
                case ToQueue(consumer=consumer) if consumer.name == "catalog-images":
                    return self._shown(document)
                case ToQueue(consumer=consumer):
                    return self._reacted(consumer.name, parse(document))
                case _:
                    return _would("start the replay worker again")
        except Exception as error:  # Whatever the reaction raises is its answer.
            return Verdict(outcome=Outcome.WOULD_FAIL, text=f"would fail again: {type(error).__name__}: {error}")

    def _reacted(self, consumer: str, event: Event) -> Verdict:
        if type(event.data) not in TAKES[consumer]:
            raise InvalidEvent(f"this consumer does not take {event.data.event_type.type}")
        match consumer:
            case "orders":
                orders = _Unwritten(self.settings.orders_table, ORDERS)
                return _settled(answer_order(orders, Delivery(event, attempt=1), self.now))
            case "inventory":
                return self._stocked(event)
            case "payments":
                return _settled(learn(self._payments(), event, self.now))
            case "payment-window":
                return _settled(close_window(self._payments(), event, self.now))
            case "payment-worker":
                return self._worked(event)
            case "notifications":
                return self._written_to(event)
            case _:
                return _would(f"give it to {consumer}")

    def _payments(self) -> _Unwritten[Payment]:
        return _Unwritten(self.settings.payments_table, PAYMENTS)

    def _stocked(self, event: Event) -> Verdict:
        settings = self.settings
        stock = DynamoDBStock(
            InventorySettings(
                inventory_table=settings.inventory_table,
                reservations_table=settings.reservations_table,
                payment_window_seconds=settings.payment_window_seconds,
            )
        )
        window = timedelta(seconds=settings.payment_window_seconds)
        read = stock.load([event.data.order_id]).get(event.data.order_id)
        state = read.state if read else None
        change = reserve(state, event.data, self.now, window)
        if isinstance(change, StockChange) and (short := self._short(change)):
            change = reserve(state, event.data, self.now, window, shortages(change, short))
        if isinstance(change, Nothing):
            return Verdict(outcome=Outcome.NOTHING_TO_DO, text=f"already done: nothing, {change.reason}")
        lines = _listed(change.state.lines)
        match change.state.status:
            case "HELD":
                return _would(f"reserve {lines}")
            case "COMMITTED":
                return _would(f"count {lines} as sold")
            case "REFUSED":
                reasons = [each.reason for each in change.events if isinstance(each, InventoryReservationFailed)]
                return _would(f"refuse to reserve {lines}: {', '.join(reasons)}")
            case _ if change.stock:
                return _would(f"give back {lines}")
            case _:
                return _would("remember that the order was called off")

    def _short(self, change: StockChange) -> dict[str, int]:
        """What is left of each product of which `change` takes more; raises Permanent as the transaction would."""
        keys = [{"productId": {"S": product}} for product in change.stock]
        table = self.settings.inventory_table
        found = batch_get({table: {"Keys": keys, "ConsistentRead": True}})[table] if keys else []
        counters = {row["productId"]: row for row in found}
        short = {}
        for product, delta in change.stock.items():
            row = counters.get(product, {})
            if row.get("reservedQty", 0) < -delta.reserved or row.get("soldQty", 0) < -delta.sold:
                raise Permanent(f"the counters of {product} do not cover {delta}: run reconcile")
            if (left := row.get("availableQty", 0)) < -delta.available:
                short[product] = left
        return short

    def _is_payable(self, order_id: str) -> bool:
        return is_payable(self.settings.orders_table, order_id)

    def _worked(self, event: Event) -> Verdict:
        asked = Gateways.of(self.settings)
        gateways = Gateways(asked.cards, {name: _Unasked(provider) for name, provider in asked.by_name.items()})
        try:
            return _settled(work(self._payments(), self._is_payable, gateways, event, self.now))
        except _WouldAsk as money:
            return _would(str(money))

    def _written_to(self, event: Event) -> Verdict:
        mail = compose(event.data, self.settings.storefront_url)
        found = aws.dynamodb().get_item(
            TableName=self.settings.sent_mails_table, Key={"mailId": {"S": mail.id}}, ConsistentRead=True
        )
        if dynamodb.from_item(found.get("Item", {})).get("status") == "SENT":
            return Verdict(outcome=Outcome.NOTHING_TO_DO, text="already done: nothing, the mail was sent")
        return _would(f'send the mail "{mail.subject}"')

    def _shown(self, document: str) -> Verdict:
        verdicts = []
        for upload in uploads_of(document):
            found = aws.dynamodb().get_item(
                TableName=self.settings.products_table,
                Key={"productId": {"S": upload.product_id}},
                ConsistentRead=True,
            )
            if "Item" not in found:
                raise Permanent(f"there is no product {upload.product_id} to show {upload.key}")
            if dynamodb.from_item(found["Item"]).get("imageOrder", "") < upload.order:
                verdicts.append(f"show {upload.key}")
        if not verdicts:
            return Verdict(outcome=Outcome.NOTHING_TO_DO, text="already done: nothing")
        return _would(", ".join(verdicts))

    def _relayed(self, entry: dict[str, str]) -> Verdict:
        if size(entry) > MAX_BYTES:
            raise Permanent(f"the entry has {size(entry)} bytes, the bus takes {MAX_BYTES}")
        readers = takers().get(parse(entry["Detail"]).data.event_type.type, [])
        return _would(f"put {entry['DetailType']} on the bus, for {', '.join(readers) or 'the archive'}")


def _would(what: str) -> Verdict:
    return Verdict(outcome=Outcome.WOULD_ACT, text=f"would {what}")


def _settled[S: Model](settled: Settled[S]) -> Verdict:
    match settled.decision:
        case Nothing(reason=reason):
            return Verdict(outcome=Outcome.NOTHING_TO_DO, text=f"already done: nothing, {reason}")
        case Change(state=state, events=events):
            return _would(f"become {getattr(state, 'status', 'changed')}{_told(events)}")


def _told(events: Iterable[EventData]) -> str:
    names = ", ".join(event.event_type.name for event in events)
    return f" and tell {names}" if names else ""


def _listed(lines: Iterable[StockLine]) -> str:
    return ", ".join(f"{line.quantity} x {line.product_id}" for line in lines)


def rehearse(settings: RehearsalSettings, document: str, targets: Sequence[Destination]) -> Verdict:
    """What a message would do at all of its destinations: where any would act or fail, that is the outcome."""
    rehearsal = Rehearsal(settings, datetime.now(UTC))
    verdicts = [rehearsal.verdict(document, target) for target in targets]
    for outcome in (Outcome.WOULD_FAIL, Outcome.WOULD_ACT):
        if found := [each for each in verdicts if each.outcome is outcome]:
            return Verdict(outcome=outcome, text="; ".join(each.text for each in found))
    return verdicts[0] if verdicts else Verdict(outcome=Outcome.NOTHING_TO_DO, text="nobody takes this event")
