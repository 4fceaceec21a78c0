"""The files of events/ that `sam local invoke` is tested with, in order, and what must come of each."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import ANY

from local_cloud.harness.cloud import LocalCloud
from local_cloud.harness.sam_local import SAMPLE_BUCKET
from local_cloud.harness.tools import ROOT

# Every sample event is of this job.
SAMPLE_JOB = "1700000000000-abc123"

_EVENTS = ROOT / "events"


@dataclass(frozen=True)
class Invocation:
    """What to invoke, what it must answer, and what the job's row must hold afterwards (None: nothing)."""

    title: str
    function: str
    event: Callable[[LocalCloud], Path | dict[str, Any]]
    answer: dict[str, Any]
    row: dict[str, Any]


def invocations() -> list[Invocation]:
    """All of them, for a stack that has had no event yet."""
    return [*_unauthorized(), *_events(), *_recovery(), *_requests()]


def _is(event: Path | dict[str, Any]) -> Callable[[LocalCloud], Path | dict[str, Any]]:
    """An event that needs nothing of the cloud."""
    return lambda _: event


def _unauthorized() -> list[Invocation]:
    answer = _http(401, {"error": "unauthorized"})
    return [
        Invocation(file, "JobEventsFunction", _is(_EVENTS / file), answer, {"jobId": None})
        for file in ("job-events/complete.json", "job-events/complete-base64.json")
    ]


def _event_with_key(cloud: LocalCloud) -> dict[str, Any]:
    command = ["make", "--silent", "--no-print-directory", "event", "STATUS=COMPLETE"]
    made = subprocess.run(command, cwd=ROOT, env=cloud.environment(), stdout=subprocess.PIPE, check=True)
    return json.loads(made.stdout)


def _base64_with_key(cloud: LocalCloud) -> dict[str, Any]:
    event = json.loads((_EVENTS / "job-events" / "complete-base64.json").read_text())
    event["headers"]["x-api-key"] = _event_with_key(cloud)["headers"]["x-api-key"]
    return event


def _events() -> list[Invocation]:
    raw = "mediaconvert/progressing.json"
    progressing = {"status": "PROGRESSING", "startedAt": 1700000003654, "finishedAt": None}
    complete = {"status": "COMPLETE", "startedAt": 1700000003654, "finishedAt": 1700000123124}
    steps = [
        (raw, _is(_EVENTS / raw), _taken("PROGRESSING", "applied"), progressing),
        ("make event STATUS=COMPLETE", _event_with_key, _http(200, _taken("COMPLETE", "applied")), complete),
        ("complete-base64.json, right key", _base64_with_key, _http(200, _taken("COMPLETE", "duplicate")), complete),
        ("not an event", _is({}), _error("invalid_event", "detail is missing"), complete),
    ]
    return [Invocation(title, "JobEventsFunction", *rest) for title, *rest in steps]


def _recovery() -> list[Invocation]:
    letters, schedule = _EVENTS / "recover-jobs/dead-letters.json", _EVENTS / "recover-jobs/schedule.json"
    # What an earlier invocation wrote: a letter that comes late changes nothing, and no job is open.
    complete = {"status": "COMPLETE", "startedAt": 1700000003654, "finishedAt": 1700000123124}
    tally = dict.fromkeys(("jobsAsked", "jobsRecovered", "jobsNotFound", "stuckJobs", "claimsSettled"), 0)
    refused = {"errorType": "InvalidRequest", "errorMessage": ANY}
    return [
        Invocation("dead-letters.json", "RecoverJobsFunction", _is(letters), {"batchItemFailures": []}, complete),
        Invocation("schedule.json", "RecoverJobsFunction", _is(schedule), tally, complete),
        Invocation("neither trigger's", "RecoverJobsFunction", _is({}), refused, complete),
    ]


def _requests() -> list[Invocation]:
    profiles = {"mp4": "mp4", "webm": "webm", "settings": None, "url": "mp4"}
    batch = _EVENTS / "submit-job/batch.json"
    refused = _error("InvalidRequest", 'input: "clip.mov" must start with s3:// or https://')
    return [
        *(_request(f"submit-job/{name}.json", profile) for name, profile in profiles.items()),
        Invocation("batch.json", "SubmitJobFunction", _is(batch), {"batchItemFailures": []}, {}),
        Invocation("not a request", "SubmitJobFunction", _is({"input": "clip.mov"}), refused, {}),
    ]


def _request(file: str, profile: str | None) -> Invocation:
    request = json.loads((_EVENTS / file).read_text())
    # Without an output key the job gets one of its own.
    destination = f"s3://{SAMPLE_BUCKET}/transcoded/{request['outputKey']}/" if "outputKey" in request else ANY
    answer = {"jobId": ANY, "status": "SUBMITTED", "destination": destination, "idempotent": False}
    row = {"input": request["input"], "profile": profile, "destination": destination, "submittedAt": ANY}
    return Invocation(file, "SubmitJobFunction", _is(_EVENTS / file), answer, row)


def _taken(status: str, outcome: str) -> dict[str, Any]:
    return {"jobId": SAMPLE_JOB, "status": status, "outcome": outcome}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"errorType": kind, "errorMessage": message}


def _http(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """A Function URL's answer, its body as JSON."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": body,
        "isBase64Encoded": False,
        "cookies": [],
    }
