"""Runs test suites one after the other and counts their tests; the closing line claims no more than what ran.

    python -m local_cloud.suites run TARGET…                    make targets; a red one hides none of the others
    python -m local_cloud.suites count cargo|pytest COMMAND…    one test runner, called by such a target

Of each, report and exit status must tell one story: whoever ends badly without a failed test, or well without having
run one, counts as one failed. A target that calls no runner, such as `lint`, is one test.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

# Names the file into which the runners that a target calls write their results, a line each.
_LEDGER = "TEST_LEDGER"
_CARGO = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;")
# What each binary begins with; one that ends itself with status 0, cargo takes for a success.
_CARGO_BEGINS = re.compile(r"running \d+ tests?$")


@dataclass(frozen=True)
class Result:
    """What ran; `broken` says why one counts as failed that no test reported."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    broken: str = ""

    def __add__(self, other: "Result") -> "Result":
        broken = self.broken or other.broken
        return Result(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped, broken)

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def _unreported(reported: Result, status: int, name: str) -> Result:
    """The failure that the exit status tells of and the report does not; nothing if they agree."""
    if status and not reported.failed:
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return Result(failed=1, broken=f"{name} {ended} without a failed test")
    if reported == Result():
        return Result(failed=1, broken=f"{name} ran no test")
    return Result()


def _cargo(command: list[str]) -> tuple[int, Result]:
    """cargo prints a line for each binary. Standard error, with its progress on it, stays with the terminal."""
    total, begun, ended = Result(), 0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            begun += bool(_CARGO_BEGINS.match(line))
            if counted := _CARGO.match(line):
                ended += 1
                total += Result(*map(int, counted.groups()))
    if begun > ended and not running.returncode:
        silent = begun - ended
        total += Result(failed=silent, broken=f"{' '.join(command)}: {silent} of its programs ended without a result")
    return running.returncode, total


def _pytest(command: list[str]) -> tuple[int, Result]:
    with TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        status = subprocess.call([*command, f"--junitxml={report}"])
        # One that was killed has written none.
        return status, _junit(report) if report.exists() else Result()


def _junit(report: Path) -> Result:
    total = Result()
    for suite in ElementTree.parse(report).iter("testsuite"):
        tests, failures, errors, skipped = (
            int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")
        )
        total += Result(tests - failures - errors - skipped, failures + errors, skipped)
    return total


_RUNNERS = {"cargo": _cargo, "pytest": _pytest}


def count(runner: str, command: list[str]) -> int:
    """Runs one test runner and writes down what it ran; status 0 only if nothing failed."""
    status, result = _RUNNERS[runner](command)
    result += _unreported(result, status, " ".join(command))
    if result.broken:
        print(result.broken, file=sys.stderr)
    if ledger := os.environ.get(_LEDGER):
        _write(Path(ledger), result)
    return int(result.failed > 0)


def run(targets: list[str]) -> int:
    """Makes every target, whatever becomes of the others; status 0 only if something passed and nothing failed."""
    with _ledger() as (ledger, is_ours):
        for target in targets:
            before = len(_read(ledger))
            status = subprocess.call(["make", "--no-print-directory", target], env=without_ignored_errors())
            reported = _read(ledger)[before:]
            result = sum(reported, Result()) if reported else Result(passed=int(status == 0))
            unreported = _unreported(result, status, f"make {target}")
            _write(ledger, unreported if reported else result + unreported)
            print(f"{target}: {result + unreported}", flush=True)
            if _interrupted:
                break
        results = _read(ledger)
    total = sum(results, Result())
    if is_ours:
        print("", *(f"{one.broken}: counted as one failed" for one in results if one.broken), total, sep="\n")
    return 128 + signal.SIGINT if _interrupted else int(total.failed > 0 or total.passed == 0)


def without_ignored_errors() -> dict[str, str]:
    """`make -i` of the whole must not make a success of what failed in a part."""
    first, _, rest = os.environ.get("MAKEFLAGS", "").partition(" ")
    return {**os.environ, "MAKEFLAGS": f"{first.replace('i', '')} {rest}".strip()}


@contextmanager
def _ledger() -> Iterator[tuple[Path, bool]]:
    """The caller's, or one of our own."""
    if of_the_caller := os.environ.get(_LEDGER):
        yield Path(of_the_caller), False
        return
    with TemporaryDirectory() as folder:
        ledger = Path(folder) / "results.jsonl"
        ledger.touch()
        os.environ[_LEDGER] = str(ledger)
        yield ledger, True


def _write(ledger: Path, result: Result) -> None:
    with ledger.open("a") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def _read(ledger: Path) -> list[Result]:
    return [Result(**json.loads(line)) for line in ledger.read_text().splitlines()]


_interrupted: list[int] = []


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="local_cloud.suites", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("targets", nargs="+")
    one = commands.add_parser("count")
    one.add_argument("runner", choices=sorted(_RUNNERS))
    one.add_argument("argv", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    # Ctrl-C reaches what runs too, which may need a while to take things down: wait for it, and start nothing else.
    signal.signal(signal.SIGINT, lambda number, _: _interrupted.append(number))
    if arguments.command == "run":
        return run(arguments.targets)
    return count(arguments.runner, arguments.argv)


if __name__ == "__main__":
    sys.exit(main())
