"""Every command of docs/deploy.md exists and takes the arguments that stand there."""

import json
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise, takewhile

import botocore.session
import pytest
from botocore import xform_name

from retail_ops.stack.shop import PROJECT
from retail_ops.stack.stages import stages

GUIDE = (PROJECT / "docs" / "deploy.md").read_text()
TOOLS = ("aws", "cloudretail", "sam", "make")
OF_EVERY_AWS_COMMAND = {"region", "query", "output"}


def found() -> list[list[str]]:
    """The words of each command, also of one inside another's `$(...)`."""
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    inline = re.findall(r"`((?:aws|cloudretail|sam|make) [^`]+)`", GUIDE.replace("```", ""))
    text = "\n".join([*blocks, *(" ".join(each.split()) for each in inline)]).replace("\\\n", " ")
    pieces = re.split(r"\n|\$\(|\)\"|\)|\|", text)
    words = [shlex.split(piece.replace('"', ""), comments=True) for piece in pieces]
    return [each for each in words if each and each[0] in TOOLS]


COMMANDS = found()


def options(words: list[str]) -> set[str]:
    return {word.removeprefix("--").split("=")[0] for word in words if word.startswith("--")}


def test_the_guide_goes_from_the_account_to_the_removal() -> None:
    assert {words[0] for words in COMMANDS} == set(TOOLS)
    assert len(COMMANDS) > 12
    assert ["sam", "delete", "--config-env", "prod"] in COMMANDS


@pytest.mark.parametrize("words", [each for each in COMMANDS if each[0] == "aws"], ids=" ".join)
def test_aws_has_the_call_and_its_arguments(words: list[str]) -> None:
    model = botocore.session.get_session().get_service_model(words[1])
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert words[2] in operations
    shape = model.operation_model(operations[words[2]]).input_shape
    taken = {xform_name(name, "-") for name in shape.members} if shape else set()
    # The command line's own: a flag that is not wanted is `--exclude-punctuation`, as in the API.
    assert options(words) <= taken | OF_EVERY_AWS_COMMAND


@pytest.mark.parametrize("words", [each for each in COMMANDS if each[0] in ("cloudretail", "sam")], ids=" ".join)
def test_our_command_and_sam_take_what_stands_there(words: list[str]) -> None:
    module = {"cloudretail": "from retail_ops.cli import main", "sam": "from samcli.cli.main import cli as main"}
    names = takewhile(lambda word: not word.startswith("-") and not word.isupper(), words[1:])
    done = subprocess.run(
        [sys.executable, "-c", f"{module[words[0]]}; main()", *names, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "SAM_CLI_TELEMETRY": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert options(words) <= set(re.findall(r"--([a-z][a-z0-9-]*)", done.stdout))


@pytest.mark.parametrize("words", [each for each in COMMANDS if each[0] == "make"], ids=" ".join)
def test_make_would_do_it(words: list[str]) -> None:
    done = subprocess.run(
        [*words, "--dry-run", "--no-print-directory"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    if words[1] == "deploy":
        assert "sam deploy --config-env prod" in done.stdout
        assert ("--no-confirm-changeset" in done.stdout) == ("YES=1" in words)


@pytest.mark.parametrize("stage", ["", "default", "nonsense"])
def test_make_deploys_no_stage_that_is_none_of_aws(stage: str) -> None:
    done = subprocess.run(
        ["/usr/bin/env", "make", "stage", f"STAGE={stage}"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "make deploy STAGE=prod" in done.stdout


def test_a_stage_that_is_named_is_one() -> None:
    named = {b for words in COMMANDS for a, b in pairwise(words) if a in ("--stage", "--config-env")}
    assert named <= stages().keys()
    stacks = {b for words in COMMANDS for a, b in pairwise(words) if a in ("--stack", "--stack-name")}
    beside = {file.stem for file in (PROJECT / "ops" / "stacks").glob("*.yaml")}
    shops = {stage.stack for stage in stages().values()}
    assert stacks <= shops | {f"{shop}-{name}" for shop in shops for name in beside} | {
        f"cloudretail-{name}" for name in beside
    }


def test_a_parameter_that_is_named_is_one_of_the_template() -> None:
    parameters = set(re.findall(r"^  ([A-Z]\w+):$", (PROJECT / "template.yaml").read_text(), re.MULTILINE))
    rows = re.findall(r"^\| (`[^|]+`) \|", GUIDE, re.MULTILINE)
    assert rows
    for name in re.findall(r"`(\w+)`", json.dumps(rows)):
        assert name in parameters
