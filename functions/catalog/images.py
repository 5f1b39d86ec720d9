"""Uploaded pictures: S3 notifies a queue, and the product shows the newest picture that arrived.

The one queue that is not filled by a rule of the bus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.domain import uploads_of
from catalog.store import DynamoDBProductImages, ProductImages, ReadOnlyProductImages
from cloudretail import deadline
from cloudretail.batch import BatchResponse, GivenBack, Received, work_off
from cloudretail.consumer import Outcome
from cloudretail.decider import Done, Nothing
from cloudretail.event import EventData
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, record


class ImagesSettings(Settings):
    """What this function needs, besides what every queue consumer does."""

    products_table: str


@cache
def _settings() -> ImagesSettings:
    return load(ImagesSettings)


def show_uploads(images: ProductImages, message: str) -> Done | Nothing:
    """Show the pictures that a notification of S3 names.

    Raises:
        InvalidEvent: it is none.
        Permanent: it is about a product that there is not.
    """
    shown = [upload.key for upload in uploads_of(message) if images.show_newest(upload)]
    return Done(f"show {', '.join(shown)}") if shown else Nothing("no newer picture")


@dataclass(frozen=True)
class UploadConsumer:
    """As `cloudretail.consumer.Consumer`, for notifications of S3 in place of events."""

    name: str
    subscribes_to: tuple[type[EventData], ...] = ()

    def handler(self, event: dict[str, Any], context: LambdaContext) -> BatchResponse:
        """Invoked by SQS, with notifications of S3."""
        return work_off(event, context, consumer=self.name, work=self._work)

    def _work(self, messages: Sequence[Received]) -> Mapping[str, Exception | None]:
        images = DynamoDBProductImages(_settings().products_table)
        return {message.id: self._failure(images, message) for message in messages}

    def _failure(self, images: ProductImages, message: Received) -> Exception | None:
        if deadline.passed():
            return GivenBack("no time was left for it")
        try:
            result = show_uploads(images, message.body)
        except Exception as error:
            return error
        if isinstance(result, Done):
            count("ImageShown")
        record(result, message="Upload", event_id=message.id, keys={"consumer": self.name})
        return None

    def dry_run(self, document: str) -> Outcome:
        """What a notification would come to; nothing is changed."""
        try:
            return show_uploads(ReadOnlyProductImages(_settings().products_table), document)
        except Exception as error:
            return error


CONSUMER = UploadConsumer("catalog-images")
handler = CONSUMER.handler
