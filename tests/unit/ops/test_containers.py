"""What `sam local` takes, and what is said where it is not there."""

import json
from pathlib import Path

import pytest

from retail_ops.errors import OpsError
from retail_ops.local import containers


def test_without_a_container_engine_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    with pytest.raises(OpsError) as refusal:
        containers.engine()
    assert "apt-get install -y docker.io" in refusal.value.message
    assert "cloudretail invoke FUNCTION EVENT" in refusal.value.message


def test_an_answer_is_the_last_line_that_sam_prints() -> None:
    assert containers.answer_of("OrdersApi", '{"level": "INFO"}\n{"statusCode": 200}\n', "") == {"statusCode": 200}
    assert containers.answer_of("Relay", "", "") is None


def test_a_function_that_fails_is_a_failure_although_sam_ends_well() -> None:
    answer = json.dumps({"errorType": "KeyError", "errorMessage": "'Records'"})
    with pytest.raises(OpsError, match="Relay failed: KeyError: 'Records'"):
        containers.answer_of("Relay", answer, "")


LATE = """\
Invoking orders.api.handler (python3.13)
START RequestId: 1 Version: $LATEST
{"level": "INFO", "message": "Asking"}
Function 'OrdersApi' timed out after 10 seconds
"""


def test_a_function_that_does_not_answer_in_its_time_is_a_failure_with_its_log() -> None:
    with pytest.raises(OpsError, match=r"^OrdersApi timed out after 10 seconds\.$") as failure:
        containers.answer_of("OrdersApi", "null\n", LATE)
    assert '"Asking"' in failure.value.detail


def test_what_a_function_says_of_somebody_elses_time_is_no_failure_of_it() -> None:
    assert containers.answer_of("OrdersApi", "{}", "START RequestId: 1\nThe gateway timed out after 3 seconds\n") == {}


def test_a_functions_log_is_what_it_wrote_and_not_what_sam_did() -> None:
    around = "Invoking f (python3.13)\nSTART RequestId: 1 Version: $LATEST\n{}\nEND RequestId: 1\nREPORT RequestId: 1\n"
    assert containers.log_of(around.format("one\ntwo")) == "one\ntwo"


def test_where_sam_missed_the_runtimes_first_line_the_log_begins_after_its_own_last_one() -> None:
    said = "Invoking f (python3.13)\nMounting build as /var/task\nSAM_CONTAINER_ID: f183\none\ntwo\nEND RequestId: 1\n"
    assert containers.log_of(said) == "one\ntwo"


def test_of_a_container_that_never_ran_everything_is_shown() -> None:
    assert containers.log_of("Invoking f (python3.13)\nBuilding image failed\n").startswith("Invoking f")
