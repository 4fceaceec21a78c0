"""The stack's life after its first deployment: updated in place, then deleted without a loss.

In this order, and after everything else: the stack is gone afterwards.
"""

import pytest
from botocore.exceptions import ClientError
from local_cloud.harness import stack
from local_cloud.harness.description import Description

_CHANGED = {
    "JobTtlDays": "30",
    "OutputPrefix": "renditions/",
    "HostWebhookUrl": "https://host.example/media/webhooks/aws-transcoding/",
    "MaxConcurrency": "5",
}
# Replacing one of these would lose data, or an address that others hold.
_IN_PLACE = ("JobsTable", "MediaBucket", "ApiKeySecret", "JobEventsFunction", "SubmitJobFunction", "MediaConvertRole")


@pytest.fixture
def variables(cloud: Description) -> dict[str, str]:
    """An operator's, for `sam`."""
    return {"AWS_ENDPOINT_URL": cloud.endpoint_url, **cloud.administrator.variables()}


def _webhook(cloud: Description) -> str:
    client = cloud.client("cloudformation", cloud.administrator)
    [described] = client.describe_stacks(StackName=cloud.stack_name)["Stacks"]
    return next(output["OutputValue"] for output in described["Outputs"] if output["OutputKey"] == "JobEventsUrl")


def _kept(cloud: Description) -> tuple[int, int]:
    """How many rows and objects there are."""
    dynamodb, s3 = (cloud.client(service, cloud.administrator) for service in ("dynamodb", "s3"))
    rows = dynamodb.scan(TableName=cloud.outputs["JobsTable"], Select="COUNT")["Count"]
    return rows, s3.list_objects_v2(Bucket=cloud.outputs["MediaBucket"])["KeyCount"]


def test_an_update_changes_settings_in_place(cloud: Description, variables: dict[str, str]) -> None:
    before, url = cloud.resources(), _webhook(cloud)
    stack.deploy(cloud.template, variables, _CHANGED, cloud.logs)
    after = cloud.resources()
    assert {name: after[name] for name in _IN_PLACE} == {name: before[name] for name in _IN_PLACE}
    assert _webhook(cloud) == url
    assert "HostRule" in after

    functions = cloud.client("lambda", cloud.administrator)
    submit_job = functions.get_function_configuration(FunctionName=after["SubmitJobFunction"])
    settings = submit_job["Environment"]["Variables"]
    assert (settings["JOB_TTL_DAYS"], settings["OUTPUT_PREFIX"]) == ("30", "renditions/")
    reserved = functions.get_function_concurrency(FunctionName=after["JobEventsFunction"])
    assert reserved.get("ReservedConcurrentExecutions") == 5


def test_a_deletion_keeps_rows_and_media(cloud: Description, variables: dict[str, str]) -> None:
    before = _kept(cloud)
    assert all(before), "there is nothing to lose: run the tests before this one too"
    stack.delete(variables, cloud.logs)
    assert _kept(cloud) == before
    cloudformation = cloud.client("cloudformation", cloud.administrator)
    try:
        [described] = cloudformation.describe_stacks(StackName=cloud.stack_name)["Stacks"]
    except ClientError:
        return
    assert described["StackStatus"] == "DELETE_COMPLETE"
