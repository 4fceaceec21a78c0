"""What the simulator knows of each job: what its API answers, and the events as they arose."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TERMINAL = ("COMPLETE", "CANCELED", "ERROR")


@dataclass(frozen=True)
class Event:
    """An event as it arose; a dropped one never reached the bus."""

    job_id: str
    number: int
    status: str
    timestamp: int
    dropped: bool
    # Of COMPLETE.
    paths: tuple[str, ...] = ()
    playlists: tuple[str, ...] = ()

    @classmethod
    def read(cls, line: str) -> "Event":
        """One line of the simulator's event log."""
        logged = json.loads(line)
        detail = logged["detail"]
        groups = detail.get("outputGroupDetails", [])
        outputs = [output for group in groups for output in group["outputDetails"]]
        return cls(
            job_id=detail["jobId"],
            number=int(detail["userMetadata"]["soak"]),
            status=detail["status"],
            timestamp=detail["timestamp"],
            dropped=logged["dropped"],
            paths=tuple(path for output in outputs for path in output.get("outputFilePaths", [])),
            playlists=tuple(path for group in groups for path in group.get("playlistFilePaths", [])),
        )


@dataclass
class EventLog:
    """The simulator's event log, read on as it grows."""

    path: Path
    statuses: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    by_job: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    _offset: int = 0

    def read_on(self) -> list[Event]:
        """The events since the last time."""
        with self.path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        events = [Event.read(line) for line in whole.decode().splitlines()]
        for event in events:
            self.statuses[event.status] += 1
            self.dropped += event.dropped
            self.by_job[event.job_id].append(event)
        return events

    @property
    def total(self) -> int:
        """How many events arose."""
        return self.statuses.total()


@dataclass(frozen=True)
class Truth:
    """A job that has ended, whole."""

    job_id: str
    number: int
    status: str
    queue: str
    started: int | None
    finished: int | None
    error: tuple[int | None, str | None]
    events: tuple[Event, ...]

    def arrived(self, *statuses: str) -> list[Event]:
        """The events of these statuses that reached the bus."""
        return [event for event in self.events if event.status in statuses and not event.dropped]


def truths(mediaconvert: Any, log: EventLog) -> Iterator[Truth]:
    """Every job of the simulator."""
    for job in _jobs(mediaconvert):
        seconds = {name: int(time.timestamp()) for name, time in job["Timing"].items()}
        yield Truth(
            job_id=job["Id"],
            number=int(job["UserMetadata"]["soak"]),
            status=job["Status"],
            queue=job["Queue"],
            started=seconds.get("StartTime"),
            finished=seconds.get("FinishTime"),
            error=(job.get("ErrorCode"), job.get("ErrorMessage")),
            events=tuple(log.by_job.get(job["Id"], ())),
        )


def _jobs(mediaconvert: Any) -> Iterable[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        page = mediaconvert.list_jobs(Order="ASCENDING", MaxResults=20, **token)
        yield from page["Jobs"]
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}
