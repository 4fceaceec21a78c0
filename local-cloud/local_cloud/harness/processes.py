"""Child processes with a log file each; the local cloud ends those it started and no others."""

import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .tools import ROOT
from .waiting import wait_for

_GRACE = 10


class BrokenError(Exception):
    """A part of the local cloud failed; `log` holds its whole output."""

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(what)
        self.log = log

    def last_lines(self, count: int = 15) -> str:
        """The end of the log, where the reason usually is."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


class Child:
    """A running child. A session of its own keeps the terminal's Ctrl-C from it, so that it lives until `stop`."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], logs: Path) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def broken(self, what: str) -> BrokenError:
        """The error to raise about this child."""
        return BrokenError(f"{self.name} {what}", self.log)

    def check(self) -> None:
        """Raises if the child has ended."""
        if (status := self._process.poll()) is not None:
            raise self.broken(f"ended with status {status}")

    def wait_for_line(self, pattern: str, seconds: float) -> None:
        """Waits until the child's output holds a match."""
        self._wait_until_ready(lambda: bool(re.search(pattern, self.log.read_text(errors="replace"))), seconds)

    def wait_for_url(self, url: str, seconds: float) -> None:
        """Waits until the child answers there."""

        def answers() -> bool:
            try:
                urllib.request.urlopen(url, timeout=1).close()
            except OSError:
                return False
            return True

        self._wait_until_ready(answers, seconds)

    def _wait_until_ready(self, is_ready: Callable[[], bool], seconds: float) -> None:
        def ready_or_ended() -> bool:
            self.check()
            return is_ready()

        try:
            wait_for(self.name, ready_or_ended, seconds, pause=0.05)
        except TimeoutError:
            raise self.broken(f"was not ready within {seconds:.0f} s") from None

    def finish(self) -> None:
        """Waits for the child to end by itself; raises unless it succeeded."""
        if status := self._process.wait():
            raise self.broken(f"ended with status {status}")

    def stop(self) -> None:
        """Ends the child, and what it started in turn."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def run(name: str, command: list[str], environment: dict[str, str], logs: Path) -> None:
    """Runs one command to its end; raises unless it succeeded."""
    child = Child(name, command, environment, logs)
    try:
        child.finish()
    finally:
        child.stop()
