"""The API of rates: what shoppers and staff are answered, and that a refused change changes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest

from cloudretail.money import MAX_MINOR_UNITS
from orders import rates_api
from tests.support.http import Answer, call
from tests.support.invocations import STAFF_CLAIMS
from tests.unit.orders.conftest import ADDRESS, Shop


def sgd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "SGD"}


def method(**changes: Any) -> dict[str, Any]:
    known = {"methodId": "standard", "name": "Standard delivery", "price": sgd(400), "freeFrom": sgd(6000)}
    return {**known, "earliestDays": 1, "latestDays": 3, **changes}


def zone(**changes: Any) -> dict[str, Any]:
    return {"name": "Home", "countries": ["SG"], "methods": [method()], "cashUpTo": sgd(50_000), **changes}


def gst(**changes: Any) -> dict[str, Any]:
    return {"country": "SG", "name": "GST", "basisPoints": 900, **changes}


def ask(path: str = "", *, put: object = None, query: Mapping[str, str] | None = None) -> Answer:
    where = f"/api/admin/{path}" if path else "/api/shipping"
    return call(rates_api.handler, "PUT" if put else "GET", where, put, claims=STAFF_CLAIMS, query=query)


def put_zones(*zones: object, version: object = 1) -> Answer:
    return ask("shipping-rates", put={"version": version, "zones": zones})


def put_tax(*rates: object, version: object = 1) -> Answer:
    return ask("tax-rates", put={"version": version, "rates": rates})


def offered(country: str, subtotal: int) -> Any:
    return ask(query={"country": country, "subtotal": str(subtotal)}).body["destination"]


# --- what shoppers are told ---------------------------------------------------------------------------------------


def test_an_option_costs_what_checkout_will_take(shop: Shop) -> None:
    assert put_zones(zone()).status == 200
    assert put_tax(gst(), version=2).status == 200

    destination = offered("SG", 3980)

    (option,) = destination["options"]
    assert (option["price"], option["total"]) == (sgd(400), sgd(4380))
    assert option["tax"] == {"name": "GST", "basisPoints": 900, "amount": sgd(362)}
    assert destination["cashUpTo"] == sgd(50_000)
    shop.sells("bag")
    shop.fills_a_cart(("bag", 2))
    assert shop.checks_out(total=option["total"]).status == 202
    (row,) = shop.orders()
    assert row.state.tax
    assert (row.state.total_amount, row.state.tax.amount.amount) == (4380, 362)


def test_a_change_is_seen_by_the_next_who_asks(shop: Shop) -> None:
    assert offered("SG", 5999)["options"][0]["price"] == sgd(0)

    put_zones(zone())

    assert offered("SG", 5999)["options"][0]["price"] == sgd(400)
    assert offered("SG", 6000)["options"][0]["price"] == sgd(0)


def test_a_country_has_the_form_of_its_addresses(shop: Shop) -> None:
    put_zones(zone(countries=["SG", "HK", "US"]))

    assert offered("SG", 0)["postalCode"]["required"] is True
    assert offered("SG", 0)["state"] is None
    assert offered("HK", 0)["postalCode"] is None
    assert offered("US", 0)["postalCode"]["label"] == "ZIP code"
    assert {"code": "CA", "name": "California"} in offered("US", 0)["state"]["choices"]


def test_a_country_that_is_not_shipped_to_is_not_offered(shop: Shop) -> None:
    assert ask(query={"country": "US"}).body == {"countries": ["SG"], "destination": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"country": "Singapore"}, "country"),
        ({"country": "SG", "subtotal": "-1"}, "subtotal"),
        ({"country": "SG", "subtotal": "a lot"}, "subtotal"),
        ({"country": "SG", "subtotal": str(MAX_MINOR_UNITS + 1)}, "subtotal"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_its_field(
    shop: Shop, query: Mapping[str, str], field: str
) -> None:
    answer = ask(query=query)

    assert (answer.status, answer.fields) == (422, [field])


# --- what staff change ----------------------------------------------------------------------------------------------


def test_each_change_is_a_version_and_leaves_the_other_half_alone(shop: Shop) -> None:
    assert put_zones(zone()).body["version"] == 2
    assert put_tax(gst(), version=2).body["version"] == 3

    assert ask("shipping-rates").body == {"version": 3, "zones": [zone()]}
    assert ask("tax-rates").body == {"version": 3, "rates": [gst()]}


def test_a_change_of_other_rates_than_today_s_is_refused(shop: Shop) -> None:
    assert put_zones(zone()).status == 200

    with shop.unchanged():
        late = [put_zones(zone(name="Mine")), put_tax(gst()), put_zones(zone(), version=3)]

    assert {(answer.status, answer.problem) for answer in late} == {(409, "rates-changed")}


@pytest.mark.parametrize(
    ("zones", "field"),
    [
        ([zone(), zone(name="Again")], "zones.1.countries"),
        ([zone(countries=["ZZ"])], "zones.0.countries"),
        ([zone(countries=["Singapore"])], "zones.0.countries.0"),
        ([zone(countries=[])], "zones.0.countries"),
        ([zone(methods=[])], "zones.0.methods"),
        ([zone(methods=[method(), method()])], "zones.0.methods.1.methodId"),
        ([zone(methods=[method(price=sgd(-1))])], "zones.0.methods.0.price.amount"),
        ([zone(methods=[method(price=sgd(400) | {"amount": 4.5})])], "zones.0.methods.0.price.amount"),
        ([zone(methods=[method(price={"amount": 400, "currency": "JPY"})])], "zones.0.methods.0.price.currency"),
        ([zone(methods=[method(freeFrom=sgd(-1))])], "zones.0.methods.0.freeFrom.amount"),
        ([zone(methods=[method(earliestDays=4)])], "zones.0.methods.0.latestDays"),
        ([zone(methods=[method(name=" ")])], "zones.0.methods.0.name"),
        ([zone(cashUpTo=sgd(-1))], "zones.0.cashUpTo.amount"),
        ([zone(note="?")], "zones.0.note"),
    ],
)
def test_wrong_zones_are_refused_with_the_field_and_change_nothing(shop: Shop, zones: list[Any], field: str) -> None:
    with shop.unchanged():
        answer = put_zones(*zones)

    assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize(
    ("rates", "field"),
    [
        ([gst(), gst()], "rates.1.country"),
        ([gst(country="ZZ")], "rates.0.country"),
        ([gst(basisPoints=-1)], "rates.0.basisPoints"),
        ([gst(basisPoints=10_001)], "rates.0.basisPoints"),
        ([gst(basisPoints=8.5)], "rates.0.basisPoints"),
        ([gst(name="")], "rates.0.name"),
    ],
)
def test_wrong_tax_rates_are_refused_with_the_field_and_change_nothing(
    shop: Shop, rates: list[Any], field: str
) -> None:
    with shop.unchanged():
        answer = put_tax(*rates)

    assert (answer.status, answer.fields) == (422, [field])


# --- what a change means to checkout --------------------------------------------------------------------------------


@pytest.fixture
def cart(shop: Shop) -> Shop:
    """Two bags, and delivery that costs something."""
    shop.sells("bag")
    shop.fills_a_cart(("bag", 2))
    assert put_zones(zone()).status == 200
    return shop


def test_rates_that_change_between_review_and_order_are_told_and_then_taken(cart: Shop) -> None:
    seen = offered("SG", 3980)["options"][0]["total"]
    put_zones(zone(methods=[method(price=sgd(500))]), version=2)

    with cart.unchanged():
        refused = cart.checks_out(total=seen)

    assert (refused.status, refused.problem) == (409, "total-changed")
    assert (refused.body["seen"], refused.body["total"]) == (sgd(4380), sgd(4480))
    assert refused.body["shipping"]["price"] == sgd(500)
    assert cart.checks_out(total=refused.body["total"]).status == 202


def test_a_change_of_rates_changes_no_order_that_was_placed(cart: Shop) -> None:
    order_id = cart.checks_out(total=sgd(4380)).body["orderId"]
    before = cart.call("GET", f"/{order_id}").body

    put_zones(zone(methods=[method(price=sgd(9900))], cashUpTo=None), version=2)
    put_tax(gst(basisPoints=2000), version=3)

    assert cart.call("GET", f"/{order_id}").body == before
    # Nor is the repetition of its checkout another one.
    assert cart.checks_out(total=sgd(4380)).body["orderId"] == order_id
    assert len(cart.orders()) == 1


@pytest.mark.parametrize(
    ("fields", "status", "problem", "refused"),
    [
        ({"shippingAddress": {**ADDRESS, "country": "GB", "postalCode": "EC1Y 8SY"}}, 422, "not-shipped-to", "country"),
        ({"shippingAddress": {**ADDRESS, "postalCode": "hello"}}, 422, "invalid-input", "postalCode"),
        ({"shippingAddress": {**ADDRESS, "country": "AQ", "postalCode": "0"}}, 422, "invalid-input", "postalCode"),
        ({"shippingAddress": {**ADDRESS, "phone": "hello"}}, 422, "invalid-input", "phone"),
        (
            {"shippingAddress": {**ADDRESS, "phone": None}, "paymentMethod": "COD"},
            *(422, "invalid-input", "phone"),
        ),
    ],
    ids=["a country not shipped to", "hello in Singapore", "0 in Antarctica", "no phone number", "cash, and no phone"],
)
def test_an_address_that_cannot_be_sent_to_is_refused_and_changes_nothing(
    cart: Shop, fields: dict[str, Any], status: int, problem: str, refused: str
) -> None:
    with cart.unchanged():
        answer = cart.checks_out(total=sgd(4380), **fields)

    assert (answer.status, answer.problem, answer.fields) == (status, problem, [f"shippingAddress.{refused}"])


def test_a_delivery_that_is_not_offered_is_refused_and_changes_nothing(cart: Shop) -> None:
    with cart.unchanged():
        answer = cart.checks_out(total=sgd(4380), shippingMethod="express")

    assert (answer.status, answer.problem, answer.fields) == (422, "shipping-method-not-offered", ["shippingMethod"])
    assert answer.body["methods"] == ["standard"]


@pytest.mark.parametrize(
    ("cash_up_to", "why"), [(sgd(4379), "TOO_EXPENSIVE"), (None, "NOT_OFFERED_HERE")], ids=["above it", "nowhere"]
)
def test_cash_that_couriers_do_not_collect_is_refused_at_checkout_and_on_the_order(
    cart: Shop, cash_up_to: object, why: str
) -> None:
    put_zones(zone(cashUpTo=cash_up_to), version=2)

    with cart.unchanged():
        refused = cart.checks_out(total=sgd(4380), paymentMethod="COD")

    assert (refused.status, refused.problem, refused.body["codRefusal"]) == (409, "cod-refused", why)
    order_id = cart.checks_out(total=sgd(4380)).body["orderId"]
    assert cart.call("GET", f"/{order_id}").body["codRefusal"] == why


def test_cash_is_taken_up_to_the_very_amount(cart: Shop) -> None:
    put_zones(zone(cashUpTo=sgd(4380)), version=2)

    assert cart.checks_out(total=sgd(4380), paymentMethod="COD").status == 202
