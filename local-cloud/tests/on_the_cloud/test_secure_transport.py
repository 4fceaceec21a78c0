"""Bucket and queues serve nobody over plain HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from local_cloud.harness.description import Description
from local_cloud.host_app import HostApp


def _say_that_no_tls_brought_it(request: AWSPreparedRequest, **_: Any) -> None:
    request.headers["X-Forwarded-Proto"] = "http"


def _fails_with(code: str, use: Callable[[], Any]) -> bool:
    with pytest.raises(ClientError) as refused:
        use()
    return refused.value.response["Error"]["Code"].rpartition(".")[2] == code


@pytest.fixture
def over_plain_http(cloud: Description) -> HostApp:
    """A host application that does without TLS."""
    app = HostApp(cloud)
    for service in ("s3", "sqs"):
        app.client(service).meta.events.register("before-send", _say_that_no_tls_brought_it)
    return app


def test_the_bucket_is_closed_to_plain_http(host_app: HostApp, over_plain_http: HostApp) -> None:
    listed = {"Bucket": host_app.bucket, "MaxKeys": 1}
    assert host_app.client("s3").list_objects_v2(**listed)
    assert _fails_with("AccessDenied", lambda: over_plain_http.client("s3").list_objects_v2(**listed))
    missing = {"Bucket": host_app.bucket, "Key": "nothing"}
    assert _fails_with("NoSuchKey", lambda: host_app.client("s3").get_object(**missing))
    assert _fails_with("AccessDenied", lambda: over_plain_http.client("s3").get_object(**missing))


def test_the_submit_queue_is_closed_to_plain_http(over_plain_http: HostApp) -> None:
    message = {"QueueUrl": over_plain_http.outputs["SubmitQueueUrl"], "MessageBody": "{}"}
    assert _fails_with("AccessDenied", lambda: over_plain_http.client("sqs").send_message(**message))
