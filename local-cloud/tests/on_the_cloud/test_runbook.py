"""The commands of docs/operations.md, as they stand there, on the deployed stack.

A section's commands run one after the other, after the functions that the page begins with. What a section is about is
there first: a letter to receive, a job to cancel.
"""

import json
import re
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import runbook
from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT
from local_cloud.harness.waiting import wait_for

_RUNBOOK = (ROOT / "docs" / "operations.md").read_text()
# Sections whose commands aren't run here, and why.
_LEFT_OUT = {
    "The key": "test_key_rotation.py runs them",
    "Redrive": "ministack has no StartMessageMoveTask",
    "Deleting the stack": "test_lifecycle.py runs them, and deletes the stack in between",
}


def _sections() -> dict[str, str]:
    """The commands of each section that has some."""
    commands: dict[str, str] = {}
    for section in re.split(r"^## ", _RUNBOOK, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        if blocks := re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            commands[title] = "\n".join(blocks)
    return commands


class _Situation:
    """What a section is about, brought about: more for the shell, and what must be true afterwards."""

    def __init__(self, cloud: Description) -> None:
        self.cloud = cloud
        self.shell = ""

    def client(self, service: str) -> Any:
        return self.cloud.client(service, self.cloud.administrator)

    def letter(self, output: str, body: Any) -> None:
        """A letter in the queue that an output names; the commands must have deleted it."""
        url = self.cloud.outputs[output]
        self.client("sqs").purge_queue(QueueUrl=url)
        reason = {"ERROR_CODE": {"DataType": "String", "StringValue": "Test"}}
        self.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=reason)

    def letters(self, output: str) -> int:
        """How many are there, due or being tried."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.cloud.outputs[output]
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def has_row(self, job_id: str) -> bool:
        """Whether the jobs table knows the job."""
        key = {"jobId": {"S": job_id}}
        return "Item" in self.client("dynamodb").get_item(TableName=self.cloud.outputs["JobsTable"], Key=key)

    def job_whose_row_is_lost(self) -> str:
        """A job that events told of, and that the table knew."""
        detail = _event("complete-file-group")["detail"]
        detail["queue"] = f"arn:aws:mediaconvert:{self.cloud.region}:{self.cloud.account_id}:queues/Default"
        event = {"Source": "aws.mediaconvert", "DetailType": "MediaConvert Job State Change"}
        mediaconvert = self.cloud.client("events", self.cloud.mediaconvert)
        mediaconvert.put_events(Entries=[{**event, "Detail": json.dumps(detail)}])
        wait_for("the row", lambda: self.has_row(detail["jobId"]), seconds=30)
        key = {"jobId": {"S": detail["jobId"]}}
        self.client("dynamodb").delete_item(TableName=self.cloud.outputs["JobsTable"], Key=key)
        return detail["jobId"]


def _event(name: str) -> dict[str, Any]:
    event = json.loads((ROOT / "events" / "mediaconvert" / f"{name}.json").read_text())
    event["detail"]["jobId"] = f"{int(time.time() * 1000)}-{uuid.uuid4().hex[:6]}"
    return event


class _Host(BaseHTTPRequestHandler):
    """A host application that takes what has a key."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        knows = self.headers["X-API-Key"] and json.loads(body)["detail"]["jobId"]
        self.send_response(200 if knows else 401)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def situation(request: pytest.FixtureRequest, cloud: Description) -> Iterator[_Situation]:
    """The one of the test's section."""
    made = _Situation(cloud)
    match request.getfixturevalue("section"):
        case "UnappliedEventsAlarm":
            made.letter("UnappliedEventsQueueUrl", _event("complete-file-group"))
            yield made
            assert made.letters("UnappliedEventsQueueUrl") == 0
        case "HostDeadLettersAlarm":
            made.letter("HostDeadLetterQueueUrl", _event("complete-file-group"))
            with ThreadingHTTPServer(("127.0.0.1", 0), _Host) as host:
                Thread(target=host.serve_forever, daemon=True).start()
                # The stack was deployed without one, and EventBridge wants https.
                url, connection = f"http://127.0.0.1:{host.server_port}/", cloud.resources()["EventsConnection"]
                made.shell = f"parameter() {{ echo {url}; }}; resource() {{ echo {connection}; }}"
                yield made
                host.shutdown()
            assert made.letters("HostDeadLetterQueueUrl") == 0
        case "SubmitDeadLettersAlarm":
            made.letter("SubmitDeadLetterQueueUrl", {"input": f"s3://{cloud.outputs['MediaBucket']}/no-such-file.mov"})
            yield made
            assert made.letters("SubmitDeadLetterQueueUrl") == 0
        case "Replay a day":
            job_id = made.job_whose_row_is_lost()
            yield made
            # It comes after all that the tests before sent today, thousands of events.
            wait_for("the row", lambda: made.has_row(job_id), seconds=300)
        case "Another queue":
            queue = made.client("mediaconvert").create_queue(Name="old-queue")["Queue"]["Arn"]
            made.shell = f"OLD_QUEUE_ARN={queue}"
            yield made
        case _:
            yield made


@pytest.mark.parametrize("section", [section for section in _sections() if section not in _LEFT_OUT])
def test_the_commands_run(section: str, situation: _Situation, cloud: Description, tmp_path: Path) -> None:
    runbook.run(f"{situation.shell}\n{_sections()[section]}", cloud, tmp_path)


def test_what_is_left_out_is_there() -> None:
    assert set(_LEFT_OUT) <= set(_sections())
