"""Text that people type and other people read."""

from contextlib import suppress
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from cloudretail.model import RequestModel, asks
from cloudretail.text import Line, cleaned_digits


class Label(RequestModel):
    name: Annotated[str, Line(max_length=20), asks("Enter your name.")]
    more: Annotated[str, Line(max_length=20, min_length=0)] | None = None


def said(name: str) -> str:
    with pytest.raises(ValidationError) as refused:
        Label(name=name)
    return str(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    "name",
    [
        "two\nlines",
        "bell\x07",
        "delete\x7f",
        "next\x85line",
        "line\u2028separator",
        "paragraph\u2029separator",
        "over\u202eridden",
        "em\u202abedded",
        "isolated\u2066",
        "\x1b[31mred",
    ],
)
def test_what_moves_the_text_around_it_is_no_part_of_a_line(name: str) -> None:
    assert said(name) == "Use one line, without control characters."


@pytest.mark.parametrize("name", ["\u3164", "\u2800\u2800", "\u200b", "\u200d \u200d", "\u0301", "\U000e0041"])
def test_a_line_has_something_that_can_be_seen(name: str) -> None:
    assert said(name) == "Use at least one character that can be seen."


@pytest.mark.parametrize("name", ["", " ", "\t \u00a0", "\u3000"])
def test_blanks_are_an_empty_line(name: str) -> None:
    assert said(name) == "Enter your name."
    assert Label(name="a", more=name).more == ""


@pytest.mark.parametrize("name", ["Ngũgĩ wa Thiong'o", "علی\u200cرضا", "O’Neil-李", "👩🏽\u200d🌾", "מ\u200fa", "x"])
def test_what_people_are_called_is_a_line(name: str) -> None:
    assert Label(name=f"  {name} ").name == name


def test_what_looks_the_same_is_the_same() -> None:
    assert Label(name="Cafe\u0301").name == "Caf\u00e9"


def test_a_line_that_is_too_long_is_told_how_long_it_may_be() -> None:
    assert "20 characters" in said("x" * 21)
    schema = Label.model_json_schema()["properties"]["name"]
    assert (schema["minLength"], schema["maxLength"]) == (1, 20)


@given(some.text(max_size=20))
def test_what_is_taken_prints_in_one_line(text: str) -> None:
    with suppress(ValidationError):
        name = Label(name=text).name
        assert name.splitlines() == [name]
        name.encode()


@pytest.mark.parametrize(
    "pasted",
    [
        "123456",
        " 123456",
        "123 456",
        "123\u00a0456\n",
        "123-456",
        "123\u2013456",
        "\u200e123456",
        "１２３４５６",
        "١٢٣٤٥٦",
    ],
)
def test_a_code_is_the_same_however_it_was_pasted(pasted: str) -> None:
    assert cleaned_digits(pasted) == "123456"


@pytest.mark.parametrize("pasted", ["12345a", "12.3456", "½", "²"])
def test_what_is_no_digit_stays_to_be_refused(pasted: str) -> None:
    assert not cleaned_digits(pasted).isdecimal()
