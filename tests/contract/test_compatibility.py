"""Events within a version: what was released stays readable, both ways, and a break is named with field and reason."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

import pytest

from cloudretail.event import EventType
from contract import EVENTS
from contract.orders import WholeOrderEvent
from contract.values import PaymentMethod
from retail_ops.contract import schemas
from retail_ops.contract.compatibility import breaks, read
from retail_ops.contract.schemas import RELEASED, broken, subscribers

type Mutation = Callable[[dict[str, Any]], object]

PLACED = read(RELEASED)["OrderPlaced.v1"]


def data(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of an event's schema that describes its data."""
    found: dict[str, Any] = schema["properties"]["data"]
    return found


def found_in(mutation: Mutation) -> dict[str, str]:
    """What is refused in a changed OrderPlaced: the reasons by field."""
    changed = deepcopy(PLACED)
    mutation(changed)
    assert changed != PLACED, "the mutation changes nothing"
    return {found.field: found.reason for found in breaks({"OrderPlaced.v1": PLACED}, {"OrderPlaced.v1": changed})}


def test_no_event_breaks_what_was_released() -> None:
    assert broken() == []


def test_a_break_in_the_code_is_found_before_anything_is_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    class OrderPlaced(WholeOrderEvent):
        """As it was, without `placeBy`."""

        event_type = EventType("orders", "OrderPlaced")
        placed_at: datetime
        payment_method: PaymentMethod | None = None

    others = (event for event in EVENTS if event.event_type != OrderPlaced.event_type)
    monkeypatch.setattr(schemas, "EVENTS", (OrderPlaced, *others))

    assert [(each.event, each.field) for each in broken()] == [("OrderPlaced.v1", "data.placeBy")]


def test_who_subscribes_to_a_broken_event_is_known() -> None:
    assert subscribers("OrderPlaced.v1") == ["InventoryReactions", "NotificationsReactions", "PaymentsReactions"]
    assert subscribers("PaymentSubmitted.v1") == ["PaymentWorkerReactions"]


def test_something_was_released() -> None:
    assert len(read(RELEASED)) >= 15


@pytest.mark.parametrize(
    ("field", "reason", "mutation"),
    [
        ("data.total", "was removed", lambda it: data(it)["properties"].pop("total")),
        ("data.total", "not required any more", lambda it: data(it)["required"].remove("total")),
        ("data.paymentMethod", "was made required", lambda it: data(it)["required"].append("paymentMethod")),
        ("data.total.currency", "was removed", lambda it: it["$defs"]["Money"]["properties"].pop("currency")),
        (
            "data.gift",
            "new and required",
            lambda it: (data(it)["properties"].update(gift={"type": "boolean"}), data(it)["required"].append("gift")),
        ),
        (
            "data.userId",
            'type was "string" and is "integer"',
            lambda it: data(it)["properties"].update(userId={"type": "integer"}),
        ),
        ("data.items[].quantity", "minimum was 1 and is 2", lambda it: it["$defs"]["Quantity"].update(minimum=2)),
        ("data.items[].quantity", "minimum was 1 and is 0", lambda it: it["$defs"]["Quantity"].update(minimum=0)),
        ("data.orderId", "maxLength was 64 and is 32", lambda it: it["$defs"]["OrderId"].update(maxLength=32)),
        ("data.items[].name", "maxLength was absent", lambda it: _item(it)["name"].update(maxLength=10)),
        ("data.total.currency", "pattern was", lambda it: _currency(it).update(pattern="^SGD$")),
        ("data.total.currency", "pattern was", lambda it: _currency(it).pop("pattern")),
        ("data.items", "minItems was 1 and is 2", lambda it: data(it)["properties"]["items"].update(minItems=2)),
        (
            "data.paymentMethod",
            "may not be null",
            lambda it: data(it)["properties"].update(paymentMethod={"$ref": "#/$defs/PaymentMethod"}),
        ),
        ("data.paymentMethod", "new value BARTER", lambda it: it["$defs"]["PaymentMethod"]["enum"].append("BARTER")),
        (
            "data.userId",
            "may be null now",
            lambda it: data(it)["properties"].update(userId={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ),
        ("type", "const was", lambda it: it["properties"].update(type={"const": "cloudretail.orders.Renamed.v1"})),
        ("traceparent", "was removed", lambda it: it["properties"].pop("traceparent")),
    ],
)
def test_a_breaking_change_is_named_with_its_field_and_reason(field: str, reason: str, mutation: Mutation) -> None:
    found = found_in(mutation)
    assert reason in found[field]


def test_a_value_that_an_enumeration_loses_or_wins_is_named() -> None:
    released = read(RELEASED)["PaymentSubmitted.v1"]
    changed = deepcopy(released)
    changed["$defs"]["PaymentMethod"]["enum"].remove("CARD")
    changed["$defs"]["PaymentMethod"]["enum"].append("BARTER")
    found = breaks({"PaymentSubmitted.v1": released}, {"PaymentSubmitted.v1": changed})
    assert [str(each) for each in found] == [
        "PaymentSubmitted.v1: data.method has the new value BARTER: who reads today's events would refuse such a one",
        "PaymentSubmitted.v1: data.method lost the value CARD: events that were published already would be refused",
    ]


@pytest.mark.parametrize("event", ["OrderCancelled.v1", "OrderRejected.v1", "PaymentFailed.v1"])
def test_a_reason_is_open_text_so_that_the_next_one_breaks_nobody(event: str) -> None:
    reason = next(each for name, each in read(RELEASED)[event]["$defs"].items() if name.endswith(("Reason", "Failure")))
    assert reason["type"] == "string"
    assert "enum" not in reason


@pytest.mark.parametrize(
    "mutation",
    [
        lambda it: data(it)["properties"].update(giftNote={"type": "string"}),
        lambda it: _item(it).update(sku={"type": "string"}),
        lambda it: it.update(description="Said better."),
        lambda it: _currency(it).update(examples=["EUR"]),
        lambda it: data(it)["required"].reverse(),
    ],
)
def test_what_harms_no_reader_is_allowed(mutation: Mutation) -> None:
    assert found_in(mutation) == {}


def test_a_definition_may_move_as_long_as_it_demands_the_same() -> None:
    changed = deepcopy(PLACED)
    changed["$defs"]["Price"] = changed["$defs"].pop("Money")
    moved = json.loads(json.dumps(changed).replace("#/$defs/Money", "#/$defs/Price"))
    assert breaks({"OrderPlaced.v1": PLACED}, {"OrderPlaced.v1": moved}) == []


def test_an_event_may_not_disappear_but_a_new_version_may_stand_beside_it() -> None:
    assert [str(each) for each in breaks({"OrderPlaced.v1": PLACED}, {"OrderPlaced.v2": PLACED})] == [
        "OrderPlaced.v1: the event was removed: who waits for it would wait for ever"
    ]
    assert breaks({"OrderPlaced.v1": PLACED}, {"OrderPlaced.v1": PLACED, "OrderPlaced.v2": {}}) == []


def _item(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"]["OrderItem"]["properties"]
    return found


def _currency(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"]["Money"]["properties"]["currency"]
    return found
