"""Stripe's events as EventBridge has them on the bus of the partner event source, and what the template's rules make of
them.
"""

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from retail_ops.local.emulator import value_at
from retail_ops.stack.template import TEMPLATE, Template

SOURCE = "aws.partner/stripe.com/ed_test_recorded"
"""Name of the partner event source, which Stripe makes for an event destination in test mode."""

LOCAL_SOURCE = "emulator.stripe"
"""The source that a local shop's rules match in its place, as only AWS may publish as `aws.`."""

ATTEMPT = "pi_3MtwBwLkdIwHu7ix28a3tqPa"
"""The PaymentIntent that every sample is about."""

_CHARGE = "ch_3MmlLrLkdIwHu7ix0snN0B15"  # pragma: allowlist secret

_AT = "2100-01-01T00:00:00Z"
_CREATED = 4102444800


def _object(kind: str, reference: str) -> dict[str, Any]:
    """The object that an event of this type is about. Source: https://docs.stripe.com/api."""
    charge = {"charge": _CHARGE, "payment_intent": reference, "amount": 1990, "currency": "sgd"}
    match kind.rsplit(".", 1):
        case ["payment_intent", status]:
            succeeded = status == "succeeded"
            return {
                "id": reference,
                "object": "payment_intent",
                "amount": 1990,
                "amount_received": 1990 if succeeded else 0,
                "currency": "sgd",
                "status": {"payment_failed": "requires_payment_method"}.get(status, status),
                "metadata": {"attempt": "pay_recorded:1"},
            }
        case ["refund", _]:
            status = "failed" if kind.endswith("failed") else "succeeded"
            metadata = {"refund": "pay_recorded:refund:cancellation"}
            return {
                "id": "re_1Nispe2eZvKYlo2Cd31jOCgZ",
                "object": "refund",
                "status": status,
                **charge,
                "metadata": metadata,
            }
        case _:
            status = "lost" if kind.endswith("closed") else "needs_response"
            dispute = {"id": "du_1MtJUT2eZvKYlo2CNaw2HvEv", "object": "dispute", "reason": "fraudulent"}
            return {**dispute, "status": status, **charge, "metadata": {}}


def event(kind: str, reference: str = ATTEMPT, event_id: str = "") -> dict[str, Any]:
    """An event of Stripe's, in the parts that count. Source: https://docs.stripe.com/event-destinations/eventbridge.

    Args:
        kind: Stripe's type of it, such as `refund.failed`.
        reference: of the PaymentIntent that it is about.
        event_id: Stripe's own id of it; the default follows from the type.
    """
    event_id = event_id or f"evt_{re.sub('[^a-z]', '', kind)}"
    return {
        "version": "0",
        "id": "10000000-0000-4000-8000-000000000001",
        "detail-type": kind,
        "source": SOURCE,
        "account": "000000000000",
        "time": _AT,
        "region": "ap-southeast-1",
        "resources": [f"arn:aws:events:ap-southeast-1::event-source/{SOURCE}"],
        "detail": {
            "id": event_id,
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": _CREATED,
            "data": {"object": _object(kind, reference)},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        },
    }


PARAMETERS = {
    "StripeKeyArn": "arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:stripe",
    "StripePublishableKey": "pk_test_recorded",
    "StripeEventSource": SOURCE,
}
"""The parameters of a stage that takes cards by Stripe."""


def template_with_stripe(stage: str = "prod") -> Template:
    """The template as on such a stage."""
    return Template.of(TEMPLATE.read_text(), Stage=stage, **PARAMETERS)


def rules(template: Template) -> Iterator[Mapping[str, Any]]:
    """The rules of the bus that Stripe's events are on."""
    return (
        rule
        for rule in template.properties("AWS::Events::Rule").values()
        if "StripeBus" in str(rule.get("EventBusName"))
    )


def kinds(template: Template) -> dict[str, Mapping[str, Any]]:
    """The types of Stripe's events that a rule takes, each with the rule's target."""
    return {
        kind: target
        for rule in rules(template)
        for target in rule["Targets"]
        for kind in rule["EventPattern"]["detail-type"]
    }


def message(target: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """What a rule's target gets of an event."""
    transformer = target["InputTransformer"]
    values = {name: value_at(said, path) for name, path in transformer["InputPathsMap"].items()}
    template: str = transformer["InputTemplate"]
    return re.sub(r"<([a-z]+)>", lambda match: str(values[match[1]]), template)


def batches(recorded: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """For each type, its name, an event, and the worker's batch with what the rule makes of the event.

    Args:
        recorded: a batch of the worker with one message, whose place the message takes.
    """
    for kind, target in kinds(template_with_stripe()).items():
        said = event(kind)
        batch = copy.deepcopy(dict(recorded))
        (record,) = batch["Records"]
        record["body"] = message(target, said)
        record["md5OfBody"] = hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
        yield kind, said, batch
