"""The progress that a long command shows."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console

type Note = Callable[[str], None]
"""Adds a few words to the step that is shown, such as "12 of 24"."""


class Progress(Protocol):
    def step(self, title: str) -> AbstractContextManager[Note]:
        """Show a step for as long as the context lasts."""


class Silent:
    """No output, for use as a library."""

    @contextmanager
    def step(self, title: str) -> Iterator[Note]:  # noqa: ARG002
        yield lambda _text: None


class Steps:
    """A line for each step: a spinner while it runs on a terminal, its duration once it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Note]:
        begin = time.monotonic()
        said = ""
        with self._console.status(f"{title} ...") as status:

            def note(text: str) -> None:
                nonlocal said
                said = text
                status.update(f"{title} ... [dim]{text}[/dim]")

            if not self._console.is_terminal:
                self._console.print(f"  {title} ...")
            try:
                yield note
            except BaseException:
                self._console.print(f"[red]✗[/red] {title}")
                raise
        tail = f" [dim]{said}[/dim]" if said else ""
        self._console.print(f"[green]✓[/green] {title} [dim]{time.monotonic() - begin:.1f} s[/dim]{tail}")
