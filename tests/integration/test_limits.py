"""What somebody meets who wants too much of a shop that has the limits of AWS."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from retail_ops.local.local_shop import WIDE_LIMITS
from retail_ops.stack.shop import Shop
from retail_ops.stack.template import Template
from tests.conftest import NewShop
from tests.support.shoppers import PASSWORD, Person, Shopper, eventually, new_product, new_shopper, row, unique

STRICT = {name: str(Template.load().body["Parameters"][name]["Default"]) for name in WIDE_LIMITS}


@pytest.fixture(scope="module")
def strict_shop(new_shop: NewShop) -> Iterator[Shop]:
    with new_shop("strict", parameters=STRICT) as local:
        yield local.read()


@pytest.fixture(scope="module")
def strict_operator(strict_shop: Shop) -> Person:
    return new_shopper(strict_shop, "operators")


@pytest.fixture
def customer(strict_shop: Shop) -> Shopper:
    return new_shopper(strict_shop)


def post(shop: Shop, route: str, body: object, address: str = "203.0.113.9", **headers: str) -> httpx.Response:
    headers = {"X-Client-Address": address, **headers}
    return httpx.post(f"{shop.api_url}/auth/{route}", json=body, headers=headers, trust_env=False, timeout=30)


def held(shop: Shop, shopper: Shopper) -> set[str]:
    found = row(shop, "LimitsTable", userId=str(shopper.ok("GET", "/auth/me")["userId"]))
    return {name for name in found if name.startswith("ord_")}


def test_fifty_registrations_of_an_address_at_once_are_a_handful(strict_shop: Shop) -> None:
    post(strict_shop, "register", {"email": f"{unique('before')}@cloudretail.example"})
    email = f"{unique('flooded')}@cloudretail.example"
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: post(strict_shop, "register", {"email": email}), range(50)))
    statuses = Counter(answer.status_code for answer in answers)
    # A laptop that is busy may be too busy for one of them.
    assert not statuses.keys() - {201, 429, 503}, [each.text for each in answers]
    assert statuses[201] <= 5
    assert statuses[429] >= 40
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["limit"] == "registration"
    assert int(refused.headers["Retry-After"]) >= 1


def test_two_hundred_wrong_passwords_are_ten_and_the_owner_still_gets_in(strict_shop: Shop, customer: Shopper) -> None:
    wrong = {"email": customer.email, "password": f"{PASSWORD}-and-more"}
    statuses = Counter(post(strict_shop, "login", wrong).status_code for _ in range(200))
    assert statuses == {401: 10, 429: 190}
    right = {"email": customer.email, "password": PASSWORD}
    assert post(strict_shop, "login", right).status_code == 429
    answer = post(strict_shop, "login", right, address="198.51.100.7")
    assert answer.status_code == 200
    # Both cookies arrive: the session's and the device's, which has a count of its own.
    assert answer.cookies.keys() >= {"refresh", "device"}
    known = post(strict_shop, "login", right, Cookie=f"device={answer.cookies['device']}")
    assert known.status_code == 200


def test_an_account_holds_ten_open_orders_and_lets_go_of_those_that_end(
    strict_shop: Shop, strict_operator: Person, customer: Shopper
) -> None:
    product = new_product(strict_operator, stock=100, price=100)
    placed = [customer.order(product, method="COD") for _ in range(5)] + [customer.order(product) for _ in range(5)]
    version = customer.put(product)["version"]
    refused = customer.check_out(version=version)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "too-many-open-orders")
    assert held(strict_shop, customer) == set(placed)
    # By card an order is paid, and by cash it is not: it stays open.
    customer.sees(placed[0], "CONFIRMED")
    customer.sees(placed[9], "RESERVED")
    assert customer.pay(placed[9], "tok_visa").status_code == 202
    customer.ok("POST", f"/orders/{placed[1]}/cancel")
    eventually(lambda: held(strict_shop, customer) == {*placed} - {placed[1], placed[9]})
    assert customer.check_out(version=version).status_code == 202


def test_cash_beyond_the_limit_is_refused_by_both_doors_and_a_card_is_taken(
    strict_shop: Shop, strict_operator: Person, customer: Shopper
) -> None:
    dear = new_product(strict_operator, stock=10, price=60_000)
    assert customer.order(dear, method="COD")
    version = customer.put(dear)["version"]
    refused = customer.check_out(method="COD", version=version)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "cod-refused")
    order_id = customer.check_out(version=version).json()["orderId"]
    assert customer.sees(order_id, "RESERVED")["codRefusal"] == "TOO_MUCH_OPEN"
    assert customer.pay(order_id).json()["type"].rpartition(":")[2] == "cod-refused"
    assert customer.pay(order_id, "tok_visa").status_code == 202
    customer.sees(order_id, "CONFIRMED")


def test_the_tables_agree_afterwards(strict_operator: Person) -> None:
    started = strict_operator.ok("POST", "/ops/reconciliations", {"reason": "after all that"})
    path = f"/ops/reconciliations/{started['reconciliationId']}"
    eventually(lambda: strict_operator.ok("GET", path)["state"] == "DONE")
    assert strict_operator.ok("GET", f"{path}/violations")["items"] == []
