"""Structured logs and EMF metrics, which can never fail the business step."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from cloudretail.decider import Change, Decision, Nothing
from cloudretail.model import Model

if TYPE_CHECKING:
    from cloudretail.events import EventData

logger = Logger()
metrics = Metrics()


def count(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count) -> None:
    """Add to a metric of this invocation."""
    try:
        metrics.add_metric(name=name, unit=unit, value=value)
    except Exception:
        logger.exception("A metric could not be recorded", metric=name)


def flush() -> None:
    """Print what was counted in this invocation; nothing where nothing was."""
    try:
        if metrics.metric_set:
            metrics.flush_metrics()
    except Exception:
        logger.exception("Metrics could not be flushed")
    finally:
        metrics.clear_metrics()


def published(events: "Iterable[EventData]") -> None:
    """Count events by name: what a shop counts is what it tells."""
    for event in events:
        count(event.event_type.name)


def record[S: Model](decision: Decision[S], *, message: str, order_id: str, event_id: str) -> None:
    """Log and count what a message came to.

    Args:
        decision: what was committed, or Nothing with its reason.
        message: name of the event or command.
        order_id: of the order that it is about.
        event_id: id of the event or request.
    """
    match decision:
        case Change(events=events):
            published(events)
            logger.info(
                "Reacted",
                message_name=message,
                order_id=order_id,
                event_id=event_id,
                emitted=[event.event_type.name for event in events],
            )
        case Nothing(reason=reason):
            count("Ignored")
            logger.info("Nothing to do", message_name=message, order_id=order_id, event_id=event_id, reason=reason)
