"""The generated documents: valid, and what the code and the template say today."""

import json
from pathlib import Path
from typing import Any

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from retail_ops.schemas import drifted

SCHEMAS = Path(__file__).parents[2] / "schemas"


def test_the_committed_documents_are_what_the_code_says() -> None:
    assert drifted() == [], "run `make schemas`"


def test_openapi_is_valid() -> None:
    OpenAPIV31SpecValidator(json.loads((SCHEMAS / "openapi.json").read_text())).validate()


def test_asyncapi_refers_to_nothing_that_is_not_there() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())
    references = list(_references(document))
    assert references
    for reference in references:
        file, _, pointer = reference.partition("#")
        found: Any = document
        if file:
            found = json.loads((SCHEMAS / file).read_text())
        for step in pointer.split("/")[1:]:
            found = found[step]


def _references(node: Any) -> list[str]:
    match node:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [each for value in node.values() for each in _references(value)]
        case list():
            return [each for value in node for each in _references(value)]
        case _:
            return []
