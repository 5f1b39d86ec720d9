import json
from itertools import permutations
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloudretail import aws
from tests.support.invocations import sqs_event
from tests.unit.catalog.conftest import BUCKET, QUEUE, Shop


def later(notification: str, time: str) -> str:
    """The same notification of S3, as it would read had the object come at another time."""
    message: dict[str, Any] = json.loads(notification)
    message["Records"][0]["eventTime"] = time
    return json.dumps(message)


@pytest.fixture(autouse=True)
def bucket(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that tells a queue of new objects."""
    queue = aws.sqs().create_queue(QueueName=QUEUE)["QueueUrl"]
    monkeypatch.setenv("QUEUE_URL", queue)
    arn = aws.sqs().get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    aws.s3().put_bucket_notification_configuration(
        Bucket=BUCKET,
        NotificationConfiguration={"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]},
    )


@pytest.fixture
def recorded(shop: Shop) -> list[str]:
    """What S3 said of three pictures, a second apart."""
    shop.has("bag")
    shop.uploads("products/bag/c.webp")
    shop.uploads("products/bag/b.webp")
    shop.uploads("products/bag/a.webp")
    notifications = shop.notifications()[-3:]
    keys = [json.loads(each)["Records"][0]["s3"]["object"]["key"] for each in notifications]
    assert [key.rsplit("%2F")[-1] for key in keys] == ["c.webp", "b.webp", "a.webp"]
    return [later(each, f"2026-01-01T00:00:0{n}.000Z") for n, each in enumerate(notifications)]


def shown(shop: Shop) -> str | None:
    (product,) = shop.products
    key: str | None = product.get("imageKey")
    return key


def test_a_picture_that_has_arrived_is_shown(shop: Shop, recorded: list[str]) -> None:
    assert shop.hears(sqs_event(recorded[:1])) == []

    assert shown(shop) == "products/bag/c.webp"
    assert "products/bag/c.webp" in shop.get("/products/bag").body["imageUrl"]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_the_newest_picture_is_shown_whatever_is_heard_of_first_and_however_often(
    shop: Shop, recorded: list[str], order: tuple[int, ...]
) -> None:
    for n in (*order, *order):
        assert shop.hears(sqs_event([recorded[n]])) == []
        assert shop.hears(sqs_event([recorded[n]])) == []

    assert shown(shop) == "products/bag/a.webp"


def test_hearing_of_a_picture_twice_writes_once(shop: Shop, recorded: list[str]) -> None:
    shop.hears(sqs_event(recorded))
    before = shop.products

    shop.hears(sqs_event(recorded))

    assert shop.products == before


def test_the_test_event_of_s3_is_taken_and_changes_nothing(shop: Shop) -> None:
    # S3 sends it when notifications are switched on, as they were for the bucket of this test.
    (message,) = shop.notifications()
    assert json.loads(message)["Event"] == "s3:TestEvent"

    assert shop.hears(sqs_event([message])) == []
    assert shop.failures == []


def test_a_picture_of_an_unknown_product_fails_and_makes_no_product(shop: Shop, recorded: list[str]) -> None:
    aws.dynamodb().delete_item(TableName="ProductsTable", Key={"productId": {"S": "bag"}})

    assert shop.hears(sqs_event(recorded[:1])) == ["message-0"]

    assert shop.products == []
    (failure,) = shop.failures
    assert (failure["consumer"], failure["eventId"], failure["exception"]) == (
        "catalog-images",
        "message-0",
        "Permanent",
    )
    assert failure["body"] == recorded[0]


def test_what_is_no_notification_fails_and_its_neighbours_do_not(shop: Shop, recorded: list[str]) -> None:
    assert shop.hears(sqs_event(["nonsense", recorded[0], '{"Records": []}'])) == ["message-0", "message-2"]

    assert shown(shop) == "products/bag/c.webp"
    assert {failure["exception"] for failure in shop.failures} == {"InvalidEvent"}


def test_a_throttled_write_fails_and_succeeds_when_it_comes_again(
    shop: Shop, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = aws.dynamodb()
    update_item = client.update_item

    def throttled(**parameters: Any) -> Any:
        if parameters["TableName"] == "ProductsTable":
            response: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
            raise ClientError(response, "UpdateItem")
        return update_item(**parameters)

    with monkeypatch.context() as patch:
        patch.setattr(client, "update_item", throttled)
        assert shop.hears(sqs_event(recorded[:1])) == ["message-0"]
    assert shown(shop) is None

    assert shop.hears(sqs_event(recorded[:1], attempt=2)) == []
    assert shown(shop) == "products/bag/c.webp"
