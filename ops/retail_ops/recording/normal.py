"""Normalises recorded payloads: stable values replace random ones, times, and names of the machine.

A value is replaced by the same stable value everywhere, so ids still refer to each other, and an order's id is still
derived from its user and key.
"""

import hashlib
import json
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from retail_ops.errors import OpsError
from retail_ops.stack.shop import Shop

MOMENT = datetime(2100, 1, 1, tzinfo=UTC)
"""The fixed time of everything. It is in the future, as an `OrderPlaced` is refused a day after its time."""

LONGEST = 420.0
"""Seconds that a recording may take. All its times become one; times further apart stay different, as the end of a
payment window."""

STEP = 900
"""Seconds between two times that stay different: the payment window, which is the shortest planned time."""

OUTPUTS = {
    "ApiId": "HttpApi",
    "ImagesBucket": "ImagesBucket",
    "UserPoolId": "UserPool",
    "UserPoolClientId": "UserPoolClient",
}
"""Outputs of the stack, with the logical ids of their resources in the template."""

_ISO = re.compile(r"\b(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)")
_APACHE = re.compile(r"\b(\d\d/[A-Z][a-z]{2}/20\d\d:\d\d:\d\d:\d\d) \+0000")
_APACHE_FORMAT = "%d/%b/%Y:%H:%M:%S"
_EPOCH = re.compile(r"(?<![\w.-])(\d{10})(\d{3})?(?![\w.-])")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TRACEPARENT = re.compile(r"\b00-([0-9a-f]{32})-([0-9a-f]{16})-0([01])\b")
_HEX = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+")


class Normal:
    """The replacements of one recording.

    Args:
        shop: the shop that is recorded.
    """

    def __init__(self, shop: Shop) -> None:
        self._start = time.time()
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._sample = ""
        self._count = 0
        for resources in (shop.functions, shop.queues, shop.tables):
            self._names |= {physical.rpartition("/")[2]: logical for logical, physical in resources.items()}
        for output, logical in OUTPUTS.items():
            self.name(shop.output(output), logical)
        assert shop.endpoint
        self.name(shop.endpoint.removeprefix("http://"), "127.0.0.1:4566")

    def name(self, found: str, stable: str) -> None:
        """Replace `found` by `stable` from now on."""
        self._names[found] = stable

    def id(self, found: str, meaning: str) -> str:
        """Make a stable UUID from what `found` identifies, replace `found` by it from now on, and return it."""
        stable = str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:cloudretail:sample:{meaning}"))
        self.name(found, stable)
        return stable

    def event(self, sample: str, event: Any) -> Any:
        """The normalised payload of a sample. New ids are derived from the sample's name, so that samples do not change
        each other's ids."""
        if time.time() - self._start > LONGEST:
            raise OpsError(f"The recording was given up: it took longer than {LONGEST:.0f} s, and times would not fit.")
        self._sample, self._count = sample, 0
        return self._value(event, "")

    def _value(self, value: Any, key: str) -> Any:
        match value:
            case dict():
                # A member's name can be an id: a product's row has a member for each of its pictures.
                normal = {self._text(name): self._value(member, name) for name, member in value.items()}
                if "md5OfBody" in normal:
                    normal["md5OfBody"] = hashlib.md5(normal["body"].encode(), usedforsecurity=False).hexdigest()
                return normal
            case list():
                if key == "Records":
                    return [self._record(index, record) for index, record in enumerate(value)]
                return [self._value(member, "") for member in value]
            case str():
                return self._text(value)
            case bool() | None:
                return value
            case int() | float():
                return self._number(value)
            case _:
                raise TypeError(f"no JSON: {value!r}")

    def _record(self, index: int, record: dict[str, Any]) -> Any:
        """A stream's record without its sequence number, which is random."""
        normal = self._value(record, "")
        if "dynamodb" in normal:
            normal["dynamodb"]["SequenceNumber"] = f"{index + 1:021}"
            normal["dynamodb"]["SizeBytes"] = len(json.dumps(normal["dynamodb"].get("NewImage", {})))
        if "s3" in normal:
            normal["s3"]["configurationId"] = "CatalogImagesQueue"
            normal["s3"]["object"]["sequencer"] = f"{index + 1:016X}"
        return normal

    def _text(self, text: str) -> str:
        if text.startswith('{"Records":'):  # S3's notification in a queue's message.
            return json.dumps(self._value(json.loads(text), ""))
        for found in sorted(self._names, key=len, reverse=True):
            text = text.replace(found, self._names[found])
        text = _TOKEN.sub("recorded.id.token", text)
        text = _ISO.sub(lambda match: f"{self._moment(_iso(match[1])):%Y-%m-%dT%H:%M:%S}{match[3]}", text)
        text = _APACHE.sub(lambda match: f"{self._moment(_apache(match[1])):{_APACHE_FORMAT}} +0000", text)
        text = _EPOCH.sub(lambda match: self._epoch(match[1], match[2] or ""), text)
        text = _TRACEPARENT.sub(
            lambda match: f"00-{self._digest(match[1], 32)}-{self._digest(match[2], 16)}-0{match[3]}", text
        )
        text = _UUID.sub(lambda match: self._uuid(match[0]), text)
        return _HEX.sub(lambda match: self._digest(match[0], 32), text)

    def _number(self, value: float) -> float:
        whole = int(value)
        seconds = whole // 1000 if whole > 10**12 else whole
        if not self._is_near(seconds):
            return value
        moment = int(self._moment(datetime.fromtimestamp(seconds, UTC)).timestamp())
        return moment * 1000 if seconds != whole else moment

    def _epoch(self, seconds: str, millis: str) -> str:
        if not self._is_near(int(seconds)):
            return seconds + millis
        return f"{int(self._moment(datetime.fromtimestamp(int(seconds), UTC)).timestamp())}{'000' if millis else ''}"

    def _is_near(self, seconds: float) -> bool:
        """Whether this number is a time of the recording, and not a number with another meaning."""
        return abs(seconds - self._start) < timedelta(days=1000).total_seconds()

    def _moment(self, time: datetime) -> datetime:
        steps = round((time.timestamp() - self._start) / STEP)
        # A time before the recording is possible, as the shop was started earlier.
        return MOMENT + timedelta(seconds=max(steps, 0) * STEP)

    def _uuid(self, found: str) -> str:
        if found in self._names.values():
            return found
        if found not in self._ids:
            self._ids[found] = str(uuid.uuid5(uuid.NAMESPACE_URL, self._meaning()))
        return self._ids[found]

    def _digest(self, found: str, length: int) -> str:
        if found not in self._ids.values() and found not in self._ids:
            self._ids[found] = hashlib.sha256(self._meaning().encode()).hexdigest()[:length]
        return self._ids.get(found, found)

    def _meaning(self) -> str:
        self._count += 1
        return f"urn:cloudretail:sample:{self._sample}:{self._count}"


def _iso(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)


def _apache(text: str) -> datetime:
    return datetime.strptime(text, _APACHE_FORMAT).replace(tzinfo=UTC)
