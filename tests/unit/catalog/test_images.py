import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from catalog import images
from cloudretail import aws
from tests.support.invocations import sqs_event
from tests.support.wire import Wire, refused
from tests.unit.catalog.conftest import BUCKET, QUEUE, Shop


def picture(colour: str = "red", width: int = 700) -> bytes:
    """A PNG file."""
    file = io.BytesIO()
    Image.new("RGB", (width, width // 2), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def switched_on(account: None) -> str:
    """A bucket that tells a queue of new objects, and what it told when that was switched on."""
    queue = aws.sqs().create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = aws.sqs().get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    aws.s3().put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "products/"}]}},
                }
            ]
        },
    )
    (message,) = emptied(queue)
    return message


def dlq() -> str:
    return aws.sqs().get_queue_url(QueueName=f"{QUEUE}-dlq")["QueueUrl"]


def emptied(queue: str) -> list[str]:
    """What is in the queue, which is left empty."""
    bodies = []
    while messages := aws.sqs().receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            aws.sqs().delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return bodies


@pytest.fixture(autouse=True)
def queue(switched_on: str, monkeypatch: pytest.MonkeyPatch) -> str:
    url = aws.sqs().get_queue_url(QueueName=QUEUE)["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", url)
    monkeypatch.setenv("DLQ_URL", aws.sqs().create_queue(QueueName=f"{QUEUE}-dlq")["QueueUrl"])
    return url


@dataclass(frozen=True)
class Arrival:
    """A picture that somebody has uploaded, and what S3 said of it."""

    image_id: str
    key: str
    notification: str


class Uploads:
    """Staff with a ticket, and the bucket."""

    def __init__(self, shop: Shop, queue: str) -> None:
        self._shop = shop
        self._queue = queue

    def upload(self, content: bytes) -> Arrival:
        """One picture more of the bag."""
        ticket = self._shop.send("POST", f"{BAG}/images", {"contentType": "image/png"}).body
        key = ticket["fields"]["key"]
        aws.s3().put_object(Bucket=BUCKET, Key=key, Body=content)
        (notification,) = emptied(self._queue)
        return Arrival(ticket["imageId"], key, notification)


BAG = "/admin/products/bag"


@pytest.fixture
def uploads(shop: Shop, queue: str) -> Uploads:
    shop.has("bag")
    return Uploads(shop, queue)


def seen(shop: Shop) -> list[dict[str, Any]]:
    """The bag's pictures, as staff see them."""
    found: list[dict[str, Any]] = shop.send("GET", BAG).body["images"]
    return found


def published(url: str) -> dict[str, Any]:
    found: dict[str, Any] = aws.s3().get_object(Bucket=BUCKET, Key=url.removeprefix("/"))  # type: ignore[assignment]
    return found


def test_a_picture_that_has_arrived_is_shown_in_its_sizes(shop: Shop, uploads: Uploads) -> None:
    arrival = uploads.upload(picture(width=700))

    assert shop.consumes(sqs_event([arrival.notification])) == []

    (shown,) = shop.get("/products/bag").body["images"]
    assert [size["width"] for size in shown["sizes"]] == [320, 640, 700]
    for size in shown["sizes"]:
        answer = published(size["url"])
        with Image.open(answer["Body"]) as file:
            assert (file.format, file.width) == ("WEBP", size["width"])
        assert (answer["ContentType"], answer["CacheControl"]) == ("image/webp", "public, max-age=31536000, immutable")


def test_the_same_picture_has_the_same_name_and_another_one_another(shop: Shop, uploads: Uploads) -> None:
    arrivals = [uploads.upload(picture(colour, 200)) for colour in ("red", "red", "blue")]
    for arrival in arrivals:
        shop.consumes(sqs_event([arrival.notification]))

    one, same, other = (each["sizes"][0]["url"] for each in seen(shop))
    assert one == same != other


def test_pictures_stay_in_the_order_of_their_tickets_whichever_arrives_first(shop: Shop, uploads: Uploads) -> None:
    arrivals = [uploads.upload(picture(colour)) for colour in ("red", "green", "blue")]

    shop.consumes(sqs_event([each.notification for each in reversed(arrivals)]))

    assert [each["imageId"] for each in seen(shop)] == [each.image_id for each in arrivals]
    assert {each["state"] for each in seen(shop)} == {"READY"}


def test_hearing_of_a_picture_twice_makes_it_once(shop: Shop, uploads: Uploads, wire: Wire) -> None:
    arrival = uploads.upload(picture())
    shop.consumes(sqs_event([arrival.notification, arrival.notification]))
    before = shop.products
    wire.calls.clear()

    shop.consumes(sqs_event([arrival.notification]))

    assert shop.products == before
    assert not {"GetObject", "PutObject", "UpdateItem"} & {operation for operation, _ in wire.calls}


