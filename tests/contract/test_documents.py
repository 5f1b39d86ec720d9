"""The documents: those that are generated are what the code says, and those that people wrote lead somewhere."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator
from typer.testing import CliRunner

from retail_ops.cli import app
from retail_ops.contract.schemas import drifted
from retail_ops.errors import OpsError

PROJECT = Path(__file__).parents[2]
SCHEMAS = PROJECT / "schemas"
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]

each_page = pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)


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


def anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_a_link_leads_to_a_file_and_a_heading_that_are_there(document: Path) -> None:
    for link in re.findall(r"\]\(([^):]+)\)", document.read_text()):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_an_alarm_leads_to_a_heading_of_the_runbook() -> None:
    named = set(re.findall(r"\$\{Runbook\}#([a-z-]+)", (PROJECT / "template.yaml").read_text()))
    assert named
    assert named <= anchors(PROJECT / "docs" / "operations.md")


@each_page
def test_a_page_only_names_commands_that_there_are(document: Path) -> None:
    group = typer.main.get_group(app)
    for name in re.findall(r"cloudretail ([a-z]+)\b", "\n".join(_code(document.read_text()))):
        assert name in group.commands, name


RUNBOOK_COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.+?)```", (PROJECT / "docs/operations.md").read_text(), re.DOTALL)
    for each in block.splitlines()
    if (line := each.partition("  #")[0].strip()).startswith("cloudretail ")
]
"""Those that stand in blocks of the runbook, word for word."""


@pytest.mark.parametrize("line", RUNBOOK_COMMANDS)
def test_a_command_of_the_runbook_is_taken_as_it_stands_there(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets as far as to look for a shop: its words, options and their values are right."""
    monkeypatch.chdir(tmp_path)
    for file in ("corrected.json", "users-2026-11-20.jsonl"):
        (tmp_path / file).write_text("{}")
    words = shlex.split(line)[1:]
    command = typer.main.get_group(app).commands[words[0]]
    if any(option.name == "stack" and option.required for option in command.params):
        # Only of use on AWS: it is parsed, and not run.
        assert command.make_context(words[0], words[1:])
        return
    if "--stack" in words:
        at = words.index("--stack")
        del words[at : at + 2]
    ended = CliRunner().invoke(app, words, env={"CLOUDRETAIL_STATE_DIR": str(tmp_path)})
    assert isinstance(ended.exception, OpsError), ended.output
    assert "No shop runs here" in ended.exception.message


def _code(page: str) -> list[str]:
    return ["".join(found) for found in re.findall(r"```sh\n(.+?)```|`([^`\n]+)`", page, re.DOTALL)]
