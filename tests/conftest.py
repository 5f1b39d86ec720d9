"""What holds for every test, and one shop on the emulator, with IAM enforced, for all tests of a process."""

import os
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session")
def local_shop(tmp_path_factory: pytest.TempPathFactory, build_dir: Path) -> Iterator[LocalShop]:
    """The emulator, the deployed template and the storefront server."""
    folder: Path = tmp_path_factory.mktemp("shop")
    with LocalShop(folder, port=free_port(), storefront_port=free_port(), stack="tests", build_dir=build_dir) as local:
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
