"""What a laptop may be like: another processor or system, behind a proxy, with an AWS profile of its own."""

from pathlib import Path

import psutil

from retail_ops.local.local_shop import LocalShop, State


def test_functions_load_compiled_packages_of_this_machine_and_none_of_the_layer(local_shop: LocalShop) -> None:
    """The layer's are Linux's for Lambda: on another system or processor no function would start with them."""
    state = State.read(local_shop.state_dir / "shop.json")
    assert state
    functions = psutil.Process(state.emulator.pid).children()
    loaded = {path for function in functions for path in files_of(function)}
    assert any("pydantic_core" in path.name for path in loaded)
    assert [path for path in loaded if path.is_relative_to(local_shop.state_dir)] == []


def files_of(process: psutil.Process) -> set[Path]:
    """What a process has loaded; nothing of one that has just ended."""
    try:
        return {Path(each.path) for each in process.memory_maps()}
    except psutil.Error:
        return set()
