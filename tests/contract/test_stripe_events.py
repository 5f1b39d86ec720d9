"""What the template's rules make of Stripe's events, in the shapes that Stripe documents."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from ministack.services.eventbridge import _render_input_template  # type: ignore[import-untyped]

from contract import parse
from contract.payments import AttemptReported
from payments.providers import STRIPE
from payments.worker import CONSUMER
from retail_ops.local.emulator import value_at
from retail_ops.stack.shop import PROJECT
from retail_ops.stack.template import Template

SOURCE = "aws.partner/stripe.com/ed_test_1"
WITH_STRIPE = Template.load(
    Stage="prod",
    StripeKeyArn="arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:stripe",
    StripePublishableKey="pk_test_1",
    StripeEventSource=SOURCE,
)
RULES = {name: rule for name, rule in WITH_STRIPE.properties("AWS::Events::Rule").items() if name.startswith("Stripe")}

INTENT = {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "object": "payment_intent", "amount": 1990, "currency": "sgd"}
REFUND = {"id": "re_1Nispe2eZvKYlo2Cd31jOCgZ", "object": "refund", "payment_intent": INTENT["id"], "status": "failed"}
DISPUTE = {"id": "du_1MtJUT2eZvKYlo2CNaw2HvEv", "object": "dispute", "payment_intent": INTENT["id"], "metadata": {}}
OBJECTS: Mapping[str, Mapping[str, Any]] = {"payment_intent": INTENT, "refund": REFUND, "charge": DISPUTE}
"""By the first word of an event's type, an object as it stands in the event."""

TYPES = {kind: rule for rule in RULES.values() for kind in rule["EventPattern"]["detail-type"]}


def delivered(kind: str) -> dict[str, Any]:
    """As EventBridge has it. Source: https://docs.stripe.com/event-destinations/eventbridge."""
    detail = {
        "id": "evt_1NG8Du2eZvKYlo2CUI79vXWy",
        "object": "event",
        "type": kind,
        "livemode": False,
        "data": {"object": OBJECTS[kind.partition(".")[0]]},
    }
    return {
        "id": "3d5d1b1a-0000-4000-8000-000000000000",
        "detail-type": kind,
        "source": SOURCE,
        "time": "2026-11-27T10:00:00Z",
        "detail": detail,
    }


@pytest.mark.parametrize("kind", TYPES)
def test_an_event_of_stripe_reports_its_attempt_under_the_events_own_id(kind: str) -> None:
    (target,) = TYPES[kind]["Targets"]
    transformer, said = target["InputTransformer"], delivered(kind)
    values = {name: value_at(said, path) for name, path in transformer["InputPathsMap"].items()}

    event = parse(_render_input_template(transformer["InputTemplate"], values))

    assert event.data == AttemptReported(provider=STRIPE, reference=INTENT["id"])
    assert event.id == "stripe:evt_1NG8Du2eZvKYlo2CUI79vXWy"
    assert AttemptReported in CONSUMER.subscribes_to


def test_the_rules_are_on_the_bus_of_the_event_source_and_lead_to_the_worker() -> None:
    bus = WITH_STRIPE.properties("AWS::Events::EventBus")["StripeBus"]
    assert bus == {"Name": SOURCE, "EventSourceName": SOURCE}, "AWS takes no other name for a partner's bus"
    assert len(RULES) == 2
    for rule in RULES.values():
        (target,) = rule["Targets"]
        assert "StripeBus" in str(rule["EventBusName"])
        assert rule["EventPattern"]["source"] == [SOURCE]
        assert "PaymentWorkerQueue" in str(target["Arn"])
        assert "RuleTargetsDlq" in str(target["DeadLetterConfig"])
        assert "-PaymentWorker-" in str(rule["Name"]), "its name is what lets it send to the queue"


def test_only_where_stripe_takes_cards_may_pages_load_its_form_and_functions_read_its_key() -> None:
    for shop, has in ((WITH_STRIPE, True), (Template.load(Stage="prod"), False)):
        (headers,) = shop.properties("AWS::CloudFront::ResponseHeadersPolicy").values()
        assert ("https://js.stripe.com" in str(headers)) is has
        assert (shop.environment("PaymentsApi")["CARD_GATEWAY"] == STRIPE) is has
        for function in ("PaymentWorkerReactions", "ReplayWorker"):
            assert bool(shop.environment(function).get("STRIPE_KEY_ARN")) is has
            policy = shop.properties("AWS::IAM::Policy")[f"{function}Policy"]
            assert ("secretsmanager:GetSecretValue" in str(policy)) is has
        assert not shop.environment("PaymentsApi").get("STRIPE_KEY_ARN"), "it names the account only"


def test_the_guide_names_the_events_that_the_rules_wait_for() -> None:
    guide = (PROJECT / "docs" / "deploy.md").read_text()
    named = set(re.findall(r"`((?:payment_intent|refund|charge)[.][a-z_.]+)`", guide))

    assert named == set(TYPES)
