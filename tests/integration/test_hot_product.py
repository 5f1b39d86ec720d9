"""A hot product while DynamoDB raises the conflicts that it raises on AWS: none oversold, none lost, each answered."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from retail_ops.local.local_shop import LocalShop
from retail_ops.local.processes import free_port
from retail_ops.stack.shop import Shop
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper

PIECES, SHOPPERS = 6, 10


@pytest.fixture(scope="module")
def conflicting(tmp_path_factory: pytest.TempPathFactory, build_dir: Path) -> Iterator[LocalShop]:
    with LocalShop(
        tmp_path_factory.mktemp("conflicting"),
        port=free_port(),
        storefront_port=free_port(),
        stack="conflicting",
        build_dir=build_dir,
        transaction_seconds=0.1,
    ) as local:
        yield local


def test_ten_shoppers_want_six_pieces_at_once_and_six_get_one_each(conflicting: LocalShop) -> None:
    shop: Shop = conflicting.read()
    operator: Person = new_shopper(shop, "operators")
    product = new_product(operator, stock=PIECES)
    shoppers = [new_shopper(shop) for _ in range(SHOPPERS)]

    def order(shopper: Shopper) -> str:
        shopper.put(product)
        answer = shopper.check_out(method="COD")
        if answer.status_code != 202:
            assert answer.json()["type"] == "urn:cloudretail:problem:insufficient-stock", answer.text
            return "REFUSED"
        order_id = answer.json()["orderId"]
        over = ("CONFIRMED", "REJECTED")
        return str(eventually(lambda: shopper.ok("GET", f"/orders/{order_id}")["status"], over.__contains__))

    with ThreadPoolExecutor(SHOPPERS) as pool:
        ended = Counter(pool.map(order, shoppers))
    assert ended["CONFIRMED"] == PIECES, ended
    assert ended["REJECTED"] + ended["REFUSED"] == SHOPPERS - PIECES
    eventually(lambda: counters(shop, product), (0, 0, PIECES).__eq__)
    # The conflicts were there.
    assert "TransactionConflict" in (conflicting.logs / "emulator.log").read_text()
