"""SES's events about bounces and complaints, as they are on the account's default bus."""

import json
from typing import Any

from retail_ops.errors import OpsError
from retail_ops.stack.shop import Shop

DETAIL_TYPES = {"Bounce": "Email Bounced", "Complaint": "Email Complaint Received"}
"""Detail types by the kind of feedback. Source: EventBridge events reference, "Amazon Simple Email Service events"."""

LOCAL_SOURCE = "emulator.ses"
"""The source that a local shop's rule matches in place of `aws.ses`, which only AWS may use."""


def feedback(
    kind: str, *, order_id: str, email: str, message_id: str, traceparent: str, configuration_set: str, at: str
) -> dict[str, Any]:
    """The `detail`. Source: SES developer guide, "Examples of event data that Amazon SES publishes".

    Args:
        kind: Bounce or Complaint.
        order_id: of the order that the mail was about.
        email: of its recipient.
        message_id: SES's id of the mail.
        traceparent: the mail's tag.
        configuration_set: the one that it was sent with.
        at: ISO 8601.
    """
    recipient = {"emailAddress": email}
    failure = {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
    details: dict[str, dict[str, Any]] = {
        "Bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{**recipient, **failure}],
        },
        "Complaint": {"complainedRecipients": [recipient], "complaintFeedbackType": "abuse"},
    }
    tags = {"kind": "OrderConfirmed", "order": order_id, "traceparent": traceparent}
    tags |= {"ses:configuration-set": configuration_set, "ses:from-domain": "cloudretail.example"}
    return {
        "eventType": kind,
        kind.lower(): {"feedbackId": "0100-feedback-000000", "timestamp": at, **details[kind]},
        "mail": {
            "timestamp": at,
            "messageId": message_id,
            "destination": [email],
            "headersTruncated": False,
            "tags": {name: [value] for name, value in tags.items()},
        },
    }


def say(shop: Shop, kind: str, **mail: str) -> str:
    """Publish an event of SES on the default bus of a local shop.

    Args:
        shop: a local one.
        kind: as in `feedback`.
        mail: as in `feedback`, without the configuration set, which is the shop's.

    Returns:
        EventBridge's id of the event.

    Raises:
        OpsError: EventBridge refused it.
    """
    function = shop.lambda_.get_function_configuration(FunctionName=shop.functions["NotificationsReactions"])
    configuration_set = function["Environment"]["Variables"]["MAIL_CONFIGURATION"]
    detail = feedback(kind, configuration_set=configuration_set, **mail)
    entry = {"Source": LOCAL_SOURCE, "DetailType": DETAIL_TYPES[kind], "Detail": json.dumps(detail)}
    (accepted,) = shop.events.put_events(Entries=[entry])["Entries"]  # type: ignore[list-item]
    if "EventId" not in accepted:
        raise OpsError(f"The default bus refused an event: {accepted['ErrorMessage']}")
    return accepted["EventId"]
