"""Money as an integer number of minor units and an ISO 4217 currency, end to end: never a float or a Decimal."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from cloudretail.model import Model

_DIGITS = {
    currency: digits
    for digits, currencies in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for currency in currencies.split()
}
"""Minor digits of the currencies that do not have two. Source: ISO 4217, list one. The storefront's money.ts has them
too."""

MAX_MINOR_UNITS = 10**12
"""The largest amount. It is far below the integers that JavaScript represents exactly."""

MAX_PRICE = 10**8
"""The highest price of one piece. It catches typing errors, and keeps a cart of 50 x 99 within MAX_MINOR_UNITS."""

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

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """Parse an amount as people write it: `23`, `23.00` or `1,023.00` in a currency with two minor digits.

        Raises:
            ValueError: the text is not an amount.
        """
        digits = _DIGITS.get(currency, 2)
        whole, point, minor = text.strip().replace(",", "").partition(".")
        written = whole + minor
        if not whole or not written.isdecimal() or not written.isascii() or (point and len(minor) != digits):
            raise ValueError(f"is no amount, such as {cls(amount=12345, currency=currency)}")
        return cls(amount=int(whole + (minor or "0" * digits)), currency=currency)

    def __add__(self, other: "Money") -> "Money":
        """The sum; raises ValueError when the currencies differ."""
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __mul__(self, quantity: int) -> "Money":
        return Money(amount=self.amount * quantity, currency=self.currency)

    def __str__(self) -> str:
        """The form for people, in mails and on pages: `SGD 19.90`, `JPY 1,990`, `KWD 1.990`."""
        digits = _DIGITS.get(self.currency, 2)
        whole, minor = divmod(self.amount, 10**digits)
        return f"{self.currency} {whole:,}" + (f".{minor:0{digits}d}" if digits else "")


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of `amounts`, which may be empty, in `currency`; raises ValueError when one has another currency."""
    result = Money(amount=0, currency=currency)
    for amount in amounts:
        result = result + amount
    return result
