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
