"""Whether a change of an event's schema is compatible within its version.

Compatibility goes both ways: today's consumers must be able to read tomorrow's events, and tomorrow's consumers must be
able to read the events in the archive and in the queues. So an optional field may be added, and a description may
change. Every other change needs a new version beside the old one.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_ops.contract.json_schema import Json

SAID = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "default", "deprecated"})
"""Keywords that describe a value and do not constrain it."""

LEAST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
MOST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})

FOR_READERS = "who reads today's events would refuse such a one"
FOR_ARCHIVE = "events that were published already would be refused"


@dataclass(frozen=True, order=True)
class Break:
    """An incompatible change within a version.

    Attributes:
        event: name and version.
        field: the field's path, such as `data.items[].quantity`.
        reason: what was changed, and who cannot read it any more.
    """

    event: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.event}: {self.field or 'the event'} {self.reason}"


def breaks(released: Mapping[str, Json], current: Mapping[str, Json]) -> list[Break]:
    """All incompatible changes between the released and the current schemas.

    Args:
        released: JSON Schemas by name and version, such as `OrderPlaced.v1`.
        current: JSON Schemas of the code, likewise.
    """
    found = []
    for event, schema in released.items():
        if event in current:
            found += [Break(event, field, reason) for field, reason in _compare(schema, current[event])]
        else:
            found.append(Break(event, "", "was removed: who waits for it would wait for ever"))
    return sorted(found)


def read(folder: Path) -> dict[str, Json]:
    """The schemas in a folder, by name and version."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def _compare(old: Json, new: Json) -> Iterator[tuple[str, str]]:
    yield from _node(_resolved(old, old), _resolved(new, new), "")


def _resolved(node: Any, root: Json) -> Any:
    """The node with its references replaced by their definitions, as the place of a definition constrains nothing."""
    match node:
        case {"$ref": str(reference), **others}:
            target: Any = root
            for step in reference.removeprefix("#/").split("/"):
                target = target[step]
            return _resolved({**target, **others}, root)
        case dict():
            return {key: _resolved(value, root) for key, value in node.items() if key != "$defs"}
        case list():
            return [_resolved(value, root) for value in node]
        case _:
            return node


def _node(old: Json, new: Json, field: str) -> Iterator[tuple[str, str]]:
    (old, was_nullable), (new, is_nullable) = _present(old), _present(new)
    if was_nullable and not is_nullable:
        yield field, f"may not be null any more: {FOR_ARCHIVE}"
    if is_nullable and not was_nullable:
        yield field, f"may be null now: {FOR_READERS}"
    for keyword in sorted((old.keys() | new.keys()) - SAID - {"properties", "required", "items", "enum"}):
        if _demand(old.get(keyword)) != _demand(new.get(keyword)):
            yield field, _changed(keyword, old.get(keyword), new.get(keyword))
    yield from _enum(old.get("enum"), new.get("enum"), field)
    yield from _properties(old, new, field)
    if "items" in old and "items" in new:
        yield from _node(old["items"], new["items"], f"{field}[]")
    elif "items" in old or "items" in new:
        yield f"{field}[]", _changed("items", old.get("items"), new.get("items"))


def _present(node: Json) -> tuple[Json, bool]:
    """The schema of a value that is not null, and whether null is allowed."""
    null = {"type": "null"}
    match node.get("anyOf"):
        case [one, other] if null in (one, other):
            said = {key: value for key, value in node.items() if key != "anyOf"}
            return {**said, **(other if one == null else one)}, True
        case _:
            return node, False


def _properties(old: Json, new: Json, field: str) -> Iterator[tuple[str, str]]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(before.keys() | after.keys()):
        place = f"{field}.{name}" if field else name
        was, is_ = name in old.get("required", ()), name in new.get("required", ())
        if name not in after:
            yield place, "was removed: who reads it would find nothing"
        elif name not in before:
            if is_:
                yield place, f"is new and required: {FOR_ARCHIVE}"
        else:
            if was and not is_:
                yield place, f"is not required any more: {FOR_READERS}"
            if is_ and not was:
                yield place, f"was made required: {FOR_ARCHIVE}"
            yield from _node(before[name], after[name], place)


def _enum(old: list[Any] | None, new: list[Any] | None, field: str) -> Iterator[tuple[str, str]]:
    if old is None and new is None:
        return
    if old is None or new is None:
        yield field, _changed("enum", old, new)
        return
    for value in old:
        if value not in new:
            yield field, f"lost the value {value}: {FOR_ARCHIVE}"
    for value in new:
        if value not in old:
            yield field, f"has the new value {value}: {FOR_READERS}"


def _changed(keyword: str, old: Any, new: Any) -> str:
    said = f"{keyword} was {_short(old)} and is {_short(new)}"
    match keyword, old, new:
        case _, None, _:
            harm = FOR_ARCHIVE
        case _, _, None:
            harm = FOR_READERS
        case _ if keyword in LEAST | MOST:
            harm = FOR_ARCHIVE if (new > old) == (keyword in LEAST) else FOR_READERS
        case _:
            harm = f"{FOR_ARCHIVE}, or {FOR_READERS}"
    return f"{said}: {harm}"


def _demand(value: Any) -> Any:
    """The constraint of a keyword, without its descriptions."""
    match value:
        case dict():
            return {key: _demand(member) for key, member in value.items() if key not in SAID}
        case list():
            return sorted(json.dumps(_demand(member), sort_keys=True) for member in value)
        case _:
            return value


def _short(value: Any) -> str:
    return "absent" if value is None else json.dumps(_demand(value) if isinstance(value, dict) else value)
