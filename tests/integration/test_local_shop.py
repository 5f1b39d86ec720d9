"""The local shop itself, tried with a stack of one function, beside the shop that the other tests share."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retail_ops.errors import ColdFunction, DeployFailed, NoShop
from retail_ops.local.local_shop import LocalShop, State
from retail_ops.local.processes import free_port, require_free
from retail_ops.stack.logs import Reader

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Greeter:
    Type: AWS::Serverless::Function
    Properties: {Runtime: python3.13, CodeUri: code/, Handler: greeter.handler, Timeout: 10}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: !Ref AWS::StackName, ProtocolType: HTTP}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: $default, AutoDeploy: true}
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt Greeter.Arn
      PayloadFormatVersion: '2.0'
  Route:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: GET /api/greeting, Target: !Sub 'integrations/${Integration}'}
  Permission:
    Type: AWS::Lambda::Permission
    Properties: {Action: lambda:InvokeFunction, FunctionName: !Ref Greeter, Principal: apigateway.amazonaws.com}
  EventBus:
    Type: AWS::Events::EventBus
    Properties: {Name: !Ref AWS::StackName}
Outputs:
  EventBusName: {Value: !Ref EventBus}
  DistributionDomain: {Value: none.cloudfront.net}
  ShopName: {Value: Greetings}
  ShopAddress: {Value: 1 Market Street}
  ContactAddress: {Value: hello@cloudretail.example}
  ReturnAddress: {Value: 1 Market Street}
  ReturnDays: {Value: '30'}
  ApiUrl: {Value: !Sub 'http://127.0.0.1:PORT/_aws/execute-api/${Api}/$default/api'}
"""

IMPOSSIBLE = """\
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt EventBus.Shoe, FunctionName: !Ref Greeter}
"""


class SmallShop:
    """A shop that says hello, and whose code and template can be changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.joinpath("code").mkdir()
        port = free_port()
        self.template(TEMPLATE.replace("PORT", str(port)))
        self.says("hello")
        self.local = LocalShop(
            folder / "state",
            port=port,
            storefront_port=free_port(),
            stack="small",
            template=folder / "template.yaml",
        )

    def template(self, text: str) -> str:
        """Replace the template; returns the one before."""
        file = self._folder / "template.yaml"
        before = file.read_text() if file.exists() else ""
        file.write_text(text)
        return before

    def says(self, word: str) -> None:
        self.code(f"""
def handler(event, context):
    print("saying {word}")
    return {{"statusCode": 200, "body": "{word}"}}
""")

    def code(self, text: str) -> None:
        self._folder.joinpath("code", "greeter.py").write_text(text)

    def answer(self) -> str:
        return httpx.get(f"{self.local.storefront_url}/api/greeting", trust_env=False, timeout=30).text

    @property
    def state(self) -> State | None:
        return State.read(self._folder / "state" / "shop.json")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallShop]:
    small = SmallShop(tmp_path_factory.mktemp("small"))
    with small.local:
        yield small


def test_shops_stand_side_by_side(small: SmallShop, local_shop: LocalShop) -> None:
    assert small.answer() == "hello"
    assert httpx.get(f"{local_shop.storefront_url}/api/products", trust_env=False, timeout=30).is_success
    assert small.local.read().functions.keys() == {"Greeter"}
    assert "OrdersApi" in local_shop.read().functions


def test_starting_it_again_changes_nothing(small: SmallShop) -> None:
    before, shop = small.state, small.local.read()
    assert small.local.start() == shop
    assert small.state == before


def test_changed_code_is_deployed_by_starting_it_again(small: SmallShop) -> None:
    small.says("good evening")
    small.local.start()
    assert small.answer() == "good evening"


def test_what_a_function_wrote_can_be_read(small: SmallShop) -> None:
    small.says("written down")
    small.local.start()
    small.answer()
    reader = Reader(small.local.read(), ["Greeter"], since=0)
    assert "saying written down" in [line.message.strip() for line in reader.read() if line.of_interest]


def test_a_function_that_cannot_be_imported_is_named_with_the_place_and_the_reason(small: SmallShop) -> None:
    small.code("import no_such_module\n")
    with pytest.raises(ColdFunction) as failure:
        small.local.start()
    place = ["  greeter.py:1", "      import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"]
    assert failure.value.detail.splitlines() == ["Greeter: Worker init failed:", *place]
    reader = Reader(small.local.read(), ["Greeter"], since=0)
    written = [line.message for line in reader.read() if line.of_interest]
    first = written.index("[ERROR] Worker init failed:")
    assert written[first + 1 : first + 4] == place
    small.says("well again")
    small.local.start()
    assert small.answer() == "well again"


def test_a_deployment_that_fails_names_the_resource_and_its_reason(small: SmallShop) -> None:
    sound = small.template(TEMPLATE.replace("Outputs:", f"{IMPOSSIBLE}Outputs:"))
    with pytest.raises(DeployFailed) as failure:
        small.local.start()
    small.template(sound)
    assert failure.value.detail.startswith("Mapping (AWS::Lambda::EventSourceMapping): ")
    assert "Shoe" in failure.value.detail


def test_once_stopped_nothing_of_it_is_left(small: SmallShop) -> None:
    assert small.local.stop()
    require_free(small.local.port, "--port")
    require_free(small.local.storefront_port, "--storefront-port")
    with pytest.raises(NoShop):
        small.local.read()
    assert not small.local.stop()
