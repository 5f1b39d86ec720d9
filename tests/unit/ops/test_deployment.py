from pathlib import Path

import boto3
from moto import mock_aws

from contract import EVENTS
from contract.orders import OrderPlaced
from retail_ops.contract.deployment import Unheard, matched, published, unheard
from retail_ops.contract.subscriptions import declared
from retail_ops.stack.shop import Shop

NEW = "cloudretail.orders.OrderPacked.v1"
PLACED = OrderPlaced.event_type.type


def test_an_event_that_is_new_on_both_sides_is_lost_to_its_consumers_in_one_deployment() -> None:
    consumers = {"Payments": [PLACED, NEW], "Notifications": [NEW]}
    assert unheard([PLACED, NEW], consumers, {PLACED}) == [Unheard(NEW, ("Payments", "Notifications"))]
    assert str(Unheard(NEW, ("Payments",))) == f"{NEW}, for Payments"


def test_consumers_may_go_first() -> None:
    assert unheard([PLACED], {"Payments": [PLACED, NEW]}, {PLACED}) == []


def test_another_consumer_of_what_is_published_already_may_be_deployed() -> None:
    assert unheard([PLACED], {"Payments": [PLACED], "Fraud": [PLACED]}, {PLACED}) == []


def test_what_nobody_has_to_consume_may_be_published() -> None:
    assert unheard([NEW], {"Payments": [PLACED]}, {PLACED}) == []


def test_the_code_publishes_what_a_service_makes_and_not_what_it_only_reads(tmp_path: Path) -> None:
    (tmp_path / "contract").mkdir()
    (tmp_path / "contract" / "orders.py").write_text("OrderRejected()")
    (tmp_path / "orders.py").write_text(
        f"from contract.orders import OrderCancelled\nevents = {OrderPlaced.__name__}(a=1)\n"
    )
    assert published(tmp_path) == [PLACED]
    # SES publishes the one that no service makes.
    assert {event.event_type.type for event in EVENTS} - set(published()) == {
        "cloudretail.notifications.MailFeedbackReceived.v1"
    }


def test_what_is_deployed_is_read_from_the_rules_of_the_bus() -> None:
    with mock_aws():
        session = boto3.Session(aws_access_key_id="k", aws_secret_access_key="s", region_name="eu-central-1")
        events = session.client("events")
        events.create_event_bus(Name="shop")
        rules = {
            "Payments": f'{{"detail": {{"type": ["{PLACED}"]}}}}',
            "Unmatched": f'{{"detail": {{"type": [{{"anything-but": ["{PLACED}", "{NEW}"]}}]}}}}',
        }
        for name, pattern in rules.items():
            events.put_rule(Name=name, EventBusName="shop", EventPattern=pattern)
        shop = Shop(
            stack="shop",
            region="eu-central-1",
            endpoint=None,
            outputs={"EventBusName": "shop"},
            resources={},
            session=session,
        )
        assert matched(shop) == {PLACED}
        assert PLACED in declared()["Payments"]
