"""What checkout makes of a cart, and when it refuses."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudretail.decider import Change, Context
from cloudretail.errors import Conflict, InvalidInput
from cloudretail.money import Money
from contract.orders import OrderPlaced
from contract.values import CodRefusal, OrderItem, OrderStatus, PaymentMethod, ShippingCharge, Tax
from orders.domain import Basket, Cart, CartLine, Listed, Order, PlaceOrder, Shopper, order_id_of, place
from orders.rates import Method, Rates, TaxRate, Zone
from tests.support.checkouts import NOTHING_HELD
from tests.support.examples import NOW, sgd
from tests.support.rates import FREE, PHONE

ADDRESS = {"name": "A Shopper", "line1": "1 Main Street", "city": "Singapore", "postalCode": "049315"}
ADDRESS |= {"country": "SG", "phone": PHONE}
TOTAL = {"amount": 15430, "currency": "SGD"}
BAG = CartLine(product_id="bag", quantity=2, unit_price=sgd(5990))
LAMP = CartLine(product_id="lamp", quantity=1, unit_price=sgd(3450))
CART = Cart(items=(BAG, LAMP), version=7)
PRODUCTS = {
    "bag": Listed(product_id="bag", name="Bag", price=sgd(5990)),
    "lamp": Listed(product_id="lamp", name="Lamp", price=sgd(3450)),
}
PLENTY = {"bag": 10, "lamp": 10}


def checkout(**fields: Any) -> PlaceOrder:
    known = {"shippingAddress": ADDRESS, "shippingMethod": "standard", "total": TOTAL, "cartVersion": 7}
    return PlaceOrder.model_validate({**known, **fields})


def placed(
    request: PlaceOrder | None = None,
    cart: Cart = CART,
    products: dict[str, Listed] = PRODUCTS,
    available: dict[str, int] = PLENTY,
    rates: Rates = FREE,
) -> Change[Order]:
    return place(
        request or checkout(),
        Basket(cart, products, available),
        NOTHING_HELD,
        rates,
        Shopper("user-1", "shopper@cloudretail.example"),
        Context("ord_1", "request-1", NOW),
    )


def refusal(**case: Any) -> Conflict:
    with pytest.raises(Conflict) as refused:
        placed(**case)
    return refused.value


def test_the_order_has_the_carts_lines_at_the_prices_that_the_shopper_accepted() -> None:
    order = placed().state

    assert order.items == (
        OrderItem(product_id="bag", name="Bag", quantity=2, unit_price=sgd(5990)),
        OrderItem(product_id="lamp", name="Lamp", quantity=1, unit_price=sgd(3450)),
    )
    assert order.total == sgd(15430)
    assert (order.status, order.user_id, order.payment_method) == (OrderStatus.PENDING, "user-1", None)
    assert [(step.event, step.caused_by) for step in order.history] == [("OrderPlaced", "request-1")]


def test_it_tells_the_others_everything_they_need_and_that_it_is_worth_a_day() -> None:
    change = placed(checkout(paymentMethod="COD"))

    assert change.events == [
        OrderPlaced(
            order_id="ord_1",
            user_id="user-1",
            user_email="shopper@cloudretail.example",
            items=change.state.items,
            shipping=ShippingCharge(method_id="standard", name="Standard delivery", price=sgd(0)),
            total=sgd(15430),
            placed_at=NOW,
            place_by=NOW + timedelta(hours=24),
            payment_method=PaymentMethod.COD,
            shipping_address=change.state.shipping_address,
        )
    ]
    assert change.state.payment_method == PaymentMethod.COD


def test_the_last_units_can_be_ordered() -> None:
    assert placed(available={"bag": 2, "lamp": 1}).state.items


def test_another_cart_than_the_one_seen_is_refused_and_the_answer_says_which_it_is() -> None:
    refused = refusal(request=checkout(cartVersion=6))

    assert (refused.type, refused.extra) == ("cart-changed", {"cartVersion": 7})


def test_a_cart_that_changed_is_that_even_if_it_is_empty_now() -> None:
    assert refusal(cart=Cart(items=(), version=8)).type == "cart-changed"


def test_an_empty_cart_is_refused() -> None:
    assert refusal(cart=Cart(items=(), version=7)).type == "cart-empty"


def test_a_cart_that_was_never_filled_is_empty() -> None:
    assert refusal(request=checkout(cartVersion=0), cart=Cart()).type == "cart-empty"


@pytest.mark.parametrize("lines, fits", [(50, True), (51, False)])
def test_an_order_has_fifty_lines_at_the_most(lines: int, fits: bool) -> None:
    names = [f"product-{n}" for n in range(lines)]
    case: dict[str, Any] = {
        "cart": Cart(items=tuple(BAG.model_copy(update={"product_id": name}) for name in names), version=7),
        "products": {name: Listed(product_id=name, name=name, price=sgd(5990)) for name in names},
        "available": dict.fromkeys(names, 2),
        "request": checkout(total={"amount": lines * 2 * 5990, "currency": "SGD"}),
    }

    if fits:
        assert len(placed(**case).state.items) == lines
    else:
        assert refusal(**case).type == "too-many-lines"


@pytest.mark.parametrize("today", [sgd(5989), sgd(5991), sgd(0), Money(amount=5990, currency="USD")])
def test_a_price_that_is_not_the_accepted_one_is_refused_whichever_way_it_went(today: Money) -> None:
    products = {**PRODUCTS, "bag": Listed(product_id="bag", name="Bag", price=today)}

    refused = refusal(products=products)

    assert (refused.type, refused.extra["lines"]) == (
        "price-changed",
        [
            {
                "productId": "bag",
                "seen": {"amount": 5990, "currency": "SGD"},
                "current": {"amount": today.amount, "currency": today.currency},
            }
        ],
    )


def test_each_line_that_the_stock_cannot_cover_is_named_with_what_there_is() -> None:
    refused = refusal(available={"bag": 1})

    assert (refused.type, refused.extra["lines"]) == (
        "insufficient-stock",
        [
            {"productId": "bag", "requested": 2, "available": 1},
            {"productId": "lamp", "requested": 1, "available": 0},
        ],
    )


def test_products_that_are_gone_are_named() -> None:
    refused = refusal(products={"bag": PRODUCTS["bag"]})

    assert (refused.type, refused.extra["lines"]) == ("product-unavailable", [{"productId": "lamp"}])


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 99)), min_size=1, max_size=50))
def test_the_total_is_what_the_lines_add_up_to(lines: list[tuple[int, int]]) -> None:
    names = [f"product-{n}" for n in range(len(lines))]
    items = tuple(
        CartLine(product_id=name, quantity=quantity, unit_price=sgd(price))
        for name, (price, quantity) in zip(names, lines, strict=True)
    )
    products = {line.product_id: Listed(product_id=line.product_id, name="P", price=line.unit_price) for line in items}

    total = sum(price * quantity for price, quantity in lines)
    request = checkout(total={"amount": total, "currency": "SGD"})

    change = placed(request, Cart(items=items, version=7), products, dict.fromkeys(names, 99))

    assert change.state.total_amount == total


# --- the order's id and the request's fingerprint -----------------------------------------------------------------


def test_the_same_user_and_key_are_the_same_order() -> None:
    assert order_id_of("user-1", "key-1") == order_id_of("user-1", "key-1")


def test_another_user_or_another_key_is_another_order() -> None:
    assert len({order_id_of(user, key) for user in ("user-1", "user-2") for key in ("key-1", "key-2")}) == 4


USER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(USER, USER, USER)
def test_no_part_of_the_key_can_be_taken_for_a_part_of_the_user(a: str, b: str, c: str) -> None:
    assert order_id_of(a + b, c) != order_id_of(a, b + c)


@given(USER, USER)
def test_an_order_id_fits_into_a_path_and_into_an_event(user: str, key: str) -> None:
    assert re.fullmatch(r"ord_[a-z2-7]{20}", order_id_of(user, key))


def test_a_request_that_says_the_same_in_other_words_has_the_same_fingerprint() -> None:
    said = checkout()
    spelt_out = PlaceOrder.model_validate(
        {
            "paymentMethod": None,
            "cartVersion": 7,
            "total": TOTAL,
            "shippingMethod": "standard",
            "shippingAddress": {**dict(reversed(ADDRESS.items())), "line2": None},
        }
    )

    assert said.fingerprint == spelt_out.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        {"cartVersion": 8},
        {"paymentMethod": "COD"},
        {"shippingMethod": "express"},
        {"total": {**TOTAL, "amount": 1}},
        {"shippingAddress": {**ADDRESS, "line1": "2 Main Street"}},
        {"shippingAddress": {**ADDRESS, "line2": "Apt 1"}},
    ],
    ids=["another cart", "another method", "another delivery", "another total", "another street", "one line more"],
)
def test_a_request_that_says_something_else_has_another(other: dict[str, Any]) -> None:
    assert checkout(**other).fingerprint != checkout().fingerprint


# --- shipping, tax, and what may be paid in cash --------------------------------------------------------------------

EXPRESS = Method(method_id="express", name="Next day", price=sgd(900), earliest_days=1, latest_days=1)
GST = TaxRate(country="SG", name="GST", basis_points=900)
HOME = Zone(name="Singapore", countries=("SG",), methods=(EXPRESS,), cash_up_to=sgd(20_000))
PAID = Rates(zones=(HOME,), tax_rates=(GST,))
EXPRESSLY = {"shippingMethod": "express", "total": {"amount": 16330, "currency": "SGD"}}


def test_an_order_keeps_what_it_cost_to_send_and_the_tax_that_this_includes() -> None:
    order = placed(checkout(**EXPRESSLY), rates=PAID).state

    assert order.shipping == ShippingCharge(method_id="express", name="Next day", price=sgd(900))
    assert order.tax == Tax(name="GST", basis_points=900, amount=sgd(1348))
    assert order.total == sgd(16330)


def test_rates_that_changed_between_the_look_and_the_order_are_told_with_the_new_total() -> None:
    dearer = Rates(zones=(HOME.model_copy(update={"methods": (EXPRESS.model_copy(update={"price": sgd(1000)}),)}),))

    refused = refusal(request=checkout(**EXPRESSLY), rates=dearer)

    assert refused.type == "total-changed"
    assert (refused.extra["seen"]["amount"], refused.extra["total"]["amount"]) == (16330, 16430)
    assert "SGD 164.30" in refused.detail


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ({"country": "US", "state": "CA", "postalCode": "94043"}, "shippingAddress.country"),
        ({"postalCode": "hello"}, "shippingAddress.postalCode"),
        ({"phone": "hello"}, "shippingAddress.phone"),
    ],
    ids=["a country that is not shipped to", "no postal code of that country", "no phone number"],
)
def test_an_address_that_cannot_be_sent_to_is_refused_with_its_field(address: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        placed(checkout(shippingAddress={**ADDRESS, **address}))

    assert refused.value.errors[0]["field"] == field


def test_a_delivery_that_is_not_offered_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        placed(checkout(shippingMethod="express"))

    assert refused.value.errors[0]["field"] == "shippingMethod"


@pytest.mark.parametrize(
    ("changes", "address", "why"),
    [
        ({"cash_up_to": sgd(16_329)}, {}, CodRefusal.TOO_EXPENSIVE),
        ({"cash_up_to": None}, {}, CodRefusal.NOT_OFFERED_HERE),
        ({}, {"phone": None}, CodRefusal.NO_PHONE),
    ],
    ids=["above its amount", "outside of its zone", "nobody to call"],
)
def test_what_cannot_be_paid_in_cash_cannot_be_by_either_door(
    changes: dict[str, Any], address: dict[str, Any], why: CodRefusal
) -> None:
    rates = Rates(zones=(HOME.model_copy(update=changes),), tax_rates=(GST,))
    later = checkout(**EXPRESSLY, shippingAddress={**ADDRESS, **address})

    # Stamped on the order, by which payments refuses a later choice.
    assert placed(later, rates=rates).state.cod_refusal is why
    with pytest.raises((Conflict, InvalidInput)) as refused:
        placed(checkout(**EXPRESSLY, shippingAddress={**ADDRESS, **address}, paymentMethod="COD"), rates=rates)
    fields = [error["field"] for error in refused.value.errors]
    assert (refused.value.type, fields) in (("cod-refused", []), ("invalid-input", ["shippingAddress.phone"]))
