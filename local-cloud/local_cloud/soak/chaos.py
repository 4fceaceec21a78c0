"""What goes wrong between the simulator and the rows, one thing after the other, chosen by the seed.

First each kind once, so that a short soak meets them all; then any, until it is told to stop. Two are there from the
beginning to the end and no part of this: events dropped, duplicated and reordered are the simulator's own faults.
"""

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# A function's calls, one share each: throttled, failed, carried out and not answered.
_CALLS = ("dynamodb", "secretsmanager", "mediaconvert", "sqs")
# What waits for a webhook that is down is sent in the calm after it. A short soak meets every kind in its minutes.
_CALM_SECONDS, _SHORT_SOAKS_CALM_SECONDS = (10, 30), (2, 6)

Weather = dict[str, Any]


class Chaos:
    """Runs on a thread of its own."""

    def __init__(self, seed: int, faults: Path, ministack: int, *, short: bool) -> None:
        """`faults` is the file that ministack reads its faults from, `ministack` its process."""
        self._calm = _SHORT_SOAKS_CALM_SECONDS if short else _CALM_SECONDS
        self.happened: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._faults = faults
        self._ministack = ministack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Chaos":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._set({})

    def kill_workers(self, function: str) -> int:
        """Kills all of a function's processes; how many there were."""
        return sum(_killed(pid) for pid, name in workers(self._ministack) if name == function)

    def _run(self) -> None:
        for kind in self._kinds():
            if self._stop.wait(self._random.uniform(*self._calm)):
                return
            kind()

    def _kinds(self) -> Iterator[Callable[[], None]]:
        kinds = [self._webhook_down, self._webhook_refuses, self._calls_fail, self._kill_some]
        yield from self._random.sample(kinds, len(kinds))
        while True:
            yield self._random.choice(kinds)

    def _webhook_down(self) -> None:
        """For longer than EventBridge tries: dead letters."""
        status = self._random.choice([429, 500, 502, 503])
        self._for_a_while("webhook down", 4, 7, {"functionUrl": {"status": status, "ratio": 1}})

    def _webhook_refuses(self) -> None:
        """What EventBridge never repeats: dead letters at once."""
        ratio = self._random.uniform(0.2, 0.8)
        self._for_a_while("webhook refuses", 1, 3, {"functionUrl": {"status": 404, "ratio": ratio}})

    def _calls_fail(self) -> None:
        shares = {fault: self._random.uniform(0.05, 0.2) for fault in ("throttled", "failed", "unanswered")}
        self._for_a_while("calls to AWS fail", 4, 10, {"calls": dict.fromkeys(_CALLS, shares)})

    def _kill_some(self) -> None:
        """Some seconds in which functions' processes are killed, busy or not, of one function after the other."""
        for turn in range(self._random.randint(4, 10)):
            found = sorted(workers(self._ministack))
            if functions := sorted({name for _, name in found}):
                function = functions[turn % len(functions)]
                pid = self._random.choice([pid for pid, name in found if name == function])
                self.happened[f"killed: {function.split('-')[-2]}"] += _killed(pid)
            self._stop.wait(self._random.uniform(0.1, 0.6))

    def _for_a_while(self, name: str, least: float, most: float, weather: Weather) -> None:
        self.happened[name] += 1
        self._set({"seed": self._random.getrandbits(32), **weather})
        self._stop.wait(self._random.uniform(least, most))
        self._set({})

    def _set(self, weather: Weather) -> None:
        new = self._faults.with_suffix(".new")
        new.write_text(json.dumps(weather))
        new.replace(self._faults)


def workers(ministack: int) -> Iterator[tuple[int, str]]:
    """The functions' processes, ministack's own children: their ids and functions."""
    for children in Path(f"/proc/{ministack}/task").glob("*/children"):
        for pid in map(int, _read(children).split()):
            variables = dict(entry.partition("=")[::2] for entry in _read(Path(f"/proc/{pid}/environ")).split("\0"))
            if name := variables.get("AWS_LAMBDA_FUNCTION_NAME"):
                yield pid, name


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # It has ended.
        return ""


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
