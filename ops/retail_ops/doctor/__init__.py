"""The checks of `cloudretail doctor`. They change nothing, and name the cure for what they find."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """The result of a check.

    Attributes:
        ok: whether everything is right.
        text: the present state.
        cure: what to do; empty if there is nothing to do.
    """

    ok: bool
    text: str
    cure: str = ""


@dataclass(frozen=True)
class Finding(Answer):
    """An answer, with the subject of its check.

    Attributes:
        about: what was checked, in a few words.
    """

    about: str = field(kw_only=True)


type Check = Callable[[], Answer]


def examine(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run each check. A check that raises is a finding, and the others go on.

    Args:
        checks: by their subject.
    """
    for about, check in checks.items():
        try:
            answer = check()
        except Exception as error:
            answer = Answer(False, f"could not be looked at: {error}")
        yield Finding(**vars(answer), about=about)
