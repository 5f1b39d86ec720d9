import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from retail_ops.commands.local import description
from retail_ops.errors import NoShop
from retail_ops.shop import QUEUE, TABLE, Shop, read_stack

TEMPLATE = {
    "Resources": {
        "OrdersQueue": {"Type": "AWS::SQS::Queue"},
        "OrdersTable": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "orderId", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "orderId", "KeyType": "HASH"}],
            },
        },
        "EventBus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "the-bus"}},
    },
    "Outputs": {
        "ApiUrl": {"Value": "https://api.example/api"},
        "StorefrontUrl": {"Value": "https://shop.example"},
        "EventBusName": {"Value": {"Fn::GetAtt": ["EventBus", "Name"]}},
    },
}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield boto3.Session(aws_access_key_id="k", aws_secret_access_key="s", region_name="ap-southeast-1")


@pytest.fixture
def shop(session: boto3.Session) -> Shop:
    session.client("cloudformation").create_stack(StackName="cloudretail-prod", TemplateBody=json.dumps(TEMPLATE))
    return read_stack("cloudretail-prod", session)


def test_resources_are_found_by_their_logical_ids(shop: Shop) -> None:
    assert shop.sqs.get_queue_attributes(QueueUrl=shop.queues["OrdersQueue"], AttributeNames=["QueueArn"])
    assert shop.dynamodb.describe_table(TableName=shop.tables["OrdersTable"])
    assert shop.resource(TABLE, "OrdersTable") == shop.tables["OrdersTable"]


def test_a_resource_that_is_not_there_is_answered_with_those_that_are(shop: Shop) -> None:
    with pytest.raises(NoShop, match=r"no AWS::SQS::Queue CartQueue; it has: OrdersQueue\."):
        shop.resource(QUEUE, "CartQueue")


def test_a_stack_without_a_shops_outputs_is_not_taken_for_one(shop: Shop) -> None:
    with pytest.raises(NoShop, match="no output UserPoolId"):
        shop.output("UserPoolId")


def test_an_unknown_stack_is_a_sentence(session: boto3.Session) -> None:
    with pytest.raises(NoShop, match="There is no stack nowhere in ap-southeast-1"):
        read_stack("nowhere", session)


def test_without_a_region_it_says_how_to_choose_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(NoShop, match="Set AWS_REGION"):
        read_stack("cloudretail", boto3.Session())


def test_the_status_of_a_deployed_shop_has_all_that_programs_look_for(shop: Shop) -> None:
    assert description(shop) == {
        "storefrontUrl": "https://shop.example",
        "apiUrl": "https://api.example/api",
        "awsEndpointUrl": None,
        "stackName": "cloudretail-prod",
        "region": "ap-southeast-1",
        "eventBus": "the-bus",
        "functions": {},
        "queues": dict(shop.queues),
        "tables": dict(shop.tables),
        "outputs": {
            "ApiUrl": "https://api.example/api",
            "StorefrontUrl": "https://shop.example",
            "EventBusName": "the-bus",
        },
    }
