"""What an account may hold at a time: open orders, pieces, and what is due in cash."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

import pytest

from cloudretail import aws
from cloudretail.decider import Change, Context
from cloudretail.errors import Conflict, LostRace
from cloudretail.settings import load
from contract.values import CodRefusal, OrderStatus, PaymentMethod
from orders.domain import (
    Account,
    Basket,
    Cart,
    CartLine,
    Held,
    HoldingLimits,
    Listed,
    Order,
    PlaceOrder,
    Shopper,
    place,
)
from orders.store import CheckoutSettings, CheckoutStore, DynamoDBOrders
from tests.support.examples import CAUSE, NOW, sgd
from tests.support.rates import FREE
from tests.support.turns import calls_take_turns
from tests.unit.orders.conftest import ADDRESS, Shop

LIMITS = HoldingLimits(orders=3, pieces=10, cash=10_000)


def ordered(account: Account, *, pieces: int = 1, price: int = 1000, method: str | None = None) -> Order:
    """One product, so many pieces of it."""
    line = CartLine(product_id="bag", quantity=pieces, unit_price=sgd(price))
    basket = Basket(
        Cart(items=(line,), version=1),
        {"bag": Listed(product_id="bag", name="Bag", price=sgd(price))},
        {"bag": 1000},
    )
    total = {"amount": pieces * price, "currency": "SGD"}
    known = {"shippingAddress": ADDRESS, "shippingMethod": "standard", "total": total, "cartVersion": 1}
    command = PlaceOrder.model_validate({**known, "paymentMethod": method})
    return place(
        command, basket, account, FREE, Shopper("user-1", "a@shop.example"), Context("ord_9", "request", NOW)
    ).state


def holding(*held: Held) -> Account:
    return Account({f"ord_{number}": each for number, each in enumerate(held)}, LIMITS)


def refusal(account: Account, **order: Any) -> Conflict:
    with pytest.raises(Conflict) as refused:
        ordered(account, **order)
    return refused.value


def test_an_account_holds_so_many_open_orders_and_is_told_how_to_get_on() -> None:
    one = Held(pieces=1, cash=0)
    assert ordered(holding(one, one))
    refused = refusal(holding(one, one, one))
    assert (refused.type, refused.extra) == ("too-many-open-orders", {"limit": 3})
    assert "3 open orders" in refused.detail
    assert "pay or cancel" in refused.detail


def test_an_account_holds_so_many_pieces() -> None:
    account = holding(Held(pieces=8, cash=0))
    assert ordered(account, pieces=2)
    refused = refusal(account, pieces=3)
    assert (refused.type, refused.extra) == ("too-many-open-pieces", {"limit": 10, "held": 8})


def test_cash_beyond_the_limit_is_refused_at_checkout_and_the_same_order_by_card_is_not() -> None:
    account = holding(Held(pieces=1, cash=9_500))
    refused = refusal(account, method="COD")
    assert (refused.type, refused.extra["codRefusal"]) == ("cod-refused", "TOO_MUCH_OPEN")
    by_card = ordered(account)
    assert by_card.cod_refusal is CodRefusal.TOO_MUCH_OPEN
    assert by_card.held == Held(pieces=1, cash=0)


def test_an_order_whose_method_is_open_counts_as_cash_as_long_as_it_may_become_it() -> None:
    undecided = ordered(holding(), pieces=6)
    assert undecided.cod_refusal is None
    assert undecided.held == Held(pieces=6, cash=6000)
    assert ordered(holding(undecided.held), pieces=4, method="COD").cod_refusal is None
    assert refusal(holding(undecided.held), price=4001, method="COD").type == "cod-refused"


@pytest.mark.parametrize(
    ("status", "method", "open_"),
    [
        (OrderStatus.PENDING, None, True),
        (OrderStatus.RESERVED, None, True),
        (OrderStatus.CONFIRMED, PaymentMethod.COD, True),
        (OrderStatus.CONFIRMED, PaymentMethod.CARD, False),
        (OrderStatus.REJECTED, None, False),
        (OrderStatus.CANCELLED, PaymentMethod.COD, False),
    ],
)
def test_an_order_is_held_until_it_is_paid_by_card_or_has_ended(
    status: OrderStatus, method: PaymentMethod | None, open_: bool
) -> None:
    order = ordered(holding()).model_copy(update={"status": status, "payment_method": method})
    assert (order.held is not None) is open_


# --- on DynamoDB ----------------------------------------------------------------------------------------------------


def held_by(shop: Shop, user: str = "user-1") -> set[str]:
    rows = [row for row in shop.rows("LimitsTable") if row["userId"] == user]
    return {name for row in rows for name, value in row.items() if isinstance(value, dict)}


def test_checkout_holds_the_order_and_its_end_lets_go_of_it(shop: Shop) -> None:
    first, second = shop.has_an_order("key-1"), shop.has_an_order("key-2")
    assert held_by(shop) == {first, second}
    assert shop.call("POST", f"/{first}/cancel").status == 202
    assert held_by(shop) == {second}


def test_a_repeated_end_takes_nothing_off_twice(shop: Shop) -> None:
    first, second = shop.has_an_order("key-1"), shop.has_an_order("key-2")
    for _ in range(3):
        assert shop.call("POST", f"/{first}/cancel").status == 202
    assert held_by(shop) == {second}
    (row,) = shop.rows("LimitsTable")
    assert row["version"] == 3


def test_an_order_that_its_account_forgot_ends_all_the_same(shop: Shop) -> None:
    order_id = shop.has_an_order()
    aws.dynamodb().delete_item(TableName="LimitsTable", Key={"userId": {"S": "user-1"}})
    assert shop.call("POST", f"/{order_id}/cancel").status == 202
    assert held_by(shop) == set()


def test_the_eleventh_open_order_is_refused_and_paying_or_cancelling_one_makes_room(shop: Shop) -> None:
    placed = [shop.has_an_order(f"key-{number}") for number in range(8)]
    shop.sells("bag", price=1)
    for number in range(8, 10):
        shop.fills_a_cart(("bag", 1), price=1)
        placed.append(str(shop.checks_out(f"key-{number}").body["orderId"]))
    shop.fills_a_cart(("bag", 1), price=1)
    with shop.unchanged():
        refused = shop.checks_out("key-11")
    assert (refused.status, refused.problem, refused.body["limit"]) == (409, "too-many-open-orders", 10)
    assert shop.call("POST", f"/{placed[0]}/cancel").status == 202
    assert shop.checks_out("key-11").status == 202


def test_who_repeats_the_request_of_the_last_order_that_had_room_gets_the_same_answer(shop: Shop) -> None:
    for number in range(10):
        shop.sells("bag", price=1)
        shop.fills_a_cart(("bag", 1), price=1)
        last = shop.checks_out(f"key-{number}")
    assert shop.checks_out("key-9").body == last.body


class OtherCart(CheckoutStore):
    """As if each checkout had a cart of its own: the account alone is between them."""

    def _emptied_cart(self, version: int, now: datetime) -> dict[str, object]:
        return {**super()._emptied_cart(version, now), "Key": {"userId": {"S": f"cart-{version}"}}}


def test_of_twenty_checkouts_at_once_none_slips_through(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        shop.fills_a_cart(("bag", 1), version=number, user=f"cart-{number}")
    calls_take_turns(monkeypatch)
    everybody_has_read = Barrier(20)

    def checks_out(number: int) -> str:
        store = OtherCart(load(CheckoutSettings), "user-1")
        account = store.look(f"ord_{number}").account
        change = Change(ordered(account).model_copy(update={"order_id": f"ord_{number}"}))
        everybody_has_read.wait(timeout=10)
        try:
            store.place(change, number, account, CAUSE, NOW)
        except LostRace:
            return "lost"
        return "placed"

    with ThreadPoolExecutor(20) as clicks:
        assert sorted(clicks.map(checks_out, range(20))) == ["lost"] * 19 + ["placed"]
    assert len(held_by(shop)) == len(shop.orders()) == 1


def test_an_end_and_a_checkout_at_once_leave_an_account_that_is_right(shop: Shop) -> None:
    first = shop.has_an_order("key-1")
    store = CheckoutStore(load(CheckoutSettings), "user-1")
    look = store.look("ord_2")
    cart, account = look.cart, look.account
    assert shop.call("POST", f"/{first}/cancel").status == 202
    order = ordered(account).model_copy(update={"order_id": "ord_2"})
    with pytest.raises(LostRace):
        store.place(Change(order), cart.version, account, CAUSE, NOW)
    assert held_by(shop) == set()


def test_a_payment_by_card_lets_go_and_cash_is_held_until_it_is_collected(shop: Shop) -> None:
    orders = DynamoDBOrders(load(CheckoutSettings))
    by_card, in_cash = shop.has_an_order("key-1"), shop.has_an_order("key-2")
    for order_id, method in ((by_card, PaymentMethod.CARD), (in_cash, PaymentMethod.COD)):
        row = orders.load(order_id)
        assert row
        paid = row.state.model_copy(update={"status": OrderStatus.CONFIRMED, "payment_method": method})
        orders.commit(order_id, row, Change(paid), CAUSE, NOW)
    assert held_by(shop) == {in_cash}
