"""Money as an integer number of minor units and an ISO 4217 currency, end to end: never a float or a Decimal."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from cloudretail.model import Model

MAX_MINOR_UNITS = 10**12
"""Of any amount: far inside what JavaScript counts exactly."""

MAX_PRICE = 10**8
"""Of one piece: keeps a typing error out, and a cart of 50 x 99 of them inside MAX_MINOR_UNITS."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["SGD"])]
MinorUnits = Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR_UNITS, examples=[1990])]


class Money(Model):
    """An amount of money.

    Attributes:
        amount: minor units of the currency (1990 is 19.90 SGD), never negative.
        currency: ISO 4217 code.
    """

    amount: MinorUnits
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        """The sum; raises ValueError when the currencies differ."""
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(amount=self.amount * quantity, currency=self.currency)

    def __str__(self) -> str:
        """For people, as in mails: `SGD 19.90`. The currencies a shop uses here have two minor digits."""
        return f"{self.currency} {self.amount // 100:,}.{self.amount % 100:02d}"


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`, which may be empty, in `currency`; raises ValueError when one has another currency."""
    result = Money(amount=0, currency=currency)
    for amount in amounts:
        result = result + amount
    return result
