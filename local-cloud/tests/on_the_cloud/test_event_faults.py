"""Events that come twice, late and out of order: every job's row ends as if they had not.

Run it on a local cloud, as `make test-e2e` does. It starts a simulator of its own, which does that to its
events, and asks it by itself how each job ended.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from local_cloud.harness import simulator
from local_cloud.harness.gateway import REGION, AccessKey, free_port
from local_cloud.harness.progress import step
from local_cloud.host_app import TERMINAL, HostApp
from local_cloud.media.files import make_clip

_FAULTS = ("--duplicate-events", "0.5", "--reorder-events", "0.5", "--delay-events-ms", "200")
_COMPLETE_JOBS = 6
_PATIENCE_SECONDS = 60
# Longer than the simulator holds an event back.
_QUIET_SECONDS = 3

Json = dict[str, Any]


class _Jobs:
    """Jobs of the faulty simulator, in the deployed stack's account."""

    def __init__(self, url: str, key: AccessKey, outputs: dict[str, str]) -> None:
        session = boto3.Session(key.id, key.secret, region_name=REGION)
        self._client = session.client("mediaconvert", endpoint_url=url)
        self._outputs = outputs

    def create(self, file: str, number: int) -> str:
        audio = {
            "Codec": "AAC",
            "AacSettings": {"Bitrate": 96000, "CodingMode": "CODING_MODE_2_0", "SampleRate": 48000},
        }
        output = {"ContainerSettings": {"Container": "MP4"}, "AudioDescriptions": [{"CodecSettings": audio}]}
        destination = {"Destination": f"s3://{self._outputs['MediaBucket']}/transcoded/event-faults/{number}/"}
        group = {"Type": "FILE_GROUP_SETTINGS", "FileGroupSettings": destination}
        created = self._client.create_job(
            Role=self._outputs["MediaConvertRoleArn"],
            UserMetadata={"number": str(number)},
            Settings={
                "Inputs": [{"FileInput": file}],
                "OutputGroups": [{"OutputGroupSettings": group, "Outputs": [output]}],
            },
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


def _wrong(app: HostApp, expected: dict[str, Json]) -> str:
    """The first row that tells something else; empty if none does."""
    for job_id, outcome in expected.items():
        if (told := _told(app.row(job_id))) != outcome:
            return f"the row of {job_id} tells {told} instead of {outcome}"
    return ""


def _ended(jobs: _Jobs, job_ids: list[str]) -> dict[str, Json]:
    """Waits for the end of all jobs; their outcomes."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        outcomes = {job_id: jobs.outcome(job_id) for job_id in job_ids}
        if all(outcomes.values()):
            return {job_id: outcome for job_id, outcome in outcomes.items() if outcome}
        if time.monotonic() > give_up_at:
            raise SystemExit(f"not all jobs end: {outcomes}")
        time.sleep(0.5)


def _await_rows(app: HostApp, expected: dict[str, Json]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while wrong := _wrong(app, expected):
        if time.monotonic() > give_up_at:
            raise SystemExit(wrong)
        time.sleep(0.2)
    time.sleep(_QUIET_SECONDS)
    if wrong := _wrong(app, expected):
        raise SystemExit(f"after the last events {wrong}")


def main() -> int:
    """Exit status 0 only if every row ends right."""
    described = json.loads(Path(os.environ["LOCAL_CLOUD"]).read_text())
    keys = {who: AccessKey(*described[who].values()) for who in ("hostApp", "mediaconvert")}
    session = boto3.Session(keys["hostApp"].id, keys["hostApp"].secret, region_name=REGION)
    app = HostApp(session, described["endpointUrl"], described["outputs"])
    port = free_port()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        logs = Path(described["logs"]) / "event-faults"
        logs.mkdir(exist_ok=True)
        make_clip(folder / "tone.m4a", 2, size=None)
        faulty = simulator.start(port, described["endpointUrl"], keys["mediaconvert"], logs, folder, *_FAULTS)
        try:
            jobs = _Jobs(f"http://127.0.0.1:{port}", keys["mediaconvert"], described["outputs"])
            with step("Jobs whose events come twice and out of order"):
                file = app.upload(folder / "tone.m4a")
                job_ids = [jobs.create_and_cancel(file, 0), jobs.create(f"{file}.missing", 1)]
                job_ids += [jobs.create(file, 2 + number) for number in range(_COMPLETE_JOBS)]
                outcomes = _ended(jobs, job_ids)
            statuses = [outcome["status"] for outcome in outcomes.values()]
            if statuses != ["CANCELED", "ERROR"] + ["COMPLETE"] * _COMPLETE_JOBS:
                raise SystemExit(f"the jobs end {statuses}")
            with step("Their rows end right all the same"):
                _await_rows(app, outcomes)
        finally:
            faulty.stop()
        log = faulty.log.read_text()
        if missing := [fault for fault in ("event duplicated", "event held back") if fault not in log]:
            raise SystemExit(f"{faulty.log} has no {' and no '.join(missing)}")
    print(f"event_faults: {len(outcomes)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
