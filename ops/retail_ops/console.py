"""Where the command writes."""

from rich.console import Console

out = Console(highlight=False)
"""Results."""

err = Console(stderr=True, highlight=False)
"""Progress, questions and errors, so that results can be piped."""
