"""What a shopper asks of orders, over ports in memory: which answer a race leads to."""

from collections.abc import Callable

import pytest

from cart import domain as carts
from cart.store import CARTS
from cloudretail.decider import Change, Nothing
from cloudretail.errors import Conflict, InvalidInput, NotFound
from cloudretail.money import Money
from contract.values import Address
from orders.commands import cancel, check_out
from orders.domain import Cancel, Listed, PlaceOrder, Shopper
from tests.support.checkouts import InMemoryCheckouts, InMemoryOrders
from tests.support.examples import CAUSE, NOW
from tests.support.repositories import InMemoryRepository

PRICE = Money(amount=1990, currency="SGD")
ADDRESS = Address(name="A Shopper", line1="1 Main Street", city="Singapore", postal_code="049315", country="SG")
COMMAND = PlaceOrder(shipping_address=ADDRESS, shipping_method="standard", total=PRICE * 2, cart_version=1)
SHOPPER = Shopper("user-1", "shopper@cloudretail.example")


class Shop:
    """A shopper with a bag in the cart.

    Attributes:
        meanwhile: by point and key, what happens there, once.
        passed: every point and key so far.
    """

    def __init__(self) -> None:
        self.passed: list[tuple[str, str]] = []
        self.meanwhile: dict[tuple[str, str], Callable[[], object]] = {}
        self.orders = InMemoryOrders()
        self.carts: InMemoryRepository[carts.Cart] = InMemoryRepository(CARTS)
        line = carts.CartLine(product_id="bag", name="Bag", quantity=2, unit_price=PRICE)
        self.carts.commit("user-1", None, Change(carts.Cart(user_id="user-1", items=(line,), version=1)), CAUSE, NOW)

    def checks_out(self, order_id: str = "ord_1", command: PlaceOrder = COMMAND) -> str:
        bag = Listed(product_id="bag", name="Bag", price=PRICE)
        checkouts = InMemoryCheckouts(
            self.orders, self.carts, {"bag": bag}, lambda: {"bag": 9}, SHOPPER.user_id, self._pass
        )
        settled = check_out(checkouts, order_id, command, SHOPPER, CAUSE, NOW)
        assert settled.state
        assert settled.state.order_id == order_id
        return "repeated" if isinstance(settled.decision, Nothing) else "placed"

    def _pass(self, point: str, key: str) -> None:
        self.passed.append((point, key))
        if happens := self.meanwhile.pop((point, key), None):
            happens()


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize(
    "point",
    [("load", "ord_1"), ("load", "cart of user-1"), ("load", "basket of user-1"), ("commit", "ord_1")],
    ids=["before both reads", "between the reads", "after the reads", "before the write"],
)
def test_a_second_click_gets_the_order_of_the_first_wherever_the_first_overtakes_it(
    shop: Shop, point: tuple[str, str]
) -> None:
    shop.meanwhile[point] = shop.checks_out

    assert shop.checks_out() == "repeated"

    assert len(shop.orders.images) == 1
    assert shop.carts.items["user-1"]["items"] == []


def test_the_last_look_before_a_refusal_is_at_the_order_itself(shop: Shop) -> None:
    shop.checks_out("ord_2")
    shop.passed.clear()

    with pytest.raises(Conflict, match="cart-changed"):
        shop.checks_out()

    # With anything read behind it, the first click could place the order meanwhile, and the second would be refused.
    assert shop.passed[-1] == ("load", "ord_1")


@pytest.mark.parametrize("point", [("load", "cart of user-1"), ("load", "basket of user-1"), ("commit", "ord_1")])
def test_another_order_from_the_same_cart_in_between_is_a_changed_cart(shop: Shop, point: tuple[str, str]) -> None:
    shop.meanwhile[point] = lambda: shop.checks_out("ord_2")

    with pytest.raises(Conflict, match="cart-changed"):
        shop.checks_out()

    assert list(shop.orders.items) == ["ord_2"]


def test_another_command_with_the_same_id_is_refused_and_names_the_key(shop: Shop) -> None:
    shop.checks_out()

    with pytest.raises(InvalidInput, match="already placed") as refused:
        shop.checks_out(command=COMMAND.model_copy(update={"cart_version": 2}))

    assert (refused.value.type, refused.value.errors[0]["field"]) == ("idempotency-key-reused", "Idempotency-Key")


def test_an_order_is_cancelled_once_however_often_that_is_asked(shop: Shop) -> None:
    shop.checks_out()

    first, again = (cancel(shop.orders, "ord_1", Cancel(), CAUSE, NOW) for _ in range(2))

    assert isinstance(first.decision, Change)
    assert isinstance(again.decision, Nothing)
    assert first.state == again.state


def test_an_order_that_does_not_exist_cannot_be_cancelled(shop: Shop) -> None:
    with pytest.raises(NotFound):
        cancel(shop.orders, "ord_none", Cancel(), CAUSE, NOW)
