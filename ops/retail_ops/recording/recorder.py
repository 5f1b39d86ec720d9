"""The handler in front of a function while its invocations are recorded. It stores the payload and the answer.

It is deployed as a layer, does not know the shop, and is never part of a shop that is not being recorded.
"""

import importlib
import json
import os
import time
from pathlib import Path
from typing import Any

_module, _, _name = os.environ["RECORDED_HANDLER"].rpartition(".")
_handler = getattr(importlib.import_module(_module), _name)


def handler(event: Any, context: Any) -> Any:
    """Store the event before the function can change it, and then the answer."""
    kept = {"function": os.environ["RECORDED_FUNCTION"], "event": json.dumps(event), "answer": None}
    file = Path(os.environ["RECORDINGS"]) / f"{time.time_ns()}-{context.aws_request_id}"
    try:
        kept["answer"] = _handler(event, context)
    finally:
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(kept))
        draft.rename(file.with_suffix(".json"))
    return kept["answer"]
