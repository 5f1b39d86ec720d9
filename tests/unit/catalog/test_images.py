import json
from itertools import permutations
from typing import Any

import pytest

from cloudretail import aws
from tests.support.invocations import sqs_event
from tests.support.wire import Wire, refused
from tests.unit.catalog.conftest import BUCKET, QUEUE, Shop


def later(notification: str, time: str) -> str:
    """The same notification of S3, as it would read had the object come at another time."""
    message: dict[str, Any] = json.loads(notification)
    message["Records"][0]["eventTime"] = time
    return json.dumps(message)


@pytest.fixture(scope="module")
def switched_on(account: None) -> str:
    """A bucket that tells a queue of new objects, and what it told when that was switched on."""
    queue = aws.sqs().create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = aws.sqs().get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    aws.s3().put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
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


@pytest.fixture
def recorded(shop: Shop, queue: str) -> list[str]:
    """What S3 said of three pictures, a second apart."""
    shop.has("bag")
    notifications = []
    for name in ("c.webp", "b.webp", "a.webp"):
        aws.s3().put_object(Bucket=BUCKET, Key=f"products/bag/{name}", Body=b"picture")
        notifications += emptied(queue)
    return [later(each, f"2026-01-01T00:00:0{n}.000Z") for n, each in enumerate(notifications)]


def shown(shop: Shop) -> str | None:
    (product,) = shop.products
    key: str | None = product.get("imageKey")
    return key


def test_a_picture_that_has_arrived_is_shown(shop: Shop, recorded: list[str]) -> None:
    assert shop.consumes(sqs_event(recorded[:1])) == []

    assert shown(shop) == "products/bag/c.webp"
    assert "products/bag/c.webp" in shop.get("/products/bag").body["imageUrl"]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_newest_picture_is_shown_whatever_is_heard_of_first_and_however_often(
    shop: Shop, recorded: list[str], order: tuple[int, ...]
) -> None:
    for n in (*order, *order):
        assert shop.consumes(sqs_event([recorded[n]])) == []
        assert shop.consumes(sqs_event([recorded[n]])) == []

    assert shown(shop) == "products/bag/a.webp"


def test_hearing_of_a_picture_twice_writes_once(shop: Shop, recorded: list[str]) -> None:
    shop.consumes(sqs_event(recorded))
    before = shop.products

    shop.consumes(sqs_event(recorded))

    assert shop.products == before


def test_the_test_event_of_s3_is_taken_and_changes_nothing(shop: Shop, switched_on: str) -> None:
    assert json.loads(switched_on)["Event"] == "s3:TestEvent"

    assert shop.consumes(sqs_event([switched_on])) == []
    assert shop.failures == []


def test_a_picture_of_an_unknown_product_fails_and_makes_no_product(shop: Shop, recorded: list[str]) -> None:
    aws.dynamodb().delete_item(TableName="ProductsTable", Key={"productId": {"S": "bag"}})

    assert shop.consumes(sqs_event(recorded[:1])) == []

    assert emptied(dlq()) == recorded[:1]
    assert shop.products == []
    (failure,) = shop.failures
    assert (failure["consumer"], failure["eventId"], failure["cause"]["exception"]) == (
        "catalog-images",
        "message-0",
        "Permanent",
    )


def test_what_is_no_notification_fails_and_its_neighbours_do_not(shop: Shop, recorded: list[str]) -> None:
    assert shop.consumes(sqs_event(["nonsense", recorded[0], '{"Records": []}'])) == []

    assert emptied(dlq()) == ["nonsense", '{"Records": []}']
    assert shown(shop) == "products/bag/c.webp"
    assert {failure["cause"]["exception"] for failure in shop.failures} == {"InvalidEvent"}


def test_a_throttled_write_fails_and_succeeds_when_it_comes_again(shop: Shop, recorded: list[str], wire: Wire) -> None:
    wire.refuses("UpdateItem", refused("ThrottlingException", "UpdateItem"), table="ProductsTable")

    assert shop.consumes(sqs_event(recorded[:1])) == ["message-0"]
    assert shown(shop) is None

    assert shop.consumes(sqs_event(recorded[:1], attempt=2)) == []
    assert shown(shop) == "products/bag/c.webp"
