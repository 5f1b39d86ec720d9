"""Under which keys the services keep what they know of an order: they derive them from its id."""

from payments.domain import MAX_ATTEMPTS, payment_id_of


def payment_id(order_id: str) -> str:
    return payment_id_of(order_id)


def charge_keys(order_id: str) -> list[str]:
    """Of all charges and refunds that the provider can have made for an order."""
    payment = payment_id_of(order_id)
    attempts = range(1, MAX_ATTEMPTS + 1)
    charges = [f"{payment}:{attempt}" for attempt in attempts]
    return [*charges, f"{payment}:refund", *(f"{payment}:attempt:{attempt}" for attempt in attempts)]


def is_refund(charge_key: str) -> bool:
    """Whether a key is that of a refund, of the payment's own or of an attempt's that it did not wait for."""
    return not charge_key.partition(":")[2].isdigit()
