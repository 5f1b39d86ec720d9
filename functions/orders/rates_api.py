"""What shipping costs: anybody asks, staff change it."""

from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from cloudretail.http import Api, answers
from cloudretail.model import Model, RequestModel
from cloudretail.money import MAX_MINOR_UNITS, Currency, Money
from cloudretail.repository import DynamoDBRepository
from cloudretail.settings import load
from cloudretail.text import Line
from contract.values import Tax
from orders import commands
from orders.addresses import Form, form_of, is_country
from orders.rates import (
    CURRENT,
    FULL,
    MAX_METHODS,
    MAX_TAX_RATES,
    MAX_ZONES,
    CountryCode,
    Method,
    Quote,
    Rates,
    TaxRate,
    Zone,
    quotes,
)
from orders.store import RATES, RatesSettings

api = Api()


class PostalCodeForm(Model):
    """What a country's postal codes look like.

    Attributes:
        label: what they are called there.
        patterns: one of these matches all of it, whatever its case; none where every code is taken.
        example: null where none is known.
    """

    required: bool
    label: str
    patterns: tuple[str, ...]
    example: str | None


class StateChoice(Model):
    """A state, province, prefecture or area."""

    code: str
    name: str


class StateForm(Model):
    """What a country's states are, and what they are called there."""

    label: str
    choices: tuple[StateChoice, ...]


class ShippingOption(Model):
    """A way to send the parcel.

    Attributes:
        price: of it, for these items.
        free_from: what the items have to cost for it to be free; null where it never is.
        earliest_days, latest_days: working days until it arrives.
        total: of items and shipping.
        tax: that the total includes; null where prices include none.
    """

    method_id: str
    name: str
    price: Money
    free_from: Money | None
    earliest_days: int
    latest_days: int
    total: Money
    tax: Tax | None


class Destination(Model):
    """How parcels get to a country, and what an address there has to say.

    Attributes:
        postal_code: null where the country has none.
        state: null where couriers need none.
        options: the first one is offered first.
        cash_up_to: the highest total that can be paid in cash on delivery; null where none can.
    """

    country: str
    postal_code: PostalCodeForm | None
    state: StateForm | None
    options: tuple[ShippingOption, ...]
    cash_up_to: Money | None


class Shipping(Model):
    """Where the shop ships to.

    Attributes:
        countries: ISO 3166-1 alpha-2 codes.
        destination: the country that was asked about; null where none was, or the shop does not ship there.
    """

    countries: tuple[str, ...]
    destination: Destination | None


class Amount(RequestModel):
    """Minor units of the shop's currency."""

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR_UNITS)]
    currency: Currency


class NewMethod(RequestModel):
    """A way to send a parcel, as staff write it."""

    method_id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$", examples=["standard"])]
    name: Annotated[str, Line(max_length=60)]
    price: Amount
    free_from: Amount | None = None
    earliest_days: Annotated[int, Field(strict=True, ge=0, le=120)]
    latest_days: Annotated[int, Field(strict=True, ge=0, le=120)]


class NewZone(RequestModel):
    """Countries that parcels are sent to in the same ways, as staff write them."""

    name: Annotated[str, Line(max_length=60)]
    countries: Annotated[tuple[CountryCode, ...], Field(min_length=1, max_length=250)]
    methods: Annotated[tuple[NewMethod, ...], Field(min_length=1, max_length=MAX_METHODS)]
    cash_up_to: Amount | None = None


class NewShippingRates(RequestModel):
    """All zones.

    Attributes:
        version: of the rates that staff have read.
    """

    version: Annotated[int, Field(strict=True, ge=0)]
    zones: Annotated[tuple[NewZone, ...], Field(max_length=MAX_ZONES)]


class NewTaxRate(RequestModel):
    """The tax that prices include in a country; basis points are hundredths of a per cent."""

    country: CountryCode
    name: Annotated[str, Line(max_length=30)]
    basis_points: Annotated[int, Field(strict=True, ge=0, le=FULL)]


class NewTaxRates(RequestModel):
    """All tax rates.

    Attributes:
        version: of the rates that staff have read.
    """

    version: Annotated[int, Field(strict=True, ge=0)]
    rates: Annotated[tuple[NewTaxRate, ...], Field(max_length=MAX_TAX_RATES)]


