"""Money is whole minor units of one currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cloudretail.money import MAX_MINOR_UNITS, Money, total

amounts = st.integers(min_value=0, max_value=MAX_MINOR_UNITS // 100)


def sgd(amount: int) -> Money:
    return Money(amount=amount, currency="SGD")


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "SGD 0.00"), (5, "SGD 0.05"), (1990, "SGD 19.90"), (123456789, "SGD 1,234,567.89")],
)
def test_people_read_it_with_two_decimals(amount: int, text: str) -> None:
    assert str(sgd(amount)) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1990, "JPY", "JPY 1,990"), (0, "JPY", "JPY 0"), (1990, "KWD", "KWD 1.990"), (5, "CLF", "CLF 0.0005")],
)
def test_people_read_it_with_the_decimals_that_its_currency_has(amount: int, currency: str, text: str) -> None:
    assert str(Money(amount=amount, currency=currency)) == text


@pytest.mark.parametrize("amount", [-1, MAX_MINOR_UNITS + 1, 19.9, 19.0, "1990", None, True], ids=repr)
def test_only_a_whole_number_of_minor_units_within_bounds_is_an_amount(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "SGD"})


@pytest.mark.parametrize("currency", ["sgd", "SG", "SGDX", "", "S$D", "SGD\n"], ids=repr)
def test_only_three_capitals_are_a_currency(currency: str) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": 1, "currency": currency})


@given(st.lists(amounts, max_size=50))
def test_a_total_is_the_sum(each: list[int]) -> None:
    assert total(map(sgd, each), "SGD") == sgd(sum(each))


@given(amounts, st.integers(min_value=1, max_value=99))
def test_times_a_quantity_is_that_many_of_it(amount: int, quantity: int) -> None:
    assert sgd(amount) * quantity == total([sgd(amount)] * quantity, "SGD")


def test_nothing_costs_nothing() -> None:
    assert total([], "SGD") == sgd(0)


def test_two_currencies_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="cannot add USD to SGD"):
        total([sgd(1), Money(amount=1, currency="USD")], "SGD")


def test_money_does_not_change() -> None:
    with pytest.raises(ValidationError):
        sgd(1).amount = 2  # type: ignore[misc]
