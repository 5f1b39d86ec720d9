"""The name of an error. Failures with the same cause have the same name."""

import re
import traceback
from pathlib import Path

from botocore.exceptions import ClientError

from cloudretail import dynamodb

_OWN_CODE = str(Path(__file__).parents[1])


def code_of(error: Exception) -> str:
    """A name that all failures of one cause share, whichever line raised them.

    For a call to AWS it is the error and the operation: `AccessDenied on dynamodb:PutItem`. For anything else it is the
    exception and the function that raised it: `KeyError in decide (inventory/domain.py)`.
    """
    if isinstance(error, ClientError):
        said = re.search(r"not authorized to perform: ([\w-]+:\w+)", str(error))
        return f"{dynamodb.code(error).removesuffix('Exception')} on {said[1] if said else error.operation_name}"
    file, _, function = where(error).partition(" in ")
    return f"{type(error).__name__} in {function} ({file.partition(':')[0]})" if function else type(error).__name__


def where(error: BaseException) -> str:
    """The innermost place of our own code that `error` passed, as `file:line in function`."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "unknown"
    # The innermost frame of our own code says more than a frame deep inside a library.
    own = [frame for frame in frames if frame.filename.startswith(_OWN_CODE)] or frames
    frame = own[-1]
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} in {frame.name}"
