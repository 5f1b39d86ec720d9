"""How many failures wait for somebody, counted for the alarms: a level that holds until they are dealt with."""

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
"""A bug is given up within a minute: what is retried for longer waits for somebody who is away."""


class CounterSettings(FailureSettings):
    """What it takes to count failures."""

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
    """Print of each consumer how many dead letters it has, and how many of its messages fail for too long.

    A replay that died leaves rows REPLAYING: those count as dead letters once their lease is over.

    Args:
        failures: the table.
        names: of all queues.
        stage: whose they are: two stages of one account have each a level of its own.
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
