"""What holds for every test, and one shop on the emulator, with IAM enforced, for all tests of a process."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.stack.shop import PROJECT, Shop
from tests.support.shoppers import Person, Shopper, new_shopper

# What the environment of every function says; it has to before any of them is imported.
os.environ["POWERTOOLS_METRICS_NAMESPACE"] = "CloudRetail"
os.environ["STAGE"] = "local"

# How long one example takes says more about the machine than about the code.
settings.register_profile("shop", deadline=None)
settings.load_profile("shop")


@pytest.fixture(scope="session")
def build_dir(worker_id: str) -> Path:
    """Where a shop of the tests is built: it is kept between runs, and tests that run side by side have one each."""
    return PROJECT / ".aws-sam" / f"tests-{worker_id}"


class NewShop(Protocol):
    """Makes a shop that has not been started yet, on ports of its own."""

    def __call__(
        self,
        stack: str,
        *,
        parameters: Mapping[str, str] | None = None,
        transaction_seconds: float = 0,
        counted: bool = False,
    ) -> LocalShop:
        """Arguments as of LocalShop."""
        ...


@pytest.fixture(scope="session")
def new_shop(tmp_path_factory: pytest.TempPathFactory, build_dir: Path) -> NewShop:
    """For a test that needs another shop than the one of all."""

    def make(
        stack: str,
        *,
        parameters: Mapping[str, str] | None = None,
        transaction_seconds: float = 0,
        counted: bool = False,
    ) -> LocalShop:
        return LocalShop(
            tmp_path_factory.mktemp(stack),
            port=free_port(),
            storefront_port=free_port(),
            stack=stack,
            parameters=parameters,
            build_dir=build_dir,
            transaction_seconds=transaction_seconds,
            counted=counted,
        )

    return make


@pytest.fixture(scope="session")
def local_shop(new_shop: NewShop) -> Iterator[LocalShop]:
    """The emulator, the deployed template and the storefront server."""
    # A deletion waits as long as a token lives, and no test does.
    with new_shop("tests", parameters={"TokenSeconds": "1"}) as local:
        yield local


@pytest.fixture(scope="session")
def shop(local_shop: LocalShop) -> Shop:
    """The running shop's resources."""
    return local_shop.read()


@pytest.fixture(scope="session")
def operator(shop: Shop) -> Person:
    """Somebody of the group operators."""
    return new_shopper(shop, "operators")


@pytest.fixture
def shopper(shop: Shop) -> Shopper:
    """Somebody new."""
    return new_shopper(shop)
