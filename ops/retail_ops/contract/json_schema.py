"""pydantic's JSON Schemas as a reader wants them: names as in JSON, what the docstrings say, and no noise."""

import re
from typing import Any

type Json = dict[str, Any]


def tidy(node: Any) -> Any:
    """A schema without the titles that pydantic makes of names, with whole numbers, and with its members described."""
    match node:
        case dict():
            return tidied(node)
        case list():
            return [tidy(value) for value in node]
        case float() if node.is_integer():
            return int(node)
        case _:
            return node


def tidied(schema: Json) -> Json:
    description, members = _split(schema.get("description", ""))
    result: Json = {}
    for key, value in schema.items():
        match key:
            case "title":
                pass
            case "description":
                result[key] = description
            case "properties":
                described = {name: {"description": text} for name, text in members.items()}
                result[key] = {name: described.get(name, {}) | tidy(each) for name, each in value.items()}
            case "$defs":
                result[key] = {component(name): tidy(each) for name, each in value.items()}
            case "$ref":
                base, slash, name = value.rpartition("/")
                result[key] = base + slash + component(name)
            case _:
                result[key] = tidy(value)
    return result


def _split(docstring: str) -> tuple[str, dict[str, str]]:
    """A class' docstring as what it says of the whole, and of each attribute."""
    description, _, attributes = docstring.partition("\n\nAttributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE)
    return _outside(description), {camel(name): _outside(text) for name, text in entries}


def _outside(text: str) -> str:
    """A sentence of a docstring in the names that JSON has for the same things."""
    text = re.sub(r"`(\w+)`", lambda name: f"`{camel(name[1])}`", " ".join(text.split()))
    text = re.sub(r"\bNone\b", "null", text)
    return text[:1].upper() + text[1:]


def component(name: str) -> str:
    """`Page_OrderSummary_`, as pydantic calls a page of them, is an OrderSummaryPage."""
    return re.sub(r"^Page_(\w+)_$", r"\1Page", name)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
