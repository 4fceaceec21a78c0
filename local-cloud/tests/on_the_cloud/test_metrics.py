"""Every metric of ours that an alarm or the dashboard names is one that the functions write, dimension by dimension.

What they write is read where CloudWatch would have it: out of their logs, after they did what there is to count.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT
from local_cloud.host_app import HostApp
from published_metrics import OURS

# A metric's name and its dimensions with their values.
Written = tuple[str, frozenset[tuple[str, str]]]


def _event(name: str, job_id: str) -> dict[str, Any]:
    event = json.loads((ROOT / "events" / "mediaconvert" / f"{name}.json").read_text())
    event["detail"]["jobId"] = job_id
    return event


def _message(body: str) -> dict[str, Any]:
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "handle",
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:dead-letters",
        "awsRegion": "us-east-1",
    }


def _knock(cloud: Description) -> None:
    headers = {"Host": cloud.outputs["JobEventsUrl"].split("/")[2], "X-API-Key": "wrong"}
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(cloud.endpoint_url, b"{}", headers, method="POST"))


@pytest.fixture(scope="module")
def written(cloud: Description, host_app: HostApp, tone: Path) -> set[Written]:
    """What is there after a job of each end, events and letters of each outcome, a wrong key and a check."""
    resources, functions = cloud.resources(), cloud.client("lambda", cloud.administrator)

    def invoke(function: str, payload: Any) -> None:
        functions.invoke(FunctionName=resources[function], Payload=json.dumps(payload))

    job_id = f"{int(time.time() * 1000)}-{uuid.uuid4().hex[:6]}"
    for name in ("progressing", "canceled", "canceled", "progressing", "error", "canceled"):
        invoke("JobEventsFunction", _event(name, job_id))
    unknown = _event("progressing", job_id)
    unknown["detail"]["status"] = "UNHEARD_OF"
    invoke("JobEventsFunction", unknown)
    letters = ["complete-file-group", "complete-file-group", "error"]
    batch = [_message(json.dumps(_event(name, job_id))) for name in letters] + [_message("no event")]
    invoke("RecoverJobsFunction", {"Records": batch})
    cloud.client("sqs", cloud.administrator).purge_queue(QueueUrl=resources["UnappliedEventsQueue"])
    invoke("RecoverJobsFunction", {"source": "aws.scheduler", "detail-type": "Scheduled Event"})
    _knock(cloud)
    submitted = host_app.submit({"input": host_app.upload(tone), "profile": "audio"})
    assert host_app.finished(submitted["jobId"])["status"] == "COMPLETE"

    pages = cloud.client("cloudwatch", cloud.administrator).get_paginator("list_metrics").paginate(Namespace=OURS)
    return {(metric["MetricName"], _values(metric["Dimensions"])) for page in pages for metric in page["Metrics"]}


def _values(dimensions: list[dict[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((each["Name"], each["Value"]) for each in dimensions)


def _of_alarms(cloud: Description) -> Iterator[Written]:
    for alarm in cloud.client("cloudwatch", cloud.administrator).describe_alarms()["MetricAlarms"]:
        metrics = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics") or [] if "MetricStat" in each]
        for metric in metrics or [alarm]:
            if metric["Namespace"] == OURS:
                yield metric["MetricName"], _values(metric["Dimensions"])


def _of_dashboard(cloud: Description) -> Iterator[Written]:
    client = cloud.client("cloudwatch", cloud.administrator)
    body = client.get_dashboard(DashboardName=cloud.resources()["Dashboard"])["DashboardBody"]
    for widget in json.loads(body)["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            named = [each for each in metric if isinstance(each, str)]
            if named and named[0] == OURS:
                _, name, *dimensions = named
                yield name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True))


def test_what_alarms_look_at_is_written(cloud: Description, written: set[Written]) -> None:
    named = set(_of_alarms(cloud))
    assert named
    assert named - written == set()


def test_what_the_dashboard_shows_is_written(cloud: Description, written: set[Written]) -> None:
    named = set(_of_dashboard(cloud))
    assert named
    assert named - written == set()


@pytest.mark.parametrize("outcome", ["applied", "duplicate", "stale", "ignored"])
def test_what_the_dashboard_searches_for_is_written(outcome: str, written: set[Written]) -> None:
    found = [dict(dimensions) for name, dimensions in written if name == "Events"]
    assert [each for each in found if each["Outcome"] == outcome]
    assert all(set(each) == {"FunctionName", "EventStatus", "Outcome"} for each in found)
