"""What an address has to say, country by country."""

from itertools import product
from string import ascii_uppercase
from typing import Any

import pytest

from cloudretail.errors import InvalidInput
from contract.values import Address
from orders.addresses import checked, form_of, is_country

COUNTRIES = sorted(code for code in map("".join, product(ascii_uppercase, repeat=2)) if is_country(code))
"""All of them."""

SINGAPORE: dict[str, Any] = {
    "name": "A Shopper",
    "line1": "1 Main Street",
    "city": "Singapore",
    "postal_code": "049315",
    "country": "SG",
}


def address(**changes: Any) -> Address:
    return Address(**{**SINGAPORE, **changes})


def refusal(*, phone_required: bool = False, **changes: Any) -> tuple[str, str]:
    """The field and the sentence."""
    with pytest.raises(InvalidInput) as refused:
        checked(address(**changes), phone_required=phone_required)
    (error,) = refused.value.errors
    return error["field"].removeprefix("shippingAddress."), error["message"]


@pytest.mark.parametrize("country", ["HK", "AE", "QA"])
def test_a_country_without_postal_codes_asks_for_none_and_takes_none(country: str) -> None:
    state = {"HK": "Kowloon", "AE": "Dubai"}.get(country)

    taken = checked(address(country=country, postal_code=None, state=state), phone_required=False)

    assert taken.postal_code is None
    field, message = refusal(country=country, postal_code="00000", state=state)
    assert field == "postalCode"
    assert "no postal codes" in message


@pytest.mark.parametrize(
    ("country", "code", "message"),
    [
        ("SG", "hello", "This is not a postal code of this country. It looks like 546080."),
        ("SG", None, "Enter your postal code."),
        ("AQ", "0", "There are no postal codes in this country. Please leave it empty."),
        ("GB", "12345", "This is not a postal code of this country. It looks like EC1Y 8SY."),
    ],
)
def test_a_postal_code_has_the_form_of_its_country(country: str, code: str | None, message: str) -> None:
    assert refusal(country=country, postal_code=code) == ("postalCode", message)


def test_a_code_of_a_country_whose_form_is_not_known_is_taken_as_it_is() -> None:
    assert checked(address(country="KP", postal_code="999093"), phone_required=False).postal_code == "999093"
    assert checked(address(country="KP", postal_code=None), phone_required=False).postal_code is None


def test_a_postal_code_is_written_as_it_is_there() -> None:
    assert checked(address(country="GB", postal_code=" ec1y 8sy "), phone_required=False).postal_code == "EC1Y 8SY"


def test_a_country_in_which_a_code_is_optional_takes_an_address_without() -> None:
    assert checked(address(country="IE", postal_code=None), phone_required=False).postal_code is None


@pytest.mark.parametrize(("given", "kept"), [("CA", "CA"), ("california", "CA"), (" California ", "CA")])
def test_a_state_is_taken_by_its_code_or_name_and_kept_by_its_code(given: str, kept: str) -> None:
    assert checked(address(country="US", postal_code="94043", state=given), phone_required=False).state == kept


@pytest.mark.parametrize("given", ["Tokyo", "\u6771\u4eac\u90fd"])
def test_a_state_has_a_name_in_latin_letters_for_those_who_read_no_others(given: str) -> None:
    assert checked(address(country="JP", postal_code="154-0023", state=given), phone_required=False).state == "Tokyo"


def test_couriers_that_need_a_state_get_one() -> None:
    assert refusal(country="US", postal_code="94043") == ("state", "Choose your state.")
    assert refusal(country="US", postal_code="94043", state="Narnia") == ("state", "There is no state of this name.")


def test_a_code_that_is_no_country_is_refused() -> None:
    assert refusal(country="ZZ")[0] == "country"
    assert (is_country("SG"), is_country("ZZ")) == (True, False)


@pytest.mark.parametrize(("given", "kept"), [("8123 4567", "+6581234567"), ("+44 20 7946 0958", "+442079460958")])
def test_a_phone_number_is_kept_in_one_form_whoever_wrote_it(given: str, kept: str) -> None:
    assert checked(address(phone=given), phone_required=False).phone == kept


@pytest.mark.parametrize("given", ["hello", "123", "+1", "999999999999999999"])
def test_a_phone_number_that_is_none_is_refused(given: str) -> None:
    assert refusal(phone=given)[0] == "phone"


def test_a_courier_who_collects_cash_can_call() -> None:
    field, message = refusal(phone_required=True)

    assert (field, "collect the cash" in message) == ("phone", True)
    assert checked(address(), phone_required=False).phone is None


@pytest.mark.parametrize("country", COUNTRIES)
def test_what_the_form_of_a_country_asks_for_can_be_given(country: str) -> None:
    form = form_of(country)
    code = form.postal_code.example if form.postal_code else None
    state = form.state.states[0].name if form.state else None

    assert checked(address(country=country, postal_code=code, state=state), phone_required=False)


@pytest.mark.parametrize("country", COUNTRIES)
def test_each_state_is_offered_once_and_found_by_each_of_its_names(country: str) -> None:
    form = form_of(country).state
    for state in form.states if form else ():
        assert form
        assert {form.find(name) for name in (state.code, *state.names)} == {state}


def test_a_state_that_the_data_knows_by_two_codes_is_one() -> None:
    form = form_of("IN").state

    assert form
    state = form.find("Jammu & Kashmir")
    assert state
    assert (state.code, state.name) == ("Jammu and Kashmir", "Jammu & Kashmir")
    assert len(form.states) == 36
