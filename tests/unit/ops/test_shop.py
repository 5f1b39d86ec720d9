import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from retail_ops.commands.local import description
from retail_ops.errors import NoShop
from retail_ops.stack.shop import LOCAL_REGION, QUEUE, TABLE, Shop, local_session, read_stack

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


def test_a_restored_table_stands_for_the_one_that_the_stack_does_not_make(session: boto3.Session) -> None:
    restored = {**TEMPLATE, "Parameters": {"OrdersTableName": {"Type": "String", "Default": ""}}}
    session.client("cloudformation").create_stack(
        StackName="restored",
        TemplateBody=json.dumps(restored),
        Parameters=[{"ParameterKey": "OrdersTableName", "ParameterValue": "orders-restored"}],
    )
    assert read_stack("restored", session).tables["OrdersTable"] == "orders-restored"


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


def test_a_local_session_asks_no_proxy_and_knows_nothing_of_the_users_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile work]\nregion = eu-west-1\nendpoint_url = http://elsewhere.example\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "work")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with emulator() as address:
        client = local_session("SHOPKEY").client("sqs", endpoint_url=address)
        assert client.meta.region_name == LOCAL_REGION
        assert client.list_queues()["QueueUrls"] == []
        monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
        local_session("SHOPKEY").client("sqs", endpoint_url=address).list_queues()


class _NoQueues(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"QueueUrls": []}')

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def emulator() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _NoQueues) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
