"""One soak from beginning to end."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..harness.cloud import LocalCloud, Options, running
from ..harness.progress import console, step
from ..harness.tools import STATE
from ..host_app import HostApp, plain
from ..media.files import make_clip
from . import report
from .chaos import Chaos
from .following import Following
from .plan import Planned, plan, warm_up
from .reckoning import Found, differences
from .recovery import Recovery
from .report import Report
from .submission import Submission
from .truth import EventLog, Truth, truths

# At once, as their rows have it.
_OPEN_JOBS = 150
_SHORT = 1000
_TAKES_MS, _MINUTE_MS = 3000, 600
# Without one more end for so long, something is stuck.
_PATIENCE_SECONDS = 180
# What can't become right need not be waited for as long.
_PATIENCE_WITHOUT_SECONDS = 40
_OLD_KEY_EVENTS, _OLD_KEY_SECONDS = 100, 15
_WITH_PREVIOUS_KEY = "event sent with the previous key"
# Every kind of fault happens, or the soak proves less than it claims.
_MUST_HAPPEN = (
    *("event dropped", "event duplicated", "event held back", "dead letter", "webhook down", "webhook refuses"),
    *("killed: JobEventsFunction", "killed: SubmitJobFunction"),
    *(f"call or request: dynamodb {fault}" for fault in ("throttled", "failed", "unanswered")),
    _WITH_PREVIOUS_KEY,
    "key rotated",
)


@dataclass(frozen=True)
class Soak:
    """What is asked for."""

    seed: int
    jobs: int
    without: str | None = None

    @property
    def is_short(self) -> bool:
        """Of so few jobs that what is to happen must happen more often."""
        return self.jobs <= _SHORT

    def run(self, logs: Path) -> Report:
        """The report, whatever it says."""
        with ExitStack() as parts:
            work = logs / "soak"
            work.mkdir()
            events, faults = work / "events.jsonl", work / "faults.json"
            parts.callback(shutil.rmtree, work, ignore_errors=True)
            cloud = parts.enter_context(running(self._options(events, faults), logs))
            return _Running(self, cloud, EventLog(events), faults).to_the_end()

    def _options(self, events: Path, faults: Path) -> Options:
        simulator = {
            "--reuse-outputs-ms": _TAKES_MS,
            "--status-update-interval-ms": _MINUTE_MS,
            "--max-concurrent-jobs": 1000,
            "--duplicate-events": 0.05,
            "--reorder-events": 0.1,
            # Of few jobs, some silent ones too.
            "--drop-events": 0.05 if self.is_short else 0.02,
            "--event-fault-seed": self.seed,
            "--event-log": events,
        }
        return Options(
            parameters={"SilentJobMinutes": "0"},
            simulator=tuple(str(word) for flag in simulator.items() for word in flag),
            ministack={"LOCAL_CLOUD_FAULTS": str(faults)},
        )


class _Running:
    def __init__(self, soak: Soak, cloud: LocalCloud, log: EventLog, faults: Path) -> None:
        self._soak = soak
        self._cloud = cloud
        self._log = log
        self._faults = faults
        key, region = cloud.description.mediaconvert, cloud.description.region
        session = boto3.Session(key.id, key.secret, region_name=region)
        self._mediaconvert = session.client("mediaconvert", endpoint_url=cloud.description.mediaconvert_url)
        self._app = HostApp(cloud.description)
        self._recovery = Recovery(cloud.description, soak.without)

    def to_the_end(self) -> Report:
        cloud = self._cloud.description
        planned = plan(self._soak.seed, self._soak.jobs, self._clip())
        self._recovery.hurry()
        started = time.monotonic()
        dynamodb = cloud.client("dynamodb", cloud.administrator)
        with Following(self._log, dynamodb, cloud.outputs["JobsTable"]) as following:
            submission = Submission(self._app, cloud, self._mediaconvert)
            chaos = self._submit(planned, submission, following)
            with step("Bring back what got lost"):
                self._recovery.until_quiet(_PATIENCE_SECONDS if not self._soak.without else _PATIENCE_WITHOUT_SECONDS)
        seconds = time.monotonic() - started
        with step("Compare every row with what the simulator knows"):
            return self._report(planned, submission, chaos, seconds)

    def _clip(self) -> str:
        clip = STATE / "soak-clip.mp4"
        make_clip(clip, 1, size=(128, 72), rate=10)
        return self._app.upload(clip)

    def _submit(self, planned: list[Planned], submission: Submission, following: Following) -> Chaos:
        """All requests, until the last job has ended; chaos goes on from the first outputs to the last end."""

        def is_open(count: int) -> bool:
            warm = count < warm_up() or len(following.told | following.silent) >= warm_up()
            return warm and count - len(following.told | following.silent) < _OPEN_JOBS

        with step("Transcode what the other jobs reuse"):
            submission.run(planned[: warm_up()], is_open)
            self._until(lambda: len(following.ended) >= warm_up())
        ministack = self._cloud.children[0].pid
        chaos = Chaos(self._soak.seed, self._faults, ministack, short=self._soak.is_short)
        with ThreadPoolExecutor(1) as operator:
            with chaos, _bar(len(planned)) as show:
                rest = planned[warm_up() :]
                half = len(rest) // 2
                room = lambda count: show(following) and is_open(warm_up() + count)  # noqa: E731
                submission.run(rest[:half], room)
                # While jobs go on, or no event would come with the previous key.
                change = operator.submit(self._change_the_key, chaos)
                submission.run(rest[half:], lambda count: room(half + count))
                submission.finish()
                self._until(lambda: show(following) and len(following.ended) >= len(planned), following)
            with step("Wait for the key's rotation"):
                change.result()
        return chaos

    def _change_the_key(self, chaos: Chaos) -> None:
        def meanwhile() -> None:
            # No process has seen the old key while it was the current one.
            chaos.happened["killed: for a new key"] += chaos.kill_workers(self._recovery.function("JobEventsFunction"))
            before, give_up_at = self._log.total, time.monotonic() + _PATIENCE_SECONDS
            while self._log.total < before + _OLD_KEY_EVENTS and time.monotonic() < give_up_at:
                time.sleep(0.5)
            # For the last of them to be delivered.
            time.sleep(_OLD_KEY_SECONDS)
            chaos.happened[_WITH_PREVIOUS_KEY] += self._log.total - before

        self._recovery.rotate_by_hand(meanwhile)
        chaos.happened["key changed by hand"] += 1
        chaos.happened["key rotated"] += self._recovery.rotate()

    def _until(self, is_done: Any, following: Following | None = None) -> None:
        """Waits for as long as there is progress."""
        last, since = -1, time.monotonic()
        while not is_done():
            self._cloud.check()
            time.sleep(0.2)
            now = len(following.ended) if following else 0
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > _PATIENCE_SECONDS:
                return

    def _report(self, planned: list[Planned], submission: Submission, chaos: Chaos, seconds: float) -> Report:
        cloud = self._cloud.description
        self._log.read_on()
        found_truths = list(truths(self._mediaconvert, self._log))
        ministack, simulator = (cloud.logs / f"{name}.log" for name in ("ministack", "mediaconvert-local"))
        found = Found(
            planned=planned,
            truths=found_truths,
            items=self._items(),
            objects=self._objects(),
            queues=self._recovery.queues(),
            open_items=self._recovery.open_items(),
            unauthorized=report.unauthorized(ministack),
        )
        happened = dict(report.faults(simulator, ministack) + chaos.happened)
        return Report(
            seed=self._soak.seed,
            jobs=len(found_truths),
            statuses=_count(found_truths),
            events=self._log.total,
            seconds=seconds,
            faults=happened,
            repeated_requests=submission.repeated,
            asked=self._recovery.asked,
            recovered=self._recovery.recovered,
            differences=[*differences(found), *_missed(happened)],
        )

    def _items(self) -> dict[str, dict[str, Any]]:
        cloud, read = self._cloud.description, TypeDeserializer().deserialize
        pages = cloud.client("dynamodb", cloud.administrator).get_paginator("scan")
        rows = (
            {name: plain(read(value)) for name, value in item.items()}
            for page in pages.paginate(TableName=cloud.outputs["JobsTable"])
            for item in page["Items"]
        )
        return {row["jobId"]: row for row in rows}

    def _objects(self) -> set[str]:
        cloud, bucket = self._cloud.description, self._app.bucket
        pages = cloud.client("s3", cloud.administrator).get_paginator("list_objects_v2")
        return {
            f"s3://{bucket}/{stored['Key']}"
            for page in pages.paginate(Bucket=bucket, Prefix="transcoded/soak/")
            for stored in page.get("Contents", [])
        }


def _count(found: list[Truth]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for truth in found:
        counts[truth.status] = counts.get(truth.status, 0) + 1
    return counts


def _missed(happened: dict[str, int]) -> list[str]:
    return [
        f"no {kind!r} happened: nothing is shown about it"
        for kind in _MUST_HAPPEN
        if not any(count and name.startswith(kind) for name, count in happened.items())
    ]


class _bar:  # noqa: N801
    """A progress bar of jobs whose rows tell their end."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console)
        self._task = self._progress.add_task("jobs ended", total=total)

    def __enter__(self) -> Any:
        self._progress.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _show(self, following: Following) -> bool:
        described = f"jobs ended · {following.log.total:,} events"
        self._progress.update(self._task, completed=len(following.told | following.silent), description=described)
        return True
