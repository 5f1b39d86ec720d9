"""Under which keys the services keep what they know of an order: they derive them from its id."""

from collections.abc import Iterable

from contract.values import CANCELLATION
from orders.waiting import Waiting
from payments.domain import MAX_ATTEMPTS, OPEN_REFUNDS, payment_id_of

__all__ = ["OPEN_REFUNDS", "Waiting"]

UNEXPECTED = "attempt:"
"""How the id of a refund begins that gives back an attempt which the payment did not wait for."""


def payment_id(order_id: str) -> str:
    return payment_id_of(order_id)


def order_id_of(payment_id: str) -> str:
    """The other way round."""
    return "ord_" + payment_id.removeprefix("pay_")


def charge_keys(order_id: str) -> list[str]:
    """Of all charges that a provider can have made, and of their refunds, but for those of returns."""
    payment, attempts = payment_id_of(order_id), range(1, MAX_ATTEMPTS + 1)
    refunds = refund_keys(order_id, [CANCELLATION, *(f"{UNEXPECTED}{attempt}" for attempt in attempts)])
    return [*(f"{payment}:{attempt}" for attempt in attempts), *refunds]


def refund_keys(order_id: str, refund_ids: Iterable[str]) -> list[str]:
    """Of these refunds of an order's payment."""
    return [f"{payment_id_of(order_id)}:refund:{refund_id}" for refund_id in refund_ids]


def refund_id_of(charge_key: str) -> str | None:
    """The id of the refund that has this key; None where it is a charge."""
    kind, _, refund_id = charge_key.partition(":")[2].partition(":")
    return refund_id if kind == "refund" else None
