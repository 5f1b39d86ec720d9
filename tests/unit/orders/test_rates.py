"""What shipping and tax add up to, and which rates staff cannot put in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.errors import Conflict, InvalidInput
from cloudretail.money import MAX_PRICE, Money
from contract.values import CodRefusal
from orders.addresses import is_country
from orders.commands import change_rates
from orders.rates import CURRENT, Method, Rates, TaxRate, Zone, quote, quotes, require_sound, tax_in
from orders.store import RATES
from tests.support.examples import CAUSE, NOW, sgd
from tests.support.repositories import InMemoryRepository

STANDARD = Method(
    method_id="standard",
    name="Standard delivery",
    price=sgd(400),
    free_from=sgd(6000),
    earliest_days=1,
    latest_days=3,
)
EXPRESS = Method(method_id="express", name="Next day", price=sgd(900), earliest_days=1, latest_days=1)
HOME = Zone(name="Singapore", countries=("SG",), methods=(STANDARD, EXPRESS), cash_up_to=sgd(50_000))
ABROAD = Zone(name="Neighbours", countries=("MY", "ID"), methods=(EXPRESS,))
GST = TaxRate(country="SG", name="GST", basis_points=900)
SOUND = Rates(zones=(HOME, ABROAD), tax_rates=(GST,))

amounts = st.integers(0, 50 * 99 * MAX_PRICE)
rates = st.integers(0, 10_000)


@pytest.mark.parametrize(
    ("subtotal", "price", "total", "tax"),
    [(4500, 400, 4900, 405), (5999, 400, 6399, 528), (6000, 0, 6000, 495)],
    ids=["below the amount", "just below", "free from here on"],
)
def test_an_order_costs_its_items_and_its_delivery_which_is_free_from_an_amount(
    subtotal: int, price: int, total: int, tax: int
) -> None:
    costs = quote(SOUND, "SG", "standard", sgd(subtotal))

    assert (costs.shipping.price, costs.total) == (sgd(price), sgd(total))
    assert costs.tax
    assert (costs.tax.name, costs.tax.basis_points, costs.tax.amount) == ("GST", 900, sgd(tax))


def test_where_there_is_no_rate_prices_include_no_tax() -> None:
    assert quote(SOUND, "MY", "express", sgd(4500)).tax is None


def test_amounts_of_a_currency_without_minor_units_add_up_too() -> None:
    yen = Method(
        method_id="standard", name="S", price=Money(amount=500, currency="JPY"), earliest_days=1, latest_days=2
    )
    japan = Rates(
        zones=(Zone(name="Japan", countries=("JP",), methods=(yen,)),),
        tax_rates=(TaxRate(country="JP", name="Consumption tax", basis_points=1000),),
    )

    (costs,) = quotes(japan, "JP", Money(amount=1990, currency="JPY"))

    assert str(costs.total) == "JPY 2,490"
    assert costs.tax
    assert str(costs.tax.amount) == "JPY 226"


@given(
    subtotal=amounts,
    price=st.integers(0, MAX_PRICE),
    free_from=st.none() | st.integers(0, MAX_PRICE),
    basis_points=rates,
    currency=st.sampled_from(["SGD", "JPY"]),
)
def test_whatever_the_rates_items_and_delivery_are_the_total_and_the_tax_is_a_part_of_it(
    subtotal: int, price: int, free_from: int | None, basis_points: int, currency: str
) -> None:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=currency)

    prices = {"price": money(price), "free_from": None if free_from is None else money(free_from)}
    shop = Rates(
        zones=(HOME.model_copy(update={"methods": (STANDARD.model_copy(update=prices),)}),),
        tax_rates=(GST.model_copy(update={"basis_points": basis_points}),),
    )

    costs = quote(shop, "SG", "standard", money(subtotal))

    free = free_from is not None and subtotal >= free_from
    assert costs.shipping.price == money(0 if free else price)
    assert costs.subtotal + costs.shipping.price == costs.total
    # A rate of nothing is no tax.
    assert (costs.tax is None) is (basis_points == 0)
    assert costs.tax is None or 0 <= costs.tax.amount.amount <= costs.total.amount


@given(amounts, rates)
def test_the_tax_is_a_part_of_the_total_and_right_to_half_a_minor_unit(total: int, basis_points: int) -> None:
    tax = tax_in(total, basis_points)

    assert 0 <= tax <= total
    # tax = total x rate / (1 + rate), in whole numbers
    assert abs(tax * (10_000 + basis_points) - total * basis_points) * 2 <= 10_000 + basis_points


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), rates)
def test_the_tax_of_all_refunds_adds_up_to_the_tax_of_the_order(refunds: list[int], basis_points: int) -> None:
    kept, given_back = sum(refunds), 0
    for refund in refunds:
        part = tax_in(kept, basis_points) - tax_in(kept - refund, basis_points)
        assert part >= 0
        given_back += part
        kept -= refund

    assert given_back == tax_in(sum(refunds), basis_points)


@pytest.mark.parametrize(
    ("country", "total", "refusal"),
    [
        ("SG", 50_000, None),
        ("SG", 50_001, CodRefusal.TOO_EXPENSIVE),
        ("MY", 1, CodRefusal.NOT_OFFERED_HERE),
    ],
)
def test_cash_is_taken_up_to_an_amount_where_it_is_offered(
    country: str, total: int, refusal: CodRefusal | None
) -> None:
    assert SOUND.zone_of(country).refusal_of_cash(total) is refusal


def test_a_country_that_the_shop_does_not_ship_to_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(InvalidInput) as refused:
        quotes(SOUND, "US", sgd(1))

    assert refused.value.type == "not-shipped-to"
    assert refused.value.errors[0]["field"] == "shippingAddress.country"
    assert refused.value.extra["countries"] == ("ID", "MY", "SG")


def test_a_delivery_that_is_not_offered_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidInput) as refused:
        quote(SOUND, "MY", "standard", sgd(1))

    assert refused.value.type == "shipping-method-not-offered"
    assert (refused.value.errors[0]["field"], refused.value.extra["methods"]) == ("shippingMethod", ["express"])


def test_sound_rates_are_taken() -> None:
    require_sound(SOUND, "SGD", is_country)


def _zone(**changes: Any) -> Callable[[], Rates]:
    return lambda: SOUND.model_copy(update={"zones": (HOME, ABROAD.model_copy(update=changes))})


def _method(**changes: Any) -> Callable[[], Rates]:
    return _zone(methods=(EXPRESS, STANDARD.model_copy(update=changes)))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (_zone(countries=("MY", "SG")), "zones.1.countries"),
        (_zone(countries=("MY", "MY")), "zones.1.countries"),
        (_zone(countries=("ZZ",)), "zones.1.countries"),
        (_zone(cash_up_to=Money(amount=1, currency="JPY")), "zones.1.cashUpTo.currency"),
        (_method(method_id="express"), "zones.1.methods.1.methodId"),
        (_method(price=Money(amount=1, currency="JPY")), "zones.1.methods.1.price.currency"),
        (_method(free_from=Money(amount=1, currency="JPY")), "zones.1.methods.1.freeFrom.currency"),
        (_method(earliest_days=4), "zones.1.methods.1.latestDays"),
        (lambda: SOUND.model_copy(update={"tax_rates": (GST, GST)}), "rates.1.country"),
        (
            lambda: SOUND.model_copy(update={"tax_rates": (GST.model_copy(update={"country": "XX"}),)}),
            "rates.0.country",
        ),
    ],
    ids=[
        *("in two zones", "twice in one", "no country", "cash in another currency", "one method twice"),
        *("another currency", "free in another currency", "there before it can be", "two tax rates", "tax of nowhere"),
    ],
)
def test_rates_that_contradict_themselves_are_refused_with_the_field(make: Callable[[], Rates], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_sound(make(), "SGD", is_country)

    assert refused.value.errors[0]["field"] == field


@dataclass
class Desk:
    """Where staff change rates."""

    rows: InMemoryRepository[Rates]

    def change(self, seen: int, by: str, now: datetime = NOW) -> None:
        change_rates(self.rows, {"zones": (HOME,)}, seen, by, "SGD", is_country, CAUSE, now)


@pytest.fixture
def desk() -> Desk:
    return Desk(InMemoryRepository(RATES))


def test_who_has_changed_the_rates_and_when_is_kept(desk: Desk) -> None:
    desk.change(0, "staff-1")

    row = desk.rows.load(CURRENT)
    assert row
    assert (row.state.zones, row.state.changed_by, row.state.changed_at) == ((HOME,), "staff-1", NOW)


def test_the_second_of_two_people_is_told_and_changes_nothing(desk: Desk) -> None:
    desk.change(0, "staff-1")

    with pytest.raises(Conflict, match="rates-changed"):
        desk.change(0, "staff-2")

    row = desk.rows.load(CURRENT)
    assert row
    assert (row.version, row.state.changed_by) == (1, "staff-1")


def test_the_second_is_told_even_if_both_read_before_either_wrote(desk: Desk) -> None:
    desk.change(0, "staff-1")
    overtaken = iter([lambda: desk.change(1, "staff-3")])

    def hook(point: str, key: str) -> None:
        if point == "commit" and (other := next(overtaken, None)):
            other()

    desk.rows.hook = hook
    with pytest.raises(Conflict, match="rates-changed"):
        desk.change(1, "staff-2")

    row = desk.rows.load(CURRENT)
    assert row
    assert (row.version, row.state.changed_by) == (2, "staff-3")


def test_wrong_rates_change_nothing(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        change_rates(desk.rows, {"zones": (HOME, HOME)}, 0, "staff-1", "SGD", is_country, CAUSE, NOW)

    assert desk.rows.load(CURRENT) is None
