"""What the editor's files name is there: targets, commands, ports."""

import json
import re
from typing import Any

import pytest
import typer.main

from retail_ops.cli import app
from retail_ops.commands.invoke import DEBUG_PORT
from retail_ops.local.local_shop import PORT, STOREFRONT_PORT
from retail_ops.stack.shop import PROJECT

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROJECT / name).read_text())
    return content


TASKS = [task["command"] for task in read(".vscode/tasks.json")["tasks"]]


@pytest.mark.parametrize("command", [*TASKS, read(".devcontainer/devcontainer.json")["postCreateCommand"]])
def test_a_task_runs_a_target_or_a_command_that_there_is(command: str) -> None:
    program, name, *options = command.split()
    if program == "make":
        assert name in TARGETS
    else:
        assert program == ".venv/bin/cloudretail"
        known = {flag for parameter in COMMANDS[name].params for flag in parameter.opts}
        assert set(options) <= known


def test_the_debugger_attaches_where_the_command_waits_for_it() -> None:
    configurations = {each["request"]: each for each in read(".vscode/launch.json")["configurations"][:2]}
    assert configurations["attach"]["connect"]["port"] == DEBUG_PORT
    assert configurations["launch"]["args"][0] in COMMANDS


def test_a_container_of_the_editor_hands_on_the_ports_of_the_shop_and_has_its_python() -> None:
    container = read(".devcontainer/devcontainer.json")
    assert container["forwardPorts"] == [STOREFRONT_PORT, PORT]
    assert set(container["portsAttributes"]) == {str(PORT), str(STOREFRONT_PORT)}
    assert ":3.13-" in container["image"]


def test_the_shell_completes_functions_and_their_samples() -> None:
    invoke = COMMANDS["invoke"]
    function, event = (each for each in invoke.params if each.param_type_name == "argument")
    with invoke.make_context("invoke", [], resilient_parsing=True) as context:
        assert [each.value for each in function.shell_complete(context, "InventoryR")] == ["InventoryReactions"]
        context.params["function"] = "InventoryReactions"
        found = [each.value for each in event.shell_complete(context, "events/inventory/order-")]
    assert "events/inventory/order-placed.json" in found