def test_what_staff_remove_before_it_arrives_does_not_come_back(shop: Shop, uploads: Uploads) -> None:
    arrival = uploads.upload(picture())
    shop.send("PUT", f"{BAG}/images", {"version": 2, "images": []})

    assert shop.consumes(sqs_event([arrival.notification])) == []

    assert (seen(shop), shop.failures) == ([], [])


def test_what_staff_remove_while_it_is_worked_on_does_not_come_back(
    shop: Shop, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrival, develop = uploads.upload(picture()), images.develop

    def slow(*arguments: Any) -> Any:
        shop.send("PUT", f"{BAG}/images", {"version": 2, "images": []})
        return develop(*arguments)

    monkeypatch.setattr(images, "develop", slow)

    assert shop.consumes(sqs_event([arrival.notification])) == []
    assert seen(shop) == []


def test_who_edits_the_product_meanwhile_is_in_nobodys_way(shop: Shop, uploads: Uploads) -> None:
    arrival = uploads.upload(picture())
    text = {"name": "Other", "description": "", "category": "Bags", "price": {"amount": 1, "currency": "SGD"}}

    shop.consumes(sqs_event([arrival.notification]))

    answer = shop.send("PUT", BAG, {**text, "version": 2})
    assert (answer.status, answer.body["images"][0]["state"]) == (200, "READY")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "The file is no WebP, PNG or JPEG picture."),
        (b"", "The file is no WebP, PNG or JPEG picture."),
        (picture()[:-200], "The picture is broken: it cannot be read to its end."),
    ],
    ids=["no picture", "nothing", "half a picture"],
)
def test_a_picture_that_is_none_is_given_up_and_staff_see_why(
    shop: Shop, uploads: Uploads, content: bytes, why: str
) -> None:
    arrival = uploads.upload(content)

    assert shop.consumes(sqs_event([arrival.notification])) == []

    assert [(each["state"], each["why"], each["sizes"]) for each in seen(shop)] == [("FAILED", why, [])]
    assert shop.get("/products/bag").body["images"] == []
    # Nobody but whoever has uploaded it can do something about it.
    assert (emptied(dlq()), shop.failures) == ([], [])


def test_another_upload_with_the_same_ticket_is_another_try(shop: Shop, uploads: Uploads, queue: str) -> None:
    arrival = uploads.upload(b"nonsense")
    shop.consumes(sqs_event([arrival.notification]))
    aws.s3().put_object(Bucket=BUCKET, Key=arrival.key, Body=picture())

    shop.consumes(sqs_event(emptied(queue)))

    assert [(each["state"], each["why"]) for each in seen(shop)] == [("READY", None)]


def test_the_test_event_of_s3_is_taken_and_changes_nothing(shop: Shop, switched_on: str) -> None:
    assert json.loads(switched_on)["Event"] == "s3:TestEvent"

    assert shop.consumes(sqs_event([switched_on])) == []
    assert shop.failures == []


def test_a_picture_of_an_unknown_product_fails_and_makes_no_product(shop: Shop, uploads: Uploads) -> None:
    notification = uploads.upload(picture()).notification
    aws.dynamodb().delete_item(TableName="ProductsTable", Key={"productId": {"S": "bag"}})

    assert shop.consumes(sqs_event([notification])) == []

    assert emptied(dlq()) == [notification]
    assert shop.products == []
    (failure,) = shop.failures
    assert (failure["consumer"], failure["eventId"], failure["cause"]["exception"]) == (
        "catalog-images",
        "message-0",
        "Permanent",
    )


def test_what_is_no_notification_fails_and_its_neighbours_do_not(shop: Shop, uploads: Uploads) -> None:
    notification = uploads.upload(picture()).notification

    assert shop.consumes(sqs_event(["nonsense", notification, '{"Records": []}'])) == []

    assert emptied(dlq()) == ["nonsense", '{"Records": []}']
    assert seen(shop)[0]["state"] == "READY"
    assert {failure["cause"]["exception"] for failure in shop.failures} == {"InvalidEvent"}


def test_a_throttled_write_fails_and_succeeds_when_it_comes_again(shop: Shop, uploads: Uploads, wire: Wire) -> None:
    notification = uploads.upload(picture()).notification
    wire.refuses("UpdateItem", refused("ThrottlingException", "UpdateItem"), table="ProductsTable")

    assert shop.consumes(sqs_event([notification])) == ["message-0"]
    assert seen(shop)[0]["state"] == "WAITING"

    assert shop.consumes(sqs_event([notification], attempt=2)) == []
    assert seen(shop)[0]["state"] == "READY"
