"""Where an operator reads on about a failure: the log of its function, and the runbook's section. Pure."""

import re
from datetime import datetime, timedelta

from cloudretail.errors import Held
from cloudretail.failures import FailureState
from cloudretail.model import Model
from operations.dead_letters.domain import DeadLetter
from operations.queues import RELAY_DLQ, REPLAY_WORKER_DLQ, RULE_TARGETS_DLQ, ConsumerQueue

AROUND = timedelta(minutes=15)
"""Before and after the failure that the log is shown of."""

SECTIONS = {RELAY_DLQ: "relay", RULE_TARGETS_DLQ: "undelivered", REPLAY_WORKER_DLQ: "replay-worker"}
"""Sections of the runbook by the dead-letter queue that a message was found in; of all others `dead-letters`."""


class Leads(Model):
    """Where to read on.

    Attributes:
        command: shows the log.
        log: the same in CloudWatch Logs Insights; None on a laptop, and where the function is not known.
        runbook: address of the section that says what to do.
    """

    command: str
    log: str | None
    runbook: str


def leads_of(letter: DeadLetter, *, stack: str, region: str | None, runbook: str) -> Leads:
    """Where to read on about a failure.

    Args:
        letter: the failure.
        stack: name of the stack.
        region: of AWS; None on a laptop.
        runbook: its address.
    """
    cause = letter.cause
    function = cause.function.removeprefix(f"{stack}-").rpartition("-")[0] if cause.function else None
    name = function or ConsumerQueue.by_dead_letter_queue(letter.queue).template_name
    about = f" --request {cause.request_id}" if cause.request_id else f" --order {letter.order_id}"
    words = f"cloudretail logs {name}{about if cause.request_id or letter.order_id else ''}"
    return Leads(
        command=words + (f" --stack {stack}" if region else ""),
        log=_insights(letter, f"/aws/lambda/{stack}/{function}", region) if region and function else None,
        runbook=f"{runbook}#{_section(letter)}",
    )


def _section(letter: DeadLetter) -> str:
    if letter.cause.exception == Held.__name__:
        return "a-provider-that-is-away"
    return "failing" if letter.state is FailureState.FAILING else SECTIONS.get(letter.found_in, "dead-letters")


def _insights(letter: DeadLetter, group: str, region: str) -> str:
    """The page of Logs Insights with a query. Its address is of the console's own making: text after a quote, every
    other character as `*` and two hexadecimal digits, and all of it with `$` in the place of `%`."""
    query = "fields @timestamp, @message | sort @timestamp | limit 200"
    if about := letter.cause.request_id or letter.order_id:
        query = f'fields @timestamp, @message | filter @message like "{about}" | sort @timestamp | limit 200'
    begin, end = (_moment(letter.last_failed_at + step) for step in (-AROUND, AROUND))
    detail = (
        f"~(end~{_text(end)}~start~{_text(begin)}~timeType~{_text('ABSOLUTE')}~tz~{_text('UTC')}"
        f"~editorString~{_text(query)}~source~(~{_text(group)}))"
    )
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:logs-insights$3FqueryDetail$3D{detail}"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.000Z"


def _text(text: str) -> str:
    return "'" + re.sub(r"[^A-Za-z0-9_.-]", lambda found: f"*{ord(found[0]):02x}", text)
