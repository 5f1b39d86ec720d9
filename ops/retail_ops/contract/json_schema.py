"""Tidies pydantic's JSON Schemas: names as in JSON, descriptions from docstrings, and no generated titles."""

import re
from typing import Any

type Json = dict[str, Any]


def tidy(node: Any) -> Any:
    """A schema without pydantic's titles, with whole numbers as integers, and with descriptions of its members."""
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
    """A class's docstring, split into the part about the class, and the part about each attribute."""
    description, _, attributes = docstring.partition("\n\nAttributes:\n")
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE)
    return _outside(description), {camel(name): _outside(text) for name, text in entries}


def _outside(text: str) -> str:
    """A sentence of a docstring with the names of fields as in JSON."""
    text = re.sub(r"`(\w+)`", lambda name: f"`{camel(name[1])}`", " ".join(text.split()))
    text = re.sub(r"\bNone\b", "null", text)
    return text[:1].upper() + text[1:]


def component(name: str) -> str:
    """`Page_OrderSummary_`, as pydantic calls a page of them, is an OrderSummaryPage."""
    return re.sub(r"^Page_(\w+)_$", r"\1Page", name)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
