import pytest

from retail_ops.stack.texts import Facts, names, render

OUTPUTS = {
    "ShopName": "A_B *Goods* [Ltd]",
    "ShopAddress": "1 Example Road, Singapore 018956",
    "ContactAddress": "help@shop.example",
    "ReturnAddress": "Returns, Dock 2,, Singapore",
    "ReturnDays": "14",
}
FACTS = Facts.of(OUTPUTS)


@pytest.mark.parametrize("name", names())
def test_each_text_is_complete_and_says_who_it_is_about(name: str) -> None:
    text = render(name, FACTS)

    assert text.body.startswith(f"<h1>{text.title}</h1>")
    assert not [part for part in ("{{", "{%", "Undefined", "\\\n", "\\<") if part in text.body]
    assert "help@shop.example" in text.body


@pytest.mark.parametrize("name", ["contact", "imprint", "terms", "privacy"])
def test_a_name_stands_for_itself_whatever_its_letters_mean_elsewhere(name: str) -> None:
    assert "A_B *Goods* [Ltd]" in render(name, FACTS).body
    assert "<script>" not in render(name, Facts.of({**OUTPUTS, "ShopName": "<script>alert(1)</script>"})).body


def test_an_address_has_a_line_for_each_of_its_parts() -> None:
    assert "Returns<br>\nDock 2<br>\nSingapore" in render("shipping", FACTS).body
    assert "14 days" in render("shipping", FACTS).body


def test_a_register_is_named_only_where_there_is_one() -> None:
    assert "Registration" not in render("imprint", FACTS).body
    assert "Registration: UEN 1" in render("imprint", Facts.of({**OUTPUTS, "ShopRegistration": "UEN 1"})).body


def test_facts_arrive_as_they_were_sent() -> None:
    assert Facts.read(FACTS.written()) == FACTS
