"""What a shopper sends back of a delivered order, and what is owed for it. Pure."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from cloudretail.model import Model
from contract.values import InspectedLine, OrderItem, ReturnReason, ReturnRefusal, StockLine

MAX_RETURNS = 20
"""Returns of one order: its row has to stay small."""


class ReturnStatus(StrEnum):
    """The status of a return. The shop refunds goods that arrive, so a WITHDRAWN return can still be accepted."""

    REQUESTED = "REQUESTED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Return(Model):
    """A return as it is stored, inside its order.

    Attributes:
        lines: what the shopper sends back.
        taken: what the shop accepted of it.
        amount: what is owed for that, in minor units of the order's currency; None until it is accepted.
        tax: the tax in `amount`; None where the order has none.
        refusal: why nothing was accepted.
        note: what the shop writes to the shopper.
    """

    return_id: str
    lines: tuple[StockLine, ...]
    reason: ReturnReason
    status: ReturnStatus
    requested_at: datetime
    taken: tuple[InspectedLine, ...] = ()
    amount: int | None = None
    tax: int | None = None
    refusal: ReturnRefusal | None = None
    note: str | None = None

    @property
    def pieces(self) -> Counter[str]:
        """How many pieces of each product it uses up, by product id."""
        match self.status:
            case ReturnStatus.REQUESTED:
                return Counter({line.product_id: line.quantity for line in self.lines})
            case ReturnStatus.ACCEPTED:
                return Counter({line.product_id: line.quantity for line in self.taken})
            case _:
                return Counter()


def return_id_of(order_id: str, idempotency_key: str) -> str:
    """The id of the return that is requested with this key: the same request is the same return.

    It has 100 bits of SHA-256, in base 32.
    """
    digest = hashlib.sha256(f"{order_id}\0{idempotency_key}".encode()).digest()
    return "ret_" + base64.b32encode(digest).decode()[:20].lower()


def returnable(items: Iterable[OrderItem], returns: Iterable[Return]) -> Counter[str]:
    """How many pieces of each product can still be sent back: those bought, less open and accepted ones."""
    left = Counter({item.product_id: item.quantity for item in items})
    for each in returns:
        left.subtract(each.pieces)
    return left


def amount_owed(
    items: Sequence[OrderItem],
    total: int,
    shipping_refunded: bool,
    returns: Sequence[Return],
    taken: Sequence[InspectedLine],
) -> int:
    """What is owed for the pieces of one more return, in minor units.

    The return of the last piece also refunds the shipping, which is what the order cost besides its items.

    Args:
        items: of the order.
        total: of the order, in minor units.
        shipping_refunded: whether shipping is refunded at all.
        returns: all returns of the order; the accepted ones count.
        taken: what is accepted now.
    """
    prices = {item.product_id: item.unit_price.amount for item in items}
    owed = sum(prices.get(line.product_id, 0) * line.quantity for line in taken)
    accepted = [each for each in returns if each.status is ReturnStatus.ACCEPTED]
    rest = returnable(items, accepted)
    rest.subtract({line.product_id: line.quantity for line in taken})
    if shipping_refunded and not any(count > 0 for count in rest.values()):
        owed += total - sum(item.unit_price.amount * item.quantity for item in items)
    return min(owed, total - sum(each.amount or 0 for each in accepted))
