"""`python -m local_cloud.soak`: exit status 0 only if everything is right in the end."""

import argparse
import json
import random
import signal
import sys

from ..harness import document
from ..harness.cloud import new_logs
from ..harness.processes import BrokenError
from ..harness.progress import console
from ..harness.tools import ROOT
from .recovery import MEANS
from .run import Soak

_DOCUMENT = ROOT / "docs" / "reliability.md"
_SHOWN = 50


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local_cloud.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=None, help="chooses jobs and faults; one is made up and printed")
    parser.add_argument("--without", choices=MEANS, help="takes a means of recovery away: the soak must fail")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--write", action="store_true", help=f"put the figures into {_DOCUMENT.relative_to(ROOT)}")
    return parser.parse_args()


def main() -> int:
    """The exit status: 1 if anything is wrong in the end."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    logs = new_logs()
    console.print(f"{arguments.jobs:,} jobs, seed {seed}. Logs of every part: {logs}", soft_wrap=True)
    try:
        report = Soak(seed, arguments.jobs, arguments.without).run(logs)
    except BrokenError as broken:
        console.print(f"\n{broken.last_lines()}\n\n{broken}; its whole log: {broken.log}", markup=False)
        return 1
    print(json.dumps(report.json(), indent=2) if arguments.json else report.markdown())
    for difference in report.differences[:_SHOWN]:
        console.print(f"✗ {difference}", style="red", markup=False, soft_wrap=True)
    if (more := len(report.differences) - _SHOWN) > 0:
        console.print(f"✗ and {more} more", style="red", markup=False)
    if report.differences:
        return 1
    if arguments.write:
        document.write(_DOCUMENT, "make soak", report.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
