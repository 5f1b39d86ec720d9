"""W3C trace context in events. It is derived and not random, so that a recorded event is the same each time.

The X-Ray SDK would add 30 MB to every function. Only the format of its header is needed here.
"""

import hashlib
import re

_XRAY_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")
_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]$")


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def root(request_id: str, xray_header: str | None = None) -> str:
    """The `traceparent` of a request: X-Ray's trace if there is one, else derived from the request id."""
    found = _XRAY_ROOT.search(xray_header or "")
    trace_id = "".join(found.groups()) if found else _digest(f"trace {request_id}", 32)
    return f"00-{trace_id}-{_digest(f'span {request_id}', 16)}-01"


def child(parent: str, span_of: str) -> str:
    """The `traceparent` of what `parent` has caused: the same trace, and a span derived from the id `span_of`."""
    found = _TRACEPARENT.match(parent)
    return f"00-{found.group(1)}-{_digest(f'span {span_of}', 16)}-01" if found else root(span_of)
