"""How an error is named, so that failures of one cause are found together."""

import re
import traceback
from pathlib import Path

from botocore.exceptions import ClientError

from cloudretail import dynamodb

_OWN_CODE = str(Path(__file__).parents[1])


def code_of(error: Exception) -> str:
    """What failures of one cause have in common, whichever line they were raised in.

    Of a call to AWS its error and operation (`AccessDenied on dynamodb:PutItem`), of anything else the exception and
    the function that raised it (`KeyError in decide (inventory/domain.py)`).
    """
    if isinstance(error, ClientError):
        said = re.search(r"not authorized to perform: ([\w-]+:\w+)", str(error))
        return f"{dynamodb.code(error).removesuffix('Exception')} on {said[1] if said else error.operation_name}"
    file, _, function = where(error).partition(" in ")
    return f"{type(error).__name__} in {function} ({file.partition(':')[0]})" if function else type(error).__name__


def where(error: BaseException) -> str:
    """The innermost place in which `error` was raised, as `file:line in function`."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    # The innermost frame of our own says more than one deep inside a library, wherever this machine has those.
    own = [frame for frame in frames if frame.filename.startswith(_OWN_CODE)] or frames
    frame = own[-1]
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} in {frame.name}"
