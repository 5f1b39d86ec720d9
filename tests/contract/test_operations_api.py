"""What operators get is what the description says."""

import json
from collections.abc import Iterator
from typing import cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.repository import DynamoDBRepository
from orders.store import ORDERS
from tests.contract.deployed import Shop, shop
from tests.contract.publishers import CAUSE, NOW, ORDER_ID
from tests.contract.publishers.order import placed
from tests.contract.test_http_api import ask
from tests.support.invocations import OPERATOR_CLAIMS, SHOPPER_CLAIMS, Context, sqs_event
from tests.support.wire import Wire

KEY_ERROR = "KeyError in decide (inventory/domain.py)"


@pytest.fixture
def a_shop() -> Iterator[Shop]:
    """One order that nobody has reacted to, and a dead letter about it."""
    with pytest.MonkeyPatch.context() as environment, shop(environment) as running:
        Wire(environment).stubs("Invoke", {"StatusCode": 202})
        row = DynamoDBRepository("OrdersTable", ORDERS).commit(ORDER_ID, None, placed()[0], CAUSE, NOW)
        assert row.outbox
        failure = {"cause": "KeyError: 'lines' at inventory/domain.py:1 in decide", "code": KEY_ERROR}
        given_up = {"failure": json.dumps({**failure, "key": json.loads(row.outbox.events[0])["id"]})}
        for number, (body, attributes) in enumerate(((row.outbox.events[0], given_up), ('{"rubbish": true}', {}))):
            batch = sqs_event([body], queue="shop-InventoryDlq", attributes=attributes)
            batch["Records"][0]["messageId"] = f"message-{number}"
            answer = running.invoke("Collector", batch, cast(LambdaContext, Context()))
            assert answer == {"batchItemFailures": []}
        yield running


def test_every_answer_to_an_operator_is_as_it_is_described(a_shop: Shop) -> None:
    def operator(operation: str, **asked: object) -> tuple[int, dict[str, object]]:
        status, sent = ask(a_shop, operation, claims=OPERATOR_CLAIMS, **asked)  # type: ignore[arg-type]
        return status, sent

    queues = operator("listQueues")[1]["items"]
    assert isinstance(queues, list)
    assert {each["deadLetterQueue"]: each["dead"] for each in queues}["InventoryDlq"] == 2
    queues = operator("listDeadLetterQueues")[1]["items"]
    assert isinstance(queues, list)
    (inventory,) = [each for each in queues if each["count"]]
    assert {cause["cause"] for cause in inventory["causes"]} == {KEY_ERROR, "timeout or crash"}
    assert operator("listDeadLetters", at="nothing")[0] == 422
    page = operator("listDeadLetters", at="InventoryDlq", query={"orderId": ORDER_ID})[1]
    assert page["count"] == 1
    assert operator("getDeadLetter", at="InventoryDlq")[0] == 404
    letters = page["items"]
    assert isinstance(letters, list)
    assert "body" not in letters[0]
    selected = {"queue": "InventoryDlq", "orderId": ORDER_ID, "reason": "to try"}
    status, started = operator("startReplay", body=selected | {"dryRun": True})
    assert status == 202
    assert operator("getReplay", at=str(started["replayId"]))[1]["state"] == "QUEUED"
    assert operator("listReplayedMessages", at=str(started["replayId"]))[1]["items"] == []
    assert operator("getReplay")[0] == 404
    assert operator("startReplay", body={"queue": "InventoryDlq"})[0] == 422, "without a reason"
    assert operator("startReplay", body=selected | {"reson": "misspelt"})[0] == 422
    assert operator("dropDeadLetters", body=selected)[0] == 202
    replays = operator("listReplays")[1]["items"]
    assert isinstance(replays, list)
    assert len(replays) == 2
    stuck = operator("listStuckOrders")[1]["items"]
    assert isinstance(stuck, list)
    assert [each["blocker"]["command"] for each in stuck] == [f"cloudretail dlq replay InventoryDlq --order {ORDER_ID}"]
    assert operator("traceOrder", at=ORDER_ID)[1]["statuses"] == {"order": "PENDING"}
    assert operator("traceOrder")[0] == 404
    assert operator("nudgeOrder", at="nothing", body={"reason": "lost"})[0] == 404
    assert operator("cancelReplay", at=str(started["replayId"]))[0] == 202
    assert operator("resumeReplay", at=str(started["replayId"]))[0] == 409, "its worker may still take it up"
    for operation in ("cancelReplay", "resumeReplay"):
        assert operator(operation, at="nothing")[0] == 404


class WithTime(Context):
    """An invocation that has long until its end."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_a_reconciliation_is_started_followed_and_read(a_shop: Shop) -> None:
    def operator(operation: str, **asked: object) -> tuple[int, dict[str, object]]:
        status, sent = ask(a_shop, operation, claims=OPERATOR_CLAIMS, **asked)  # type: ignore[arg-type]
        return status, sent

    cost = operator("getReconciliationCost")[1]
    assert {"rows", "bytes", "units", "dollars", "tables", "exported"} == cost.keys()
    assert operator("startReconciliation", body={})[0] == 422, "without a reason"
    assert operator("startReconciliation", body={"reason": "to see", "replayId": "rpl_0"})[0] == 404
    both = {"reason": "to see", "replayId": "rpl_0", "changedSince": "2026-01-01T00:00:00Z"}
    assert operator("startReconciliation", body=both)[0] == 422
    status, started = operator("startReconciliation", body={"reason": "to see"})
    assert (status, started["state"]) == (202, "QUEUED")
    id_ = str(started["reconciliationId"])
    a_shop.invoke("ReplayWorker", {"reconciliationId": id_}, cast(LambdaContext, Context()))
    assert operator("getReconciliation", at=id_)[1]["state"] == "RUNNING", "its time was over"
    context = cast(LambdaContext, WithTime())
    a_shop.invoke("ReplayWorker", {"reconciliationId": id_}, context)
    assert operator("getReconciliation", at=id_)[1]["state"] == "DONE"
    violations = operator("listViolations", at=id_)[1]["items"]
    assert isinstance(violations, list)
    # No checkout has written it.
    assert [each["rule"] for each in violations] == ["account-holds", "should-have-ended"]
    assert operator("cancelReconciliation", at=id_)[0] == 409
    assert operator("resumeReconciliation", at=id_)[0] == 409
    for operation in ("getReconciliation", "listViolations", "cancelReconciliation", "resumeReconciliation"):
        assert operator(operation, at="nothing")[0] == 404
    replay = operator("startReplay", body={"queue": "InventoryDlq", "reason": "to try", "dryRun": True})[1]
    of_replay = operator("startReconciliation", body={"reason": "after it", "replayId": replay["replayId"]})[1]
    a_shop.invoke("ReplayWorker", {"reconciliationId": of_replay["reconciliationId"]}, context)
    seen = operator("getReconciliation", at=str(of_replay["reconciliationId"]))[1]
    assert (seen["state"], seen["replayId"], seen["rows"]) == ("DONE", replay["replayId"], 0)
    a_shop.invoke("ReplayWorker", {"reconcile": "every night"}, context)
    found = operator("listReconciliations")[1]["items"]
    assert isinstance(found, list)
    assert [each["replayId"] for each in found if each["by"] == "schedule"] == [None]


def test_a_shopper_learns_not_even_whether_the_input_would_be_valid(a_shop: Shop) -> None:
    for body in ({"nonsense": 1}, {"queue": "InventoryDlq", "reason": "to try"}):
        assert ask(a_shop, "startReplay", claims=SHOPPER_CLAIMS, body=body)[0] == 403
