"""Waiting for something to come true: the one way it is done here."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T], seconds: float, pause: float = 0.2) -> T:
    """The first answer that is true; `TimeoutError` with the last one if none is in time."""
    give_up_at = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {seconds:g} s" + ("" if answer is None else f", but {answer!r}"))
        time.sleep(pause)
    return answer
