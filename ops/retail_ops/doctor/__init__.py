"""What `cloudretail doctor` looks at: checks that change nothing, each with the cure for what it finds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """The result of a check.

    Attributes:
        ok: whether it is as it has to be.
        text: how it is.
        cure: what to do; empty where there is nothing to do.
    """

    ok: bool
    text: str
    cure: str = ""


@dataclass(frozen=True)
class Finding(Answer):
    """An answer, and what was looked at.

    Attributes:
        about: what was looked at, in a few words.
    """

    about: str = field(kw_only=True)


type Check = Callable[[], Answer]


def examine(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run each check; one that cannot be carried out is a finding, and the others go on.

    Args:
        checks: by what they look at.
    """
    for about, check in checks.items():
        try:
            answer = check()
        except Exception as error:
            answer = Answer(False, f"could not be looked at: {error}")
        yield Finding(**vars(answer), about=about)
