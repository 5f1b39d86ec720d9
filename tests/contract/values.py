"""Every value that a model of the contract may have, for hypothesis: it knows bounds and lengths, but no pydantic."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from cloudretail.model import Model


def values_of[M: Model](model: type[M]) -> st.SearchStrategy[M]:
    """Instances of a model, within its constraints."""
    fields = {name: _values(field.annotation, field.metadata) for name, field in model.model_fields.items()}
    return st.fixed_dictionaries(fields).map(model.model_validate)


def _values(annotation: Any, constraints: Sequence[Any]) -> st.SearchStrategy[Any]:
    if isinstance(annotation, TypeAliasType):
        return _values(annotation.__value__, constraints)
    if get_origin(annotation) is Annotated:
        inner, field = get_args(annotation)
        assert isinstance(field, FieldInfo)
        return _values(inner, [*constraints, *field.metadata])
    if get_origin(annotation) in (Union, UnionType):
        return st.one_of(*(_values(each, constraints) for each in get_args(annotation)))
    if get_origin(annotation) is tuple:
        (inner, _), least = get_args(annotation), _bound(constraints, "min_length")
        return st.lists(_values(inner, []), min_size=least, max_size=4).map(tuple)
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return values_of(annotation)
    if annotation is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if pattern := _bound(constraints, "pattern"):
        return st.from_regex(pattern, fullmatch=True)
    known = [each for each in constraints if isinstance(each, (Ge, Le, MinLen, MaxLen))]
    bounded: Any = Annotated[annotation, *known] if known else annotation
    return st.from_type(bounded)


def _bound(constraints: Sequence[Any], name: str) -> Any:
    return next((getattr(each, name) for each in constraints if hasattr(each, name)), 0)
