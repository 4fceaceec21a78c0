"""Runs tests and ends with one line that counts them: `python3 count_tests.py make test-unit test-e2e`.

Each kind of test prints its own results between those of the others, cargo alone a line for each binary.
"""

import re
import signal
import subprocess
import sys
from collections import Counter

_CARGO = re.compile(r"test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored;")
_PLAIN = re.compile(r"(?:\w+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?")


def results(line: str) -> Counter[str]:
    """The tests that a line of output counts; none if it is of another kind."""
    found = _CARGO.match(line) or _PLAIN.fullmatch(line.rstrip())
    return Counter({name: int(count or 0) for name, count in found.groupdict().items()} if found else {})


def summary(total: Counter[str]) -> str:
    """The closing line."""
    skipped = f", {total['skipped']} skipped" if total["skipped"] else ""
    return f"{total['passed']} passed, {total['failed']} failed{skipped}"


def main(command: list[str]) -> int:
    """The command's own exit status; 1 if it succeeded without having run a test, or in spite of a failed one."""
    total: Counter[str] = Counter()
    # Ctrl-C reaches the command too, which may need a while to take things down.
    signal.signal(signal.SIGINT, lambda *_: None)
    # Standard error, with cargo's progress on it, stays with the terminal.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            total += results(line)
    if running.returncode:
        print(f"{' '.join(command)} ended with status {running.returncode}", file=sys.stderr)
    print(f"\n{summary(total)}")
    return running.returncode or int(total["passed"] == 0 or total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
