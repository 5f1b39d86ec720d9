"""Every function in a container like Lambda's own, on the data of a running shop."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from retail_ops.errors import OpsError
from retail_ops.local import containers, lambda_image, sam
from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.progress import Silent
from retail_ops.recording.samples import Sample, in_own_pool, load, put_rows, rows_of
from retail_ops.stack.catalogue import Product
from retail_ops.stack.shop import LOCAL_REGION, PROJECT, Shop
from retail_ops.stack.template import Template
from tests.support.containers import NoEngine, container_engine, reachable
from tests.support.shoppers import Person, Shopper, eventually, new_shopper

pytestmark = pytest.mark.proof

SAMPLES = load()
FUNCTIONS = sorted(Template.load().functions)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, local_shop: LocalShop) -> Iterator[None]:
    """A container engine with the runtime's image, whose containers reach the shop."""
    try:
        with container_engine(tmp_path_factory.mktemp("docker")), reachable(local_shop.port):
            client = containers.engine()
            try:
                containers.require_image(client)
            except OpsError:
                lambda_image.build(client)
            yield
    except NoEngine as reason:
        pytest.skip(f"No function is run in a container: {reason}.")


@pytest.fixture(scope="module")
def built(engine: None, local_shop: LocalShop) -> dict[str, str]:
    """What `sam local` takes is up to date; returns the environment for SAM."""
    environment = containers.environment_of(local_shop)
    containers.build(environment, Silent())
    return environment


@dataclass(frozen=True)
class SamLocal:
    """A `sam local start-...` that runs; `process` is its own, `url` where it answers."""

    process: subprocess.Popen[bytes]
    url: str


@contextmanager
def sam_local(command: str, built: dict[str, str], local_shop: LocalShop) -> Iterator[SamLocal]:
    port = free_port()
    variables = str(local_shop.state_dir / "env.json")
    log = local_shop.logs / f"sam-local-{command}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*sam.SAM, "local", command, "--env-vars", variables, "--port", str(port)],
            cwd=PROJECT,
            env=built,
            stdout=said,
            stderr=said,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: _answers(url) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield SamLocal(process, url)
    finally:
        process.send_signal(signal.SIGTERM)  # It removes its containers then.
        process.wait(60)


@pytest.fixture(scope="module")
def started(built: dict[str, str], local_shop: LocalShop) -> Iterator[SamLocal]:
    with sam_local("start-lambda", built, local_shop) as started:
        yield started


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def _sample(function: str) -> Sample:
    """The first that is accepted."""
    return next(sample for sample in SAMPLES if sample.function == function and not sample.is_bad)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_in_a_container(started: SamLocal, shop: Shop, catalogue: list[Product], function: str) -> None:
    sample = _sample(function)
    payload = in_own_pool(shop, json.dumps(sample.event))
    put_rows(shop, payload)
    for table, item in rows_of(payload):
        if table == "CartTable":  # Another function's sample may have changed it.
            shop.dynamodb.put_item(TableName=shop.tables[table], Item=item)
    client = boto3.client(
        "lambda",
        endpoint_url=started.url,
        region_name=LOCAL_REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
    )

    def answer() -> Any:
        return json.loads(client.invoke(FunctionName=function, Payload=payload)["Payload"].read() or b"null")

    # On a busy machine a container's start alone can take longer than a function may.
    said = eventually(lambda: _or_timeout(answer), lambda seen: seen != "timeout")
    match sample.answer:
        case int(status):
            assert said["statusCode"] == status, said
        case None if "triggerSource" in sample.event:
            assert said["response"] != sample.event["response"], said
        case None:
            assert said is None
        case _:
            assert said == {"batchItemFailures": []}


def _or_timeout(call: Any) -> Any:
    try:
        return call()
    except ValueError:  # SAM says it in plain text.
        return "timeout"


def test_the_api_runs_in_containers(built: dict[str, str], local_shop: LocalShop, catalogue: list[Product]) -> None:
    account = new_shopper(local_shop.read())
    with sam_local("start-api", built, local_shop) as started:
        shop = replace(account.shop, outputs={**account.shop.outputs, "ApiUrl": f"{started.url}/api"})
        stranger, shopper = Person(shop), Shopper(shop, account.token)

        assert stranger.ok("GET", f"/products/{catalogue[0].id}")["productId"] == catalogue[0].id
        assert stranger.call("GET", "/cart").status_code == 401
        order = shopper.order(catalogue[0].id, method="COD")
        shopper.sees(order, "CONFIRMED")


def test_a_function_is_invoked_with_a_sample(
    engine: None, local_shop: LocalShop, shop: Shop, catalogue: list[Product]
) -> None:
    sample = next(sample for sample in SAMPLES if sample.name == "catalog-api/get-product")
    answer = containers.invoke(local_shop, sample.function, json.dumps(sample.event), Silent()).answer
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["productId"] == "canvas-backpack"
