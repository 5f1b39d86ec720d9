"""Uploaded pictures: S3 notifies a queue, and its consumer makes each picture's sizes and shows them at the product.

It is the only consumer whose queue is not filled by a rule of the bus.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from catalog.domain import ImageState, Picture, Upload, uploads_of
from catalog.store import DynamoDBProductImages, Pictures, ProductImages, ReadOnlyProductImages
from cloudretail import deadline
from cloudretail.batch import BatchResponse, GivenBack, Received, work_off
from cloudretail.consumer import Outcome
from cloudretail.decider import Done, Nothing
from cloudretail.event import EventData
from cloudretail.settings import Settings, load
from cloudretail.telemetry import count, logger, record


class ImagesSettings(Settings):
    """What this function needs besides the settings of every queue consumer."""

    products_table: str
    images_bucket: str


class DryRunSettings(Settings):
    """The part of these settings that a dry run needs."""

    products_table: str


@cache
def _settings() -> ImagesSettings:
    return load(ImagesSettings)


type Develop = Callable[[Upload], Picture]
"""Makes the sizes of an uploaded picture, or returns it as FAILED with the reason."""


def develop(pictures: Pictures, upload: Upload) -> Picture:
    """Publish an upload in each size. It is idempotent: a second run publishes the same objects."""
    # Imported here: other functions that import the consumer, for its dry run, do not have Pillow.
    from catalog.resizing import NotAPicture, sizes_of

    try:
        sizes = sizes_of(pictures.uploaded(upload.key))
    except NotAPicture as error:
        # No dead letter: the member of staff who uploaded it sees the reason, and a replay could not help.
        logger.warning("No picture", key=upload.key, why=str(error))
        return Picture(state=ImageState.FAILED, why=str(error))
    published = tuple(pictures.publish(width, content) for width, content in sizes.items())
    return Picture(state=ImageState.READY, sizes=published)


def show_uploads(images: ProductImages, develop: Develop, message: str) -> Done | Nothing:
    """Show the pictures that a notification of S3 names.

    Raises:
        InvalidEvent: the message is not such a notification.
        Permanent: there is no such product.
    """
    wanted = [upload for upload in uploads_of(message) if images.is_wanted(upload)]
    noted = [upload.key for upload in wanted if images.note(upload, develop(upload))]
    return Done(f"make the sizes of {', '.join(noted)}") if noted else Nothing("no picture that is waited for")


@dataclass(frozen=True)
class UploadConsumer:
    """As `cloudretail.consumer.Consumer`, for notifications of S3 in place of events."""

    name: str
    subscribes_to: tuple[type[EventData], ...] = ()

    def handler(self, event: dict[str, Any], context: LambdaContext) -> BatchResponse:
        """Invoked by SQS, with notifications of S3."""
        return work_off(event, context, consumer=self.name, work=self._work)

    def _work(self, messages: Sequence[Received]) -> Mapping[str, Exception | None]:
        images, pictures = DynamoDBProductImages(_settings().products_table), Pictures(_settings().images_bucket)
        return {
            message.id: self._failure(images, lambda upload: develop(pictures, upload), message) for message in messages
        }

    def _failure(self, images: ProductImages, develop: Develop, message: Received) -> Exception | None:
        if deadline.passed():
            return GivenBack("no time was left to handle it")
        try:
            result = show_uploads(images, develop, message.body)
        except Exception as error:
            return error
        if isinstance(result, Done):
            count("ImageShown")
        record(result, message="Upload", event_id=message.id, keys={"consumer": self.name})
        return None

    def dry_run(self, document: str) -> Outcome:
        """The outcome that a notification would have. It changes nothing, and reads no picture."""
        images = ReadOnlyProductImages(DynamoDBProductImages(load(DryRunSettings).products_table))
        try:
            return show_uploads(images, lambda _upload: Picture(state=ImageState.READY), document)
        except Exception as error:
            return error


CONSUMER = UploadConsumer("catalog-images")
handler = CONSUMER.handler
