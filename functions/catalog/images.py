"""Uploaded pictures: S3 notifies a queue, and the product shows each picture in several sizes.

The one queue that is not filled by a rule of the bus.
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
    """What this function needs, besides what every queue consumer does."""

    products_table: str
    images_bucket: str


class DryRunSettings(Settings):
    """What a dry run needs of it."""

    products_table: str


@cache
def _settings() -> ImagesSettings:
    return load(ImagesSettings)


type Develop = Callable[[Upload], Picture]
"""Makes the sizes of a picture that was uploaded, or says why there are none."""


def develop(pictures: Pictures, upload: Upload) -> Picture:
    """Publish an upload in each size. Done twice, it publishes the same objects."""
    # Only here: whoever imports the consumer, such as the dry run, has no Pillow.
    from catalog.resizing import NotAPicture, sizes_of

    try:
        sizes = sizes_of(pictures.uploaded(upload.key))
    except NotAPicture as error:
        # It is for whoever uploaded it to do something: they see why, and no operator could help by a replay.
        logger.warning("No picture", key=upload.key, why=str(error))
        return Picture(state=ImageState.FAILED, why=str(error))
    published = tuple(pictures.publish(width, content) for width, content in sizes.items())
    return Picture(state=ImageState.READY, sizes=published)


def show_uploads(images: ProductImages, develop: Develop, message: str) -> Done | Nothing:
    """Show the pictures that a notification of S3 names.

    Raises:
        InvalidEvent: it is none.
        Permanent: it is about a product that there is not.
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
            return GivenBack("no time was left for it")
        try:
            result = show_uploads(images, develop, message.body)
        except Exception as error:
            return error
        if isinstance(result, Done):
            count("ImageShown")
        record(result, message="Upload", event_id=message.id, keys={"consumer": self.name})
        return None

    def dry_run(self, document: str) -> Outcome:
        """What a notification would come to; nothing is changed, and no picture is looked at."""
        images = ReadOnlyProductImages(DynamoDBProductImages(load(DryRunSettings).products_table))
        try:
            return show_uploads(images, lambda _upload: Picture(state=ImageState.READY), document)
        except Exception as error:
            return error


CONSUMER = UploadConsumer("catalog-images")
handler = CONSUMER.handler
