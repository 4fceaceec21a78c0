"""What the soak did and found, for people and for programs."""

import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

_SIMULATOR_FAULTS = re.compile(r"event (duplicated|held back|dropped)")
_MINISTACK = re.compile(r"\[induced-faults\] (.*)|(delivered) after ([1-9]\d*) retries|(dead-lettered)")
# Such as GNU terminals make of the simulator's log.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_UNAUTHORIZED = re.compile(r"attempt \d+ failed: .*status code 401")


@dataclass(frozen=True)
class Report:
    """Figures of one soak."""

    seed: int
    jobs: int
    statuses: dict[str, int]
    events: int
    seconds: float
    faults: dict[str, int]
    repeated_requests: int
    asked: int
    recovered: int
    differences: list[str]

    def json(self) -> dict[str, object]:
        """With what follows from the figures."""
        return {**asdict(self), "eventsPerSecond": round(self.events / self.seconds, 1)}

    def markdown(self) -> str:
        """Two tables."""
        figures = {
            "Seed": str(self.seed),
            "Jobs": f"{self.jobs:,}",
            **{f"… {status}": f"{count:,}" for status, count in sorted(self.statuses.items())},
            "Events": f"{self.events:,}",
            "Time": f"{self.seconds / 60:.1f} min, {self.events / self.seconds:.0f} events a second",
            "Requests repeated": f"{self.repeated_requests:,}",
            "Silent jobs asked for, and recovered": f"{self.asked:,}, {self.recovered:,}",
            "Rows, claims, queues or outputs that were wrong in the end": f"{len(self.differences):,}",
        }
        faults = {name: f"{count:,}" for name, count in sorted(self.faults.items())}
        return _table("Soak", "", figures) + "\n" + _table("What went wrong meanwhile", "times", faults)


def _table(head: str, value: str, rows: dict[str, str]) -> str:
    return (
        "\n".join([f"| {head} | {value} |", "|---|---|", *(f"| {name} | {is_} |" for name, is_ in rows.items())]) + "\n"
    )


def faults(simulator: Path, ministack: Path) -> Counter[str]:
    """What the two logs tell of faults."""
    found: Counter[str] = Counter()
    with simulator.open(errors="replace") as log:
        for line in log:
            if fault := _SIMULATOR_FAULTS.search(_COLOUR.sub("", line)):
                found[f"event {fault[1]}"] += 1
    with ministack.open(errors="replace") as log:
        for line in log:
            if told := _MINISTACK.search(line):
                found[_name(told)] += 1
    return found


def unauthorized(ministack: Path) -> int:
    """Attempts at a delivery that were refused because of their key."""
    with ministack.open(errors="replace") as log:
        return sum(bool(_UNAUTHORIZED.search(line)) for line in log)


def _name(told: re.Match[str]) -> str:
    if told[1]:
        return f"call or request: {told[1].strip()}"
    return "delivered after retries" if told[2] else "dead letter"
