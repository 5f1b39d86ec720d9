"""What `cloudretail doctor` looks at: checks that change nothing, each with the cure for what it finds."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        about: what was looked at, in a few words.
        ok: whether it is as it has to be.
        text: how it is.
        cure: what to do; empty where there is nothing to do.
    """

    about: str
    ok: bool
    text: str
    cure: str = ""


type Check = Callable[[], Finding]


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run each check; one that cannot be carried out is a finding, and the others go on.

    Args:
        checks: each with what it looks at.
    """
    for about, check in checks:
        try:
            yield check()
        except Exception as error:
            yield Finding(about, False, f"could not be looked at: {error}")
