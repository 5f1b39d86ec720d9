"""The keys of the services' rows about an order: they are derived from its id."""

from collections.abc import Iterable

from contract.values import CANCELLATION
from orders.waiting import Waiting
from payments.domain import MAX_ATTEMPTS, OPEN_REFUNDS, payment_id_of

__all__ = ["OPEN_REFUNDS", "Waiting"]

UNEXPECTED = "attempt:"
"""Prefix of the ids of refunds for attempts that the payment did not wait for."""


def payment_id(order_id: str) -> str:
    return payment_id_of(order_id)


def order_id_of(payment_id: str) -> str:
    """The order's id, from its payment's id."""
    return "ord_" + payment_id.removeprefix("pay_")


def charge_keys(order_id: str) -> list[str]:
    """The keys of all charges that a provider can have made, and of their refunds without those for returns."""
    payment, attempts = payment_id_of(order_id), range(1, MAX_ATTEMPTS + 1)
    refunds = refund_keys(order_id, [CANCELLATION, *(f"{UNEXPECTED}{attempt}" for attempt in attempts)])
    return [*(f"{payment}:{attempt}" for attempt in attempts), *refunds]


def refund_keys(order_id: str, refund_ids: Iterable[str]) -> list[str]:
    """The keys of these refunds of an order's payment."""
    return [f"{payment_id_of(order_id)}:refund:{refund_id}" for refund_id in refund_ids]


def refund_id_of(charge_key: str) -> str | None:
    """The id of the refund with this key; None for a charge's key."""
    kind, _, refund_id = charge_key.partition(":")[2].partition(":")
    return refund_id if kind == "refund" else None
