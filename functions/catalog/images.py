"""Uploaded pictures: S3 notifies a queue, and the product shows the newest picture that arrived."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.domain import uploads_of
from catalog.store import show_newest
from cloudretail.consumer import respond
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, logger

CONSUMER = "catalog-images"


class ImagesSettings(Settings):
    """What this function needs, besides what every queue consumer does."""

    products_table: str


@cache
def _settings() -> ImagesSettings:
    return load(ImagesSettings)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Invoked by SQS, with notifications of S3."""
    records: list[dict[str, Any]] = event["Records"]
    outcomes = {record["messageId"]: _outcome(record["body"]) for record in records}
    return respond(records, outcomes, context, consumer=CONSUMER, events={})


def _outcome(message: str) -> Exception | None:
    try:
        _show_uploads(message)
    except Exception as error:
        return error
    return None


def _show_uploads(message: str) -> None:
    for upload in uploads_of(message):
        shown = show_newest(_settings().products_table, upload)
        count("ImageShown" if shown else "Ignored")
        logger.info("Shown" if shown else "Nothing to do", product_id=upload.product_id, image_key=upload.key)
