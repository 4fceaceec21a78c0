"""Events that come twice, late and out of order: every job's row ends as if they had not.

The jobs run on a simulator of their own, which does that to its events, and which is asked how each job ended.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import sound_job
from local_cloud.harness import simulator
from local_cloud.harness.description import Description
from local_cloud.harness.gateway import REGION, free_port
from local_cloud.harness.waiting import wait_for
from local_cloud.host_app import TERMINAL, HostApp

_FAULTS = ("--duplicate-events", "0.5", "--reorder-events", "0.5", "--delay-events-ms", "200")
_ENDS = ["CANCELED", "ERROR", *["COMPLETE"] * 6]
_PATIENCE_SECONDS = 60
# Longer than the simulator holds an event back.
_QUIET_SECONDS = 3

Json = dict[str, Any]


class _Jobs:
    """Jobs of the faulty simulator, in the deployed stack's account."""

    def __init__(self, url: str, cloud: Description) -> None:
        key = cloud.mediaconvert
        session = boto3.Session(key.id, key.secret, region_name=REGION)
        self._client = session.client("mediaconvert", endpoint_url=url)
        self._outputs = cloud.outputs

    def create(self, file: str, number: int) -> str:
        destination = f"s3://{self._outputs['MediaBucket']}/transcoded/event-faults/{number}/"
        created = self._client.create_job(
            Role=self._outputs["MediaConvertRoleArn"],
            UserMetadata={"number": str(number)},
            Settings=sound_job.settings(file, destination),
        )
        return created["Job"]["Id"]

    def create_and_cancel(self, file: str, number: int) -> str:
        self._client.update_queue(Name="Default", Status="PAUSED")
        job_id = self.create(file, number)
        self._client.cancel_job(Id=job_id)
        self._client.update_queue(Name="Default", Status="ACTIVE")
        return job_id

    def outcome(self, job_id: str) -> Json | None:
        """What the job's row must tell; nothing before the job's end."""
        job = self._client.get_job(Id=job_id)["Job"]
        if job["Status"] not in TERMINAL:
            return None
        times = {name: int(time.timestamp()) for name, time in job["Timing"].items()}
        details = job.get("OutputGroupDetails", [])
        complete = job["Status"] == "COMPLETE"
        return {
            "status": job["Status"],
            "queue": job["Queue"],
            "userMetadata": job["UserMetadata"],
            "started": times.get("StartTime"),
            "finished": times["FinishTime"],
            "error": (job.get("ErrorCode"), job.get("ErrorMessage")),
            "durations": [output["DurationInMs"] for group in details for output in group["OutputDetails"]],
            "percentComplete": 100 if complete else None,
            "knows its input": complete,
        }


def _told(row: Json) -> Json:
    """The same, as the row tells it."""
    started, finished = (row[name] // 1000 if name in row else None for name in ("startedAt", "finishedAt"))
    return {
        "status": row.get("status"),
        "queue": row.get("queue"),
        "userMetadata": row.get("userMetadata"),
        "started": started,
        "finished": finished,
        "error": (row.get("errorCode"), row.get("errorMessage")),
        "durations": [output["durationMs"] for output in row.get("outputs", [])],
        "percentComplete": row.get("percentComplete"),
        "knows its input": "inputDetails" in row,
    }


@dataclass(frozen=True)
class _Ended:
    """The jobs by number: their ids, and what their rows must tell; and the simulator's log."""

    job_ids: list[str]
    outcomes: list[Json]
    log: str


@pytest.fixture(scope="module")
def ended(
    cloud: Description, host_app: HostApp, tone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Ended]:
    """One job for each end, run and reported with every fault."""
    logs = cloud.logs / "event-faults"
    logs.mkdir(exist_ok=True)
    port, work = free_port(), tmp_path_factory.mktemp("event-faults")
    faulty = simulator.start(port, cloud.endpoint_url, cloud.mediaconvert, logs, work, *_FAULTS)
    try:
        jobs = _Jobs(f"http://127.0.0.1:{port}", cloud)
        file = host_app.upload(tone)
        job_ids = [jobs.create_and_cancel(file, 0), jobs.create(f"{file}.missing", 1)]
        job_ids += [jobs.create(file, number) for number in range(2, len(_ENDS))]

        def outcomes() -> list[Json] | None:
            found = [outcome for job_id in job_ids if (outcome := jobs.outcome(job_id))]
            return found if len(found) == len(job_ids) else None

        found = wait_for("the end of every job", outcomes, _PATIENCE_SECONDS)
        for job_id, outcome in zip(job_ids, found, strict=True):
            _await_row(host_app, job_id, outcome)
        time.sleep(_QUIET_SECONDS)
        yield _Ended(job_ids, found, faulty.log.read_text())
    finally:
        faulty.stop()


def _await_row(host_app: HostApp, job_id: str, outcome: Json) -> None:
    """Waits for the row to be right; whether it is, and stays so, is for the test to say."""
    with suppress(TimeoutError):
        wait_for(f"the row of {job_id}", lambda: _told(host_app.row(job_id)) == outcome, seconds=30)


@pytest.mark.parametrize("number", range(len(_ENDS)), ids=[f"{n}-{end}" for n, end in enumerate(_ENDS)])
def test_the_row_ends_right_and_stays_so(number: int, ended: _Ended, host_app: HostApp) -> None:
    assert ended.outcomes[number]["status"] == _ENDS[number]
    assert _told(host_app.row(ended.job_ids[number])) == ended.outcomes[number]


@pytest.mark.parametrize("fault", ["event duplicated", "event held back"])
def test_the_faults_did_happen(fault: str, ended: _Ended) -> None:
    assert fault in ended.log
