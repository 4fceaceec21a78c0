"""What a host application does with its policy, each thing by itself: the uses that HostAppPolicy is for."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sound_job
from local_cloud.harness.waiting import wait_for
from local_cloud.host_app import HostApp


def _queue(app: HostApp, name: str) -> str:
    return app.client("mediaconvert").get_queue(Name=name)["Queue"]["Arn"]


def _create_job(app: HostApp, queue: str, input_uri: str) -> str:
    """As wagtailmedia does: the role's ARN is looked up by its name."""
    role = app.client("iam").get_role(RoleName=app.outputs["MediaConvertRoleName"])["Role"]["Arn"]
    destination = f"s3://{app.bucket}/transcoded/host-uses/{uuid.uuid4()}/"
    created = app.client("mediaconvert").create_job(
        Role=role, Queue=queue, Settings=sound_job.settings(input_uri, destination)
    )
    return created["Job"]["Id"]


def creates_a_job_directly(app: HostApp, _tone: Path) -> None:
    # It may fail for want of its input: that is after it was created.
    assert _create_job(app, _queue(app, "Default"), f"s3://{app.bucket}/uploads/nothing.m4a")


def follows_and_cancels_a_job_in_the_extra_queue(app: HostApp, _tone: Path) -> None:
    mediaconvert = app.client("mediaconvert")
    job_id = _create_job(app, _queue(app, "paused"), f"s3://{app.bucket}/uploads/nothing.m4a")
    assert mediaconvert.get_job(Id=job_id)["Job"]["Status"] == "SUBMITTED"
    mediaconvert.cancel_job(Id=job_id)


def uploads_lists_downloads(app: HostApp, tone: Path) -> None:
    key = app.upload(tone).removeprefix(f"s3://{app.bucket}/")
    s3 = app.client("s3")
    listed = s3.list_objects_v2(Bucket=app.bucket, Prefix=key)["Contents"]
    assert [each["Key"] for each in listed] == [key]
    assert s3.get_object(Bucket=app.bucket, Key=key)["Body"].read() == tone.read_bytes()


def deletes_what_it_uploaded(app: HostApp, tone: Path) -> None:
    key = app.upload(tone).removeprefix(f"s3://{app.bucket}/")
    app.client("s3").delete_object(Bucket=app.bucket, Key=key)


def submits_by_invocation_and_reads_the_row(app: HostApp, tone: Path) -> None:
    job_id = app.submit({"input": app.upload(tone), "profile": "audio"})["jobId"]
    assert wait_for("the row", lambda: app.row(job_id), seconds=10)["jobId"] == job_id


def reads_several_rows_at_once(app: HostApp, _tone: Path) -> None:
    keys = [{"jobId": {"S": f"nobody-{number}"}} for number in range(2)]
    table = app.outputs["JobsTable"]
    read = app.client("dynamodb").batch_get_item(RequestItems={table: {"Keys": keys}})
    assert read["Responses"].get(table, []) == []


def submits_by_the_queue(app: HostApp, tone: Path) -> None:
    request: dict[str, Any] = {"input": f"s3://{app.bucket}/uploads/{tone.name}", "idempotencyKey": str(uuid.uuid4())}
    app.client("sqs").send_message(QueueUrl=app.outputs["SubmitQueueUrl"], MessageBody=json.dumps(request))


USES: tuple[Callable[[HostApp, Path], None], ...] = (
    creates_a_job_directly,
    follows_and_cancels_a_job_in_the_extra_queue,
    uploads_lists_downloads,
    deletes_what_it_uploaded,
    submits_by_invocation_and_reads_the_row,
    reads_several_rows_at_once,
    submits_by_the_queue,
)
