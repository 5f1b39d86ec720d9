"""Tracebacks for people: the places in the shop's own code, and the error itself."""

import re

# Frames of a function's own code, on AWS and on the emulator.
OWN_FRAME = re.compile(r'File "(?:/var/task|.*/code)/(?P<file>[^"]+)", line (?P<line>\d+)')


def brief(traceback: str) -> str:
    """A traceback without the frames of libraries."""
    kept: list[str] = []
    own = False
    for row in traceback.splitlines():
        if row.lstrip().startswith('File "'):
            frame = OWN_FRAME.search(row)
            own = frame is not None
            if frame:
                kept.append(f"  {frame['file']}:{frame['line']}")
        elif not row.startswith(" ") and not row.startswith("Traceback"):
            kept.append(row.rstrip())
        elif own and not set(row) <= set(" ~^"):
            kept.append(f"  {row}")
    return "\n".join(kept)
