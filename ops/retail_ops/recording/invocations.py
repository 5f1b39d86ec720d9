"""Records the invocations of the functions of a running local shop."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retail_ops.errors import OpsError
from retail_ops.stack.shop import Shop

RECORDER = Path(__file__).parent / "recorder.py"


@dataclass(frozen=True)
class Invocation:
    """One invocation of a function.

    Attributes:
        function: logical id.
        event: the payload.
        answer: of the function; None if it raised, or returned nothing.
    """

    function: str
    event: dict[str, Any]
    answer: Any


class Recorder:
    """Is installed in front of every function of a shop. Afterwards, that shop is not used for anything else.

    Args:
        shop: a local one.
        folder: takes the recordings, which the functions' processes write.
    """

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop = shop
        self._folder = folder
        self._seen: set[str] = set()
        self._sources: dict[str, list[str]] = {}

    def install(self) -> None:
        """Install the recorder: each function gets a layer and a setting. Its code stays the same."""
        lambda_ = self._shop.lambda_
        layer = lambda_.publish_layer_version(LayerName=f"{self._shop.stack}-recorder", Content={"ZipFile": _zip()})
        for logical_id, name in self._shop.functions.items():
            configuration = lambda_.get_function_configuration(FunctionName=name)
            variables = configuration["Environment"]["Variables"]
            lambda_.update_function_configuration(
                FunctionName=name,
                Handler="recorder.handler",
                Layers=[*(each["Arn"] for each in configuration.get("Layers", [])), layer["LayerVersionArn"]],
                Environment={
                    "Variables": {
                        **variables,
                        "RECORDED_HANDLER": configuration["Handler"],
                        "RECORDED_FUNCTION": logical_id,
                        "RECORDINGS": str(self._folder),
                    }
                },
            )
            sources = lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            self._sources[logical_id] = [source["UUID"] for source in sources]

    def new(self) -> list[Invocation]:
        """The invocations that were recorded since the last call, in the order of their beginning."""
        found = [file for file in sorted(self._folder.glob("*.json")) if file.name not in self._seen]
        self._seen |= {file.name for file in found}
        kept = [json.loads(file.read_text()) for file in found]
        return [Invocation(each["function"], json.loads(each["event"]), each["answer"]) for each in kept]

    def one_at_a_time(self, *functions: str) -> None:
        """Let each message or stream record be an invocation of its own from now on, for these functions or all."""
        for function in functions or self._sources:
            self._set(function, BatchSize=1)

    @contextmanager
    def held_up(self, *functions: str, batch: int = 10) -> Iterator[None]:
        """Meanwhile nothing reaches these functions; afterwards it does in batches of up to `batch`."""
        for function in functions:
            self._set(function, Enabled=False)
        # What an emulator's poller has taken before is not on its queue any more.
        time.sleep(0.3)
        yield
        for function in functions:
            self._set(function, Enabled=True, BatchSize=batch)

    def _set(self, function: str, **settings: Any) -> None:
        for source in self._sources[function]:
            self._shop.lambda_.update_event_source_mapping(UUID=source, **settings)


def wait_for[T](look: Callable[[], T], what: str | Callable[[], str], seconds: float = 180) -> T:
    """Call a function until it returns something true; returns that.

    Args:
        look: the function.
        what: what is waited for, or a function that returns it for the error.
        seconds: the time limit.

    Raises:
        OpsError: the time is over. The text contains `what`.
    """
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise OpsError(f"The recording was given up: {said} did not come within {seconds:.0f} s.")
        time.sleep(0.05)
    return seen


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(RECORDER, "python/recorder.py")
    return packed.getvalue()
