"""The wiring of operations, for the API, the replay worker and the command."""

from typing import Annotated

from pydantic import BeforeValidator

from cloudretail.settings import Settings
from operations.dead_letters.failures import DynamoDBFailures
from operations.dead_letters.service import DeadLetters
from operations.dead_letters.sqs import SqsQueue
from operations.diagnosis.service import Diagnosis
from operations.diagnosis.store import DynamoDBTables
from operations.diagnosis.tables import TableSettings
from operations.pauses import DynamoDBPauses
from operations.queues import QueueNames
from operations.reconciliation.exports import S3Exporter
from operations.reconciliation.job import Reconciliations
from operations.reconciliation.store import DynamoDBReconciliationLog, DynamoDBWholeTables
from operations.replays.awaited import DynamoDBPublishingRows
from operations.replays.domain import Subscribers
from operations.replays.log import DynamoDBReplayLog
from operations.replays.nudge import Nudge
from operations.replays.replayer import Replayer
from operations.replays.service import Replays
from operations.replays.targets import EventBridgeBus, LambdaInvoker


def _names(value: object) -> object:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


class FailureSettings(Settings):
    """What a function needs to read failures.

    Attributes:
        consumers: the consumers' names in the template, separated by commas.
        failures_bucket: has the bodies that are too long for the table.
    """

    consumers: Annotated[tuple[str, ...], BeforeValidator(_names)]
    failures_table: str
    failures_bucket: str


class ReplaySettings(FailureSettings):
    """What a function needs to find and replay dead letters.

    Attributes:
        queue_url_prefix: a queue's address is this prefix and the queue's name in the template.
    """

    queue_url_prefix: str
    replays_table: str
    event_bus_name: str


class WorkerSettings(ReplaySettings, TableSettings):
    """What the replay worker needs.

    Attributes:
        exports_bucket: takes exports of the tables; None for a stage that exports none.
    """

    exports_bucket: str | None = None


class ApiSettings(WorkerSettings):
    """What the API needs. The command reads these from the deployed function's environment.

    Attributes:
        replay_worker: name of the function.
        stage: `local` on a laptop.
        aws_region: of the stack; Lambda sets it.
        runbook: address of its pages.
    """

    replay_worker: str
    stage: str = "local"
    aws_region: str | None = None
    runbook: str

    @property
    def stack(self) -> str:
        """Name of the stack, as its queues are called after it."""
        return self.queue_url_prefix.rpartition("/")[2].removesuffix("-")

    @property
    def region(self) -> str | None:
        """Of AWS; None on a laptop."""
        return None if self.stage == "local" else self.aws_region


def open_dead_letters(settings: ReplaySettings) -> DeadLetters:
    names = QueueNames.of(settings.consumers)
    queues = {each.queue: SqsQueue(f"{settings.queue_url_prefix}{each.queue}") for each in names.consumers}
    return DeadLetters(names, queues, DynamoDBFailures(settings.failures_table, settings.failures_bucket))


def open_pauses(settings: ReplaySettings) -> DynamoDBPauses:
    return DynamoDBPauses(settings.replays_table)


def open_replays(settings: ReplaySettings) -> Replays:
    failures = DynamoDBFailures(settings.failures_table, settings.failures_bucket)
    return Replays(DynamoDBReplayLog(settings.replays_table), failures)


def open_replayer(settings: ReplaySettings, worker: str, subscribers: Subscribers) -> Replayer:
    """Open the Replayer, which carries out replays and drops.

    Args:
        settings: of the shop.
        worker: name of the replay worker's function.
        subscribers: names of consumers by type of event.
    """
    return Replayer(
        open_dead_letters(settings),
        EventBridgeBus(settings.event_bus_name),
        LambdaInvoker(worker),
        DynamoDBReplayLog(settings.replays_table),
        subscribers,
    )


def open_diagnosis(settings: ApiSettings) -> Diagnosis:
    log = DynamoDBReplayLog(settings.replays_table)
    return Diagnosis(open_dead_letters(settings), DynamoDBTables(settings), log)


def open_reconciliations(settings: WorkerSettings) -> Reconciliations:
    log, replays = DynamoDBReconciliationLog(settings.replays_table), DynamoDBReplayLog(settings.replays_table)
    exporter = S3Exporter(settings.exports_bucket) if settings.exports_bucket else None
    return Reconciliations(DynamoDBWholeTables(settings), log, replays, exporter=exporter)


def open_nudge(settings: ApiSettings) -> Nudge:
    log = DynamoDBReplayLog(settings.replays_table)
    return Nudge(DynamoDBPublishingRows(settings), EventBridgeBus(settings.event_bus_name), log)
