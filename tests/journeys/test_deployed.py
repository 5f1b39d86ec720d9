"""A shop that was just deployed sells: journeys through its API alone, as the pipeline sends them to the staging stage.

    make journeys STACK=cloudretail-staging
    make journeys STACK=local                 the shop that `make up` has started
    make prove PART=journeys                  a shop of its own

Accounts are made for the journey and deleted after it. Their addresses are those of SES' mailbox simulator, which takes
every mail and counts against no reputation. They are confirmed by an administrator, as nobody reads that mailbox.
Source: SES developer guide, "Using the mailbox simulator".
"""

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from retail_ops.commands.target import find_shop
from retail_ops.local.local_shop import LocalShop
from retail_ops.stack.shop import Shop
from tests.conftest import NewShop
from tests.support.shoppers import ADDRESS, Person, Shopper, eventually, new_product, new_shopper, unique

pytestmark = pytest.mark.proof

STACK = os.environ.get("CLOUDRETAIL_STACK", "")


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The stack that was named; a shop of its own where none was."""
    if STACK:
        yield LocalShop.found().read() if STACK == "local" else find_shop(STACK)
        return
    make: NewShop = request.getfixturevalue("new_shop")
    with make("staging") as local:
        new_product(new_shopper(local.read(), "operators"), stock=5)
        yield local.read()


@pytest.fixture(scope="module")
def sign_up(shop: Shop) -> Iterator[Callable[[], Shopper]]:
    """Registers somebody, who is gone after the journeys."""
    pool, made = shop.output("UserPoolId"), list[str]()

    def register() -> Shopper:
        email, password = f"success+{unique('journey')}@simulator.amazonses.com", f"Journey-{secrets.token_hex(8)}"
        Person(shop).ok("POST", "/auth/register", {"email": email})
        made.append(email)
        shop.cognito.admin_confirm_sign_up(UserPoolId=pool, Username=email)
        verified = [{"Name": "email_verified", "Value": "true"}]
        shop.cognito.admin_update_user_attributes(UserPoolId=pool, Username=email, UserAttributes=verified)  # type: ignore[arg-type]
        shop.cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=password, Permanent=True)
        answer = Person(shop).ok("POST", "/auth/login", {"email": email, "password": password})
        return Shopper(shop, answer["idToken"], email, password)

    yield register
    for email in made:
        shop.cognito.admin_delete_user(UserPoolId=pool, Username=email)


@pytest.fixture(scope="module")
def shopper(sign_up: Callable[[], Shopper]) -> Shopper:
    return sign_up()


@pytest.fixture
def product(shop: Shop) -> str:
    """Something that the shop has in stock."""
    for each in Person(shop).ok("GET", "/products")["items"]:
        if available(shop, each["productId"]) > 0:
            return str(each["productId"])
    pytest.fail("nothing is in stock: fill the stage with `cloudretail seed`")


def available(shop: Shop, product: str) -> int:
    """How many pieces there are; none where stock of it never came in."""
    answer = Person(shop).call("GET", f"/inventory/{product}")
    if answer.status_code == 404:
        return 0
    assert answer.is_success, answer.text
    return int(answer.json()["available"])


def checkout(shopper: Shopper, product: str, *, more: int = 0) -> Any:
    """Order one piece for cash, with the total that the shop has said, or with `more` than that."""
    cart = shopper.put(product)
    subtotal = cart["total"]["amount"]
    found = shopper.ok("GET", f"/shipping?country={ADDRESS['country']}&subtotal={subtotal}")["destination"]
    assert found, f"the shop does not ship to {ADDRESS['country']}: `cloudretail rates put`"
    method = found["options"][0]
    body = {
        "shippingAddress": ADDRESS,
        "shippingMethod": method["methodId"],
        "total": cart["total"] | {"amount": subtotal + method["price"]["amount"] + more},
        "cartVersion": cart["version"],
        "paymentMethod": "COD",
    }
    return shopper.call("POST", "/orders", body, Idempotency_Key=unique("journey"))


def test_what_is_bought_for_cash_is_confirmed_and_can_be_called_off_again(
    shop: Shop, shopper: Shopper, product: str
) -> None:
    before = available(shop, product)
    answer = checkout(shopper, product)
    assert answer.status_code == 202, answer.text
    order_id = answer.json()["orderId"]
    confirmed = shopper.sees(order_id, "CONFIRMED")
    assert [entry["event"] for entry in confirmed["story"]][:3] == [
        "OrderPlaced", "InventoryReserved", "PaymentSucceeded",
    ]  # fmt: skip
    assert available(shop, product) == before - 1
    shopper.ok("POST", f"/orders/{order_id}/cancel")
    shopper.sees(order_id, "CANCELLED")
    eventually(lambda: available(shop, product), lambda left: left == before)


def test_another_total_than_the_shops_is_refused_and_orders_nothing(shopper: Shopper, product: str) -> None:
    before = len(shopper.ok("GET", "/orders")["items"])
    assert checkout(shopper, product, more=1).status_code == 409
    assert len(shopper.ok("GET", "/orders")["items"]) == before


def test_somebody_elses_order_is_not_there(sign_up: Callable[[], Shopper], shopper: Shopper, product: str) -> None:
    order_id = checkout(shopper, product).json()["orderId"]
    assert sign_up().call("GET", f"/orders/{order_id}").status_code == 404
    shopper.sees(order_id, "CONFIRMED")
    shopper.ok("POST", f"/orders/{order_id}/cancel")
    shopper.sees(order_id, "CANCELLED")


def test_who_is_not_signed_in_has_no_orders_and_no_way_to_staff(shop: Shop, shopper: Shopper) -> None:
    assert Person(shop).call("GET", "/orders").status_code == 401
    assert shopper.call("GET", "/admin/orders").status_code == 403
