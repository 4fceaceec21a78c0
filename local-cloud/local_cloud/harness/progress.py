"""One line on the terminal for each step: what it does, whether it worked, how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

# Standard output belongs to what the command answers.
console = Console(stderr=True, highlight=False)

_WIDTH = 44


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Shows `doing` while the block runs, and its outcome afterwards."""
    started = time.monotonic()
    outcome = "[red]✗[/]"
    try:
        with console.status(doing):
            yield
        outcome = "[green]✓[/]"
    finally:
        console.print(f" {outcome} {doing:<{_WIDTH}} {time.monotonic() - started:6.1f} s")