class ShippingRates(Model):
    """All zones, and their version."""

    version: int
    zones: tuple[Zone, ...]


class TaxRates(Model):
    """All tax rates, and their version."""

    version: int
    rates: tuple[TaxRate, ...]


@cache
def _rates() -> DynamoDBRepository[Rates]:
    return DynamoDBRepository(load(RatesSettings).rates_table, RATES)


def _current() -> tuple[Rates, int]:
    """Today's rates, and their version; 0 where there never were any."""
    row = _rates().load(CURRENT)
    return (row.state, row.version) if row else (Rates(), 0)


@api.get(
    "/api/shipping",
    summary="Where the shop ships to, how, and what that costs",
    tags=["Shipping"],
    responses=answers(HTTPStatus.OK),
)
def get_shipping(
    country: Annotated[CountryCode | None, Query(description="Where the goods go to.")] = None,
    subtotal: Annotated[int, Query(ge=0, le=MAX_MINOR_UNITS, description="Of the items, in minor units.")] = 0,
) -> Shipping:
    rates, _ = _current()
    offered = rates.countries
    return Shipping(
        countries=offered, destination=_destination(rates, country, subtotal) if country in offered else None
    )


@api.get(
    "/api/admin/shipping-rates",
    summary="Zones and methods (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def get_shipping_rates() -> ShippingRates:
    rates, version = _current()
    return ShippingRates(version=version, zones=rates.zones)


@api.put(
    "/api/admin/shipping-rates",
    summary="Change zones and methods (staff); orders that were placed keep theirs",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
)
def put_shipping_rates(new: NewShippingRates) -> ShippingRates:
    zones = tuple(Zone.model_validate(zone.model_dump()) for zone in new.zones)
    rates, version = _change({"zones": zones}, new.version)
    return ShippingRates(version=version, zones=rates.zones)


@api.get(
    "/api/admin/tax-rates",
    summary="The tax that prices include, by country (staff)",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN),
)
def get_tax_rates() -> TaxRates:
    rates, version = _current()
    return TaxRates(version=version, rates=rates.tax_rates)


@api.put(
    "/api/admin/tax-rates",
    summary="Change the tax that prices include (staff); orders that were placed keep theirs",
    tags=["Back office"],
    responses=answers(HTTPStatus.OK, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT),
)
def put_tax_rates(new: NewTaxRates) -> TaxRates:
    tax_rates = tuple(TaxRate.model_validate(rate.model_dump()) for rate in new.rates)
    rates, version = _change({"tax_rates": tax_rates}, new.version)
    return TaxRates(version=version, rates=rates.tax_rates)


def _change(changes: dict[str, Any], seen: int) -> tuple[Rates, int]:
    currency = load(RatesSettings).currency
    settled = commands.change_rates(
        _rates(), changes, seen, api.staff.user_id, currency, is_country, api.cause, datetime.now(UTC)
    )
    return api.recorded(settled, command="ChangeRates"), seen + 1


def _destination(rates: Rates, country: str | None, subtotal: int) -> Destination | None:
    if country is None:
        return None
    zone, form = rates.zone_of(country), form_of(country)
    money = Money(amount=subtotal, currency=load(RatesSettings).currency)
    offers = zip(zone.methods, quotes(rates, country, money), strict=True)
    return Destination(
        country=country,
        **_form(form),
        options=tuple(_option(method, quote) for method, quote in offers),
        cash_up_to=zone.cash_up_to,
    )


def _form(form: Form) -> dict[str, Any]:
    code, state = form.postal_code, form.state
    return {
        "postal_code": PostalCodeForm(
            required=code.required, label=code.label, patterns=code.patterns, example=code.example
        )
        if code
        else None,
        "state": StateForm(
            label=state.label,
            choices=tuple(StateChoice(code=each.code, name=each.name) for each in state.states),
        )
        if state
        else None,
    }


def _option(method: Method, quote: Quote) -> ShippingOption:
    return ShippingOption(
        method_id=method.method_id,
        name=method.name,
        price=quote.shipping.price,
        free_from=method.free_from,
        earliest_days=method.earliest_days,
        latest_days=method.latest_days,
        total=quote.total,
        tax=quote.tax,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Invoked by the HTTP API."""
    return api.handle(event, context)
