"""The bus, as the relay sees it."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from relay.stream import Entry


class PartlyAccepted(Exception):
    """The bus accepts the first half of the entries, and throttles the rest."""


class Refused(Exception):
    """The bus refuses the last entry for good."""


class Bus:
    """A `relay.stream.Bus`.

    Args:
        hook: called with "publish" before, and with "published" after each call; what it raises is what the relay gets,
            but for the two above.
        publish: receives the document of each entry that is accepted.

    Attributes:
        parked: documents in the relay's dead-letter queue, by event id.
        unreadable: records in it.
    """

    name = "bus"

    def __init__(self, hook: Callable[[str, str], None], publish: Callable[[str], None]) -> None:
        self._hook = hook
        self._publish = publish
        self.parked: dict[str, str] = {}
        self.unreadable: list[Mapping[str, Any]] = []

    def put(self, entries: Sequence[Entry]) -> Sequence[Mapping[str, Any]]:
        codes: list[str | None] = [None] * len(entries)
        try:
            self._hook("publish", entries[0]["DetailType"])
        except PartlyAccepted:
            half = len(entries) // 2
            codes[half:] = ["ThrottlingException"] * (len(entries) - half)
        except Refused:
            codes[-1] = "MalformedDetail"
        for entry, code in zip(entries, codes, strict=True):
            if code is None:
                self._publish(entry["Detail"])
        self._hook("published", entries[0]["DetailType"])
        return [{"ErrorCode": code} if code else {"EventId": "1"} for code in codes]

    def park(self, parked: Mapping[str, Any]) -> None:
        if "entry" in parked:
            document = parked["entry"]["Detail"]
            self.parked[json.loads(document)["id"]] = document
        else:
            self.unreadable.append(parked["record"])
