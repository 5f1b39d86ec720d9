"""A hot product while DynamoDB raises the conflicts that it raises on AWS: none oversold, none lost, each answered."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop
from tests.conftest import NewShop
from tests.support.shoppers import Person, Shopper, counters, eventually, new_product, new_shopper

SHOPPERS = 10


@pytest.fixture(scope="module")
def conflicting(new_shop: NewShop) -> Iterator[LocalShop]:
    with new_shop("conflicting", transaction_seconds=0.4) as local:
        yield local
        # All orders of one test may come in one batch, which meets no other.
        assert "TransactionConflict" in (local.logs / "emulator.log").read_text(), "there was no conflict"


@pytest.mark.parametrize("pieces", [10, 6])
def test_of_ten_shoppers_at_once_as_many_get_a_piece_as_there_are(conflicting: LocalShop, pieces: int) -> None:
    shop: Shop = conflicting.read()
    operator: Person = new_shopper(shop, "operators")
    product = new_product(operator, stock=pieces)
    shoppers = [new_shopper(shop) for _ in range(SHOPPERS)]
    at_once = Barrier(SHOPPERS)

    def order(shopper: Shopper) -> str:
        shopper.put(product)
        at_once.wait(timeout=60)
        answer = shopper.check_out(method="COD")
        if answer.status_code != 202:
            assert answer.json()["type"] == "urn:cloudretail:problem:insufficient-stock", answer.text
            return "REFUSED"
        order_id = answer.json()["orderId"]
        over = ("CONFIRMED", "REJECTED")
        return str(eventually(lambda: shopper.ok("GET", f"/orders/{order_id}")["status"], over.__contains__))

    with ThreadPoolExecutor(SHOPPERS) as pool:
        ended = Counter(pool.map(order, shoppers))
    assert ended["CONFIRMED"] == pieces, ended
    assert ended["REJECTED"] + ended["REFUSED"] == SHOPPERS - pieces
    eventually(lambda: counters(shop, product), (0, 0, pieces).__eq__)
