"""What the template's rule makes of what SES says of a mail."""

from collections.abc import Mapping
from typing import Any

from ministack.services.eventbridge import _render_input_template  # type: ignore[import-untyped]

from retail_ops.local.emulator import value_at
from retail_ops.recording import ses
from retail_ops.stack.template import Template
from tests.contract.publishers import CAUSE, EMAIL, NOW, ORDER_ID, Published


def published() -> list[Published]:
    """An event for each kind of feedback."""
    (target,) = Template.load().properties("AWS::Events::Rule")["MailFeedbackRule"]["Targets"]
    return [Published.of("notifications", _transformed(target["InputTransformer"], kind)) for kind in ses.DETAIL_TYPES]


def _transformed(transformer: Mapping[str, Any], kind: str) -> str:
    at = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    detail = ses.feedback(
        kind,
        order_id=ORDER_ID,
        email=EMAIL,
        message_id=CAUSE.id,
        traceparent=CAUSE.traceparent,
        configuration_set="the-configuration-set",
        at=at,
    )
    event = {"id": f"id-of-{kind}", "time": at, "source": "aws.ses", "detail": detail}
    values = {name: value_at(event, path) for name, path in transformer["InputPathsMap"].items()}
    document: str = _render_input_template(transformer["InputTemplate"], values)
    return document
