"""Counts failures for the alarms. The metrics are levels, so an alarm lasts until its failures are dealt with."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from cloudretail.failures import LEASE, FailureState
from cloudretail.settings import load
from operations.clock import REAL_TIME
from operations.dead_letters.failures import DynamoDBFailures, Failures
from operations.queues import QueueNames
from operations.wiring import FailureSettings

FAILING_TOO_LONG = timedelta(minutes=5)
"""A bug is given up within a minute. A message that is retried for longer waits for a system that is unavailable."""


class CounterSettings(FailureSettings):
    """What the counter needs."""

    stage: str


@cache
def _settings() -> CounterSettings:
    return load(CounterSettings)


def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Invoked every minute."""
    settings = _settings()
    failures = DynamoDBFailures(settings.failures_table, settings.failures_bucket)
    report(failures, QueueNames.of(settings.consumers), settings.stage, REAL_TIME.now())


def report(failures: Failures, names: QueueNames, stage: str, now: datetime) -> None:
    """Print the metrics of each consumer: its dead letters, and its messages that have been failing for too long.

    A replay that died leaves rows REPLAYING. They count as dead letters once their lease is over.

    Args:
        failures: the table.
        names: of all queues.
        stage: a dimension of the metrics, as the stages of one account share their namespace.
        now: aware.
    """
    for owner in names.owners:
        dead = failures.count(owner.consumer, FailureState.DEAD)
        dead += failures.count(owner.consumer, FailureState.REPLAYING, now - timedelta(seconds=LEASE))
        failing = failures.count(owner.consumer, FailureState.FAILING, now - FAILING_TOO_LONG)
        metrics = EphemeralMetrics()
        metrics.add_dimension("stage", stage)
        metrics.add_dimension("consumer", owner.template_name)
        metrics.add_metric("DeadLetters", MetricUnit.Count, dead)
        metrics.add_metric("FailingTooLong", MetricUnit.Count, failing)
        metrics.flush_metrics()
