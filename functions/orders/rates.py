"""What an order costs besides its items: shipping by zone, and the tax that prices include. Pure.

    items 45.00 + shipping 4.00 = total 49.00, of which 4.05 is 9 % GST: 49.00 x 9 / 109

Rates are today's. An order stores what it was quoted, so a later change of rates does not touch it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from cloudretail.errors import InvalidInput
from cloudretail.model import Model
from cloudretail.money import Money
from contract.values import CodRefusal, ShippingCharge, Tax

FULL = 10_000
"""Basis points in 100 %."""

CURRENT = "current"

MAX_ZONES = 50
MAX_METHODS = 10
"""Methods of one zone."""

MAX_TAX_RATES = 300
"""Tax rates in all: more than there are countries."""

type CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["SG"])]


class Method(Model):
    """A way to send a parcel.

    Attributes:
        method_id: stable id.
        name: for shoppers.
        price: of one parcel.
        free_from: the subtotal of items from which it is free; None where it never is.
        earliest_days, latest_days: working days until it arrives.
    """

    method_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$", examples=["standard"])]
    name: Annotated[str, Field(min_length=1, max_length=60, examples=["Standard delivery"])]
    price: Money
    free_from: Money | None = None
    earliest_days: Annotated[int, Field(ge=0, le=120)]
    latest_days: Annotated[int, Field(ge=0, le=120)]

    def price_for(self, subtotal: int) -> Money:
        """What it costs for items of `subtotal` minor units."""
        if self.free_from is not None and subtotal >= self.free_from.amount:
            return Money(amount=0, currency=self.price.currency)
        return self.price


class Zone(Model):
    """Countries with the same shipping methods.

    Attributes:
        name: for staff.
        methods: the first one is offered first.
        cash_up_to: the highest total that can be paid in cash on delivery; None where none can.
    """

    name: Annotated[str, Field(min_length=1, max_length=60, examples=["Singapore"])]
    countries: Annotated[tuple[CountryCode, ...], Field(min_length=1, max_length=250)]
    methods: Annotated[tuple[Method, ...], Field(min_length=1, max_length=MAX_METHODS)]
    cash_up_to: Money | None = None

    def refusal_of_cash(self, total: int) -> CodRefusal | None:
        """Why an order of `total` minor units cannot be paid in cash here; None if it can."""
        if self.cash_up_to is None:
            return CodRefusal.NOT_OFFERED_HERE
        return CodRefusal.TOO_EXPENSIVE if total > self.cash_up_to.amount else None


class TaxRate(Model):
    """The tax that prices include where the goods go to.

    Attributes:
        name: the country's name for it, such as GST.
        basis_points: hundredths of a per cent of the price before tax.
    """

    country: CountryCode
    name: Annotated[str, Field(min_length=1, max_length=30, examples=["GST"])]
    basis_points: Annotated[int, Field(ge=0, le=FULL, examples=[900])]


class Rates(Model):
    """Where the shop ships to, by which methods, and which tax prices include there. Quotes are computed from it.

    Attributes:
        rates_id: key of the only row.
        zones: a country is in at most one of them.
        tax_rates: at most one for each country; without one, prices include no tax there.
        changed_by: user id of the member of staff who changed them last.
    """

    rates_id: str = CURRENT
    zones: Annotated[tuple[Zone, ...], Field(max_length=MAX_ZONES)] = ()
    tax_rates: Annotated[tuple[TaxRate, ...], Field(max_length=MAX_TAX_RATES)] = ()
    changed_by: str | None = None
    changed_at: datetime | None = None

    @property
    def countries(self) -> tuple[str, ...]:
        """The codes of the countries that the shop ships to."""
        return tuple(sorted(country for zone in self.zones for country in zone.countries))

    def zone_of(self, country: str) -> Zone:
        """The zone of a country; raises InvalidInput where the shop does not ship there."""
        for zone in self.zones:
            if country in zone.countries:
                return zone
        raise InvalidInput(
            "shippingAddress.country",
            "Sorry, we do not ship to this country.",
            type="not-shipped-to",
            detail="Sorry, we do not ship to this country.",
            countries=self.countries,
        )

    def tax_rate_of(self, country: str) -> TaxRate | None:
        """The tax rate of a country; None where prices include no tax."""
        return next((rate for rate in self.tax_rates if rate.country == country and rate.basis_points), None)


@dataclass(frozen=True)
class Quote:
    """What an order costs. `subtotal + shipping = total`, and the tax is a part of it."""

    subtotal: Money
    shipping: ShippingCharge
    total: Money
    tax: Tax | None


def quotes(rates: Rates, country: str, subtotal: Money) -> tuple[Quote, ...]:
    """What items cost with each shipping method of a country.

    Args:
        rates: today's.
        country: where the goods go.
        subtotal: of the items.

    Raises:
        InvalidInput: the shop does not ship there.
    """
    rate = rates.tax_rate_of(country)
    return tuple(_quote(method, rate, subtotal) for method in rates.zone_of(country).methods)


def quote(rates: Rates, country: str, method_id: str, subtotal: Money) -> Quote:
    """What items cost with one method; raises InvalidInput as `quotes`, or if the method is not offered there."""
    offered = quotes(rates, country, subtotal)
    for each in offered:
        if each.shipping.method_id == method_id:
            return each
    raise InvalidInput(
        "shippingMethod",
        "This delivery is not offered for your address. Please choose another one.",
        type="shipping-method-not-offered",
        detail="This delivery is not offered for your address. Please choose another one.",
        methods=[each.shipping.method_id for each in offered],
    )


def _quote(method: Method, rate: TaxRate | None, subtotal: Money) -> Quote:
    price = method.price_for(subtotal.amount)
    sum_ = subtotal + price
    tax = None
    if rate:
        amount = Money(amount=tax_in(sum_.amount, rate.basis_points), currency=sum_.currency)
        tax = Tax(name=rate.name, basis_points=rate.basis_points, amount=amount)
    return Quote(subtotal, ShippingCharge(method_id=method.method_id, name=method.name, price=price), sum_, tax)


def tax_in(total: int, basis_points: int) -> int:
    """The tax that a total includes, in minor units, rounded half up.

    Rounded once, on the whole: parts that are rounded each by itself do not add up.
    """
    return (2 * total * basis_points + FULL + basis_points) // (2 * (FULL + basis_points))


def require_sound(rates: Rates, currency: str, is_country: Callable[[str], bool]) -> None:
    """Refuse rates that contradict themselves.

    Args:
        rates: that staff want.
        currency: of the shop.
        is_country: knows the codes of all countries.

    Raises:
        InvalidInput: a country is in two zones, has two tax rates or is none; a method is there twice, arrives before
            it can, or has a price in another currency. The field is named.
    """
    zone_of: dict[str, str] = {}
    for index, zone in enumerate(rates.zones):
        field = f"zones.{index}"
        for country in zone.countries:
            _require_country(f"{field}.countries", country, is_country)
            if country in zone_of:
                raise InvalidInput(f"{field}.countries", f"{country} is in the zone {zone_of[country]} already.")
            zone_of[country] = zone.name
        _require_currency(f"{field}.cashUpTo", zone.cash_up_to, currency)
        _require_sound_methods(field, zone.methods, currency)
    taxed: set[str] = set()
    for index, rate in enumerate(rates.tax_rates):
        _require_country(f"rates.{index}.country", rate.country, is_country)
        if rate.country in taxed:
            raise InvalidInput(f"rates.{index}.country", f"{rate.country} has a rate already.")
        taxed.add(rate.country)


def _require_country(field: str, code: str, is_country: Callable[[str], bool]) -> None:
    if not is_country(code):
        raise InvalidInput(field, f"{code} is not a country.")


def _require_sound_methods(field: str, methods: Iterable[Method], currency: str) -> None:
    seen: set[str] = set()
    for index, method in enumerate(methods):
        here = f"{field}.methods.{index}"
        if method.method_id in seen:
            raise InvalidInput(f"{here}.methodId", f"{method.method_id} is in this zone already.")
        seen.add(method.method_id)
        _require_currency(f"{here}.price", method.price, currency)
        _require_currency(f"{here}.freeFrom", method.free_from, currency)
        if method.earliest_days > method.latest_days:
            raise InvalidInput(f"{here}.latestDays", "has to be at least earliestDays.")


def _require_currency(field: str, amount: Money | None, currency: str) -> None:
    if amount is not None and amount.currency != currency:
        raise InvalidInput(f"{field}.currency", f"has to be {currency}.")
