"""Structured logs and EMF metrics, which can never fail the business step."""

import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloudretail.decider import Change, Done, Nothing, Result

if TYPE_CHECKING:
    from cloudretail.event import EventData

# Where in the code a line was written says nothing that its message does not say; an exception has its own place.
logger = Logger(location=None)
metrics = Metrics()
# The stages of one account share its metrics. The dimension keeps the alarms of one stage from counting the other's.
metrics.set_default_dimensions(stage=os.environ.get("STAGE", "local"))

# With Lambda's JSON log format, the level applies to every logger. At DEBUG, the SDK would log whole requests, with
# passwords in them.
logging.getLogger("botocore").setLevel(logging.WARNING)


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    try:
        metrics.add_metric(name=name, unit=unit, value=value)
    except Exception:
        logger.exception("A metric could not be recorded", metric=name)


def flush() -> None:
    """Print the metrics of this invocation, if there are any."""
    try:
        if metrics.metric_set:
            metrics.flush_metrics()
    except Exception:
        logger.exception("Metrics could not be flushed")
    finally:
        metrics.clear_metrics()


def published(events: "Iterable[EventData]") -> None:
    """Count published events by name."""
    for event in events:
        count(event.event_type.name)


def record(result: Result[Any], *, message: str, event_id: str, keys: Mapping[str, str]) -> None:
    """Log and count the outcome of a message.

    Args:
        result: what was committed or done, or Nothing with its reason.
        message: name of the event or command.
        event_id: id of the event or request.
        keys: what it is about, such as `{"order_id": ...}`.
    """
    match result:
        case Change(events=events):
            published(events)
            names = [event.event_type.name for event in events]
            logger.info("Reacted", message_name=message, event_id=event_id, emitted=names, extra=keys)
        case Done(what=what, log=log):
            logger.info("Done", message_name=message, event_id=event_id, what=what, extra={**log, **keys})
        case Nothing(reason=reason):
            logger.info("Nothing to do", message_name=message, event_id=event_id, reason=reason, extra=keys)
