"""What the tests ask of the command."""

from typing import Any, Protocol


class Command(Protocol):
    """Runs `cloudretail` with --json."""

    def __call__(self, *words: str, code: int = 0) -> Any:
        """One command; fails unless it exits with `code`.

        Returns:
            What it prints, or where it prints nothing the words of its error.
        """
        ...
