"""One event of each type, as a shop with two products would publish them of its first order.

They are made of the contract: a field has the value that VALUES has for its name, else one that its type allows. An
event that is new needs no line here, unless its fields have to fit each other.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from cloudretail.envelope import Cause, Event
from cloudretail.event import EventData
from cloudretail.model import Model
from cloudretail.money import Money
from contract import EVENTS
from contract.values import (
    CANCELLATION,
    InspectedLine,
    OrderItem,
    PaymentMethod,
    ShippingCharge,
    Shortage,
    StockLine,
    Tax,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CAUSE = Cause("request-1", TRACEPARENT)


def sgd(amount: int) -> Money:
    return Money(amount=amount, currency="SGD")


ORDER: dict[str, Any] = {
    "order_id": "ord_3f5xk2m7qa2b4c6d",
    "user_id": "user-1",
    "user_email": "shopper@cloudretail.example",
    "items": (
        OrderItem(product_id="canvas-backpack", name="Canvas backpack", quantity=2, unit_price=sgd(5990)),
        OrderItem(product_id="desk-lamp", name="Desk lamp", quantity=1, unit_price=sgd(3450)),
    ),
    "shipping": ShippingCharge(method_id="standard", name="Standard delivery", price=sgd(0)),
    "tax": Tax(name="GST", basis_points=900, amount=sgd(1274)),
    "total": sgd(15430),
}
PAYMENT: dict[str, Any] = {"order_id": ORDER["order_id"], "payment_id": "pay_3f5xk2m7qa2b4c6d"}

VALUES: Mapping[str, Any] = {
    **ORDER,
    **PAYMENT,
    "amount": ORDER["total"],
    "max_attempts": 3,
    "method": PaymentMethod.CARD,
    "payment_method": PaymentMethod.CARD,
    "place_by": NOW.replace(day=3),
    "refund_id": CANCELLATION,
    "return_id": "ret_9c4hd81xwe",
    "shortages": (Shortage(product_id="canvas-backpack", requested=2, available=1),),
    "until": NOW.replace(minute=19),
}
"""By the name of an event's field."""

SEVERAL: Mapping[type[Model], tuple[Model, ...]] = {
    StockLine: tuple(StockLine(product_id=item.product_id, quantity=item.quantity) for item in ORDER["items"]),
    InspectedLine: (InspectedLine(product_id="canvas-backpack", restock=1, write_off=1),),
}
"""By the type of what a field has several of."""


def example_of[E: Model](model: type[E], values: Mapping[str, Any] = VALUES) -> E:
    """An instance of an event, or of a part of one.

    Raises:
        AssertionError: a field's type is one that no value is known for; the text says what to do.
    """
    return model(
        **{
            name: values[name] if name in values else _value(field.annotation, f"{model.__name__}.{name}")
            for name, field in model.model_fields.items()
            if field.default is not None  # What may be absent is.
        }
    )


def _value(annotation: Any, where: str) -> Any:
    while isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            return _value(arguments[0], where)
        case origin if origin is tuple:
            return SEVERAL.get(arguments[0]) or (_value(arguments[0], where),)
        case origin if origin in (Union, UnionType):
            return _value(arguments[0], where)
    if annotation is datetime:
        return NOW
    if annotation is Money:
        return sgd(1990)
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return next(iter(annotation))
        if issubclass(annotation, Model):
            return example_of(annotation, {})
        if issubclass(annotation, bool | int | str):
            return annotation("text" if annotation is str else 1)
    raise AssertionError(f"{where} has a type that tests/support/examples.py makes no value for: name one in VALUES")


EXAMPLES: tuple[Any, ...] = tuple(map(example_of, EVENTS))


def event_of(data: EventData, id: str = "orders:ord_3f5xk2m7qa2b4c6d:1:0") -> Event:
    """An event around `data`, as its producer sends it."""
    return Event(id, NOW, CAUSE.id, TRACEPARENT, data)


def name_of(data: EventData) -> str:
    """For the names of parametrized tests."""
    return data.event_type.name
