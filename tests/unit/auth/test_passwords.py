"""Which passwords are taken."""

import pytest

from auth.domain import NewPassword, Password
from auth.passwords import is_common, normalised, password_flaws
from cloudretail.model import RequestModel


class Chosen(RequestModel):
    password: NewPassword


class Typed(RequestModel):
    password: Password


@pytest.mark.parametrize(
    ("password", "flaws"),
    [
        ("Sh0rt", ["at least 8 characters"]),
        ("no-upper-case-1", ["a capital letter (A-Z)"]),
        ("NO-LOWER-CASE-1", ["a small letter (a-z)"]),
        ("No-digit-at-all", ["a number (0-9)"]),
        (" Spaced-1-out", ["no spaces at the beginning or end"]),
        ("Long-1" * 43, ["at most 256 characters"]),
        ("ÄÖÜäöü٣٣", ["a capital letter (A-Z)", "a small letter (a-z)", "a number (0-9)"]),
        ("Aa1Aa1Aa1", ["at least 5 different characters"]),
        ("aaaaaaaaaaaaaaaaaaaa", ["at least 5 different characters"]),
        ("Two\nlines-1", ["no line breaks or other control characters"]),
        ("Password1", ["a password that others do not use: this one is among the first that are tried"]),
        ("PASSw0rd1!!", ["a password that others do not use: this one is among the first that are tried"]),
        ("1qaz2wsx3edc4rfv", ["a password that others do not use: this one is among the first that are tried"]),
    ],
)
def test_every_rule_that_a_password_breaks_is_told(password: str, flaws: list[str]) -> None:
    assert list(password_flaws(password)) == flaws


@pytest.mark.parametrize(
    "password",
    [
        "Bakedfg1",
        "Right-4-shopping",
        "correct horse battery staple",
        "пароль из четырёх слов",
        "一二三四五六七八九十甲乙丙丁戊己",
    ],
)
def test_eight_characters_of_three_kinds_or_a_long_passphrase_of_any_is_taken(password: str) -> None:
    assert list(password_flaws(password)) == []


def test_a_password_is_the_same_from_every_keyboard() -> None:
    composed, decomposed = "Caf\u00e9-4-breakfast", "Cafe\u0301-4-breakfast"
    assert normalised(decomposed) == composed
    chosen = Chosen.model_validate({"password": decomposed}).password.get_secret_value()
    typed = Typed.model_validate({"password": decomposed}).password.get_secret_value()
    assert chosen == typed == composed


def test_a_password_in_use_is_typed_as_it_is_whatever_a_new_one_would_need() -> None:
    assert Typed.model_validate({"password": " old "}).password.get_secret_value() == " old "


def test_the_list_is_one_of_passwords_that_the_other_rules_would_let_through() -> None:
    assert is_common("Trustno1")
    assert is_common("qwerty123456789")
    assert not is_common("Right-4-shopping")
