"""The use case of shipments: over ports, without HTTP. The API and the simulation call the same function."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cloudretail.decider import Context, Decision
from cloudretail.envelope import Cause
from cloudretail.repository import Repository, Settled, transact
from fulfilment.domain import Command, Shipment, act


@dataclass(frozen=True)
class Ports:
    """The ports of the command.

    Attributes:
        shipments: their repository.
        order_status: reads the present status of an order, consistently.
    """

    shipments: Repository[Shipment]
    order_status: Callable[[str], str]


def handle(ports: Ports, order_id: str, command: Command, by: str, cause: Cause, now: datetime) -> Settled[Shipment]:
    """Carry out a command of staff on the shipment of an order.

        order CONFIRMED    staff ship it        SHIPPED
        order CANCELLING   staff ship it        refused: the request to cancel is on its way here
        order CONFIRMED    (status is read)     cancelled by its shopper    SHIPPED: the parcel was faster

    Args:
        ports: shipments, and the status of orders.
        order_id: of the order.
        command: what the member of staff did.
        by: user id of the member of staff.
        cause: the request.
        now: aware.

    Raises:
        NotFound, Conflict, InvalidInput: as `act`.
        Contention: too many lost races in a row.
    """

    def answer(shipment: Shipment | None) -> Decision[Shipment]:
        context = Context(order_id, cause.id, now)
        return act(shipment, command, by, context, lambda: ports.order_status(order_id))

    return transact(ports.shipments, order_id, answer, cause, now)
