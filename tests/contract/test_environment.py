"""Environment variables: the template gives each function those that its code reads, and no others."""

from collections.abc import Iterator
from inspect import getmembers_static, isclass, isfunction, ismodule, unwrap
from types import CodeType, FunctionType
from typing import Any

import pytest

from cloudretail.settings import Settings
from tests.contract.deployed import FUNCTIONS, module_of, template

GIVEN_BY_LAMBDA = {"AWS_REGION"}
READ_BY_POWERTOOLS = {"POWERTOOLS_SERVICE_NAME"}

each_function = pytest.mark.parametrize("function", sorted(template().functions))


@each_function
def test_a_function_has_the_variables_that_its_code_reads_and_no_others(function: str) -> None:
    fields = [field for model in settings_of(function) for field in model.model_fields.items()]
    own = set(template().environment(function))
    needed = {name.upper() for name, field in fields if field.is_required()}
    assert needed - GIVEN_BY_LAMBDA - set(template().common_environment) <= own
    assert own - READ_BY_POWERTOOLS <= {name.upper() for name, _ in fields}


@each_function
def test_a_functions_logs_and_metrics_go_by_the_name_of_its_service(function: str) -> None:
    service = module_of(function).__name__.partition(".")[0]
    assert template().environment(function)["POWERTOOLS_SERVICE_NAME"] == service


def test_the_search_for_settings_finds_those_at_second_hand() -> None:
    assert {model.__name__ for model in settings_of("InventoryApi")} == {
        "WarehouseSettings",
        "IdentitySettings",
        "OriginSettings",
    }
    assert {model.__name__ for model in settings_of("PaymentWorkerReactions")} >= {
        "WorkerSettings",
        "SandboxSettings",
        "PaymentSettings",
        "ConsumerSettings",
    }


def settings_of(function: str) -> set[type[Settings]]:
    """The settings that the module of a function's handler reads: its functions, what they call, and so on."""
    found: set[type[Settings]] = set()
    module = module_of(function)
    own = [each for each in map(unwrap, vars(module).values()) if getattr(each, "__module__", "") == module.__name__]
    unread = [each for each in own if isfunction(each) and each.__name__ != "_read_only"]
    if consumer := getattr(module, "CONSUMER", None):
        # Its dry run is the replay worker's business.
        unread.append(type(consumer).handler)
        if isfunction(ports := unwrap(getattr(consumer, "ports", print))):
            unread.append(ports)
        for effect in getattr(consumer, "effects", {}).values():
            inner = [cell.cell_contents for cell in effect.react.__closure__ or ()]
            unread += [effect.react, *filter(isfunction, inner)]
    for each in getattr(module, "CONSUMERS", ()):
        # A dry run opens every consumer's read-only ports.
        opened = (type(each).dry_run, getattr(each, "read_only", None))
        unread += [port for port in map(unwrap, filter(None, opened)) if isfunction(port)]
    seen: set[FunctionType] = set()
    while unread:
        caller = unread.pop()
        if caller in seen:
            continue
        seen.add(caller)
        names = set(_names(caller.__code__))
        for name in names & caller.__globals__.keys():
            thing = unwrap(caller.__globals__[name])
            if isclass(thing) and issubclass(thing, Settings):
                found.add(thing)
            unread += [each for each in _reached(thing, names) if _is_ours(each)]
    return found


def _names(code: CodeType) -> Iterator[str]:
    """Globals and attributes that a function names, those of the functions inside it among them."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _reached(thing: Any, names: set[str]) -> Iterator[FunctionType]:
    """Functions that a function with `names` can come to by `thing`: itself, a class' methods, a module's functions."""
    if isfunction(thing):
        yield thing
    elif isinstance(thing, dict):
        yield from _functions(thing.values())
    elif isclass(thing):
        yield from _functions(vars(thing).values())
    else:
        members = vars(thing) if ismodule(thing) else dict(getmembers_static(type(thing)))
        yield from _functions(members[name] for name in names & members.keys())


def _functions(members: Any) -> Iterator[FunctionType]:
    for member in list(members):
        function = member.fget if isinstance(member, property) else unwrap(getattr(member, "__func__", member))
        if isfunction(function):
            yield function


def _is_ours(function: FunctionType) -> bool:
    return function.__code__.co_filename.startswith(str(FUNCTIONS))
