"""The stack's life after its first deployment: updated in place, deleted without a loss, and created anew.

In this order, and after everything else: the stack is another one afterwards.
"""

import re
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from local_cloud.harness import stack
from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT, environment
from local_cloud.harness.waiting import wait_for

_CHANGED = {
    "JobTtlDays": "30",
    "OutputPrefix": "renditions/",
    "HostWebhookUrl": "https://host.example/media/webhooks/aws-transcoding/",
    "MaxConcurrency": "5",
}
# Replacing one of these would lose data, or an address that others hold.
_IN_PLACE = ("JobsTable", "MediaBucket", "ApiKeySecret", "JobEventsFunction", "SubmitJobFunction", "MediaConvertRole")
_NOT_DUE_BEFORE_THE_END = 900


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


def _send(cloud: Description, url: str, body: str, delay_seconds: int = 0) -> None:
    code = {"ERROR_CODE": {"DataType": "String", "StringValue": "SDK_CLIENT_ERROR"}}
    sqs = cloud.client("sqs", cloud.administrator)
    sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=code, DelaySeconds=delay_seconds)


def _waiting(cloud: Description, url: str) -> int:
    """How many messages a queue holds that nobody is handling."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    sqs = cloud.client("sqs", cloud.administrator)
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def _messages(cloud: Description, url: str) -> dict[str, str | None]:
    """What lies in a queue: bodies, each with its error code."""
    sqs = cloud.client("sqs", cloud.administrator)
    received = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    return {
        message["Body"]: message.get("MessageAttributes", {}).get("ERROR_CODE", {}).get("StringValue")
        for message in received.get("Messages", [])
    }


def _queues(cloud: Description) -> dict[str, str]:
    """The stack's queues."""
    cloudformation = cloud.client("cloudformation", cloud.administrator)
    described = cloudformation.describe_stack_resources(StackName=cloud.stack_name)["StackResources"]
    queues = [each for each in described if each["ResourceType"] == "AWS::SQS::Queue"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in queues}


@pytest.fixture(scope="module")
def first_queues(cloud: Description) -> dict[str, str]:
    """Those of the stack before it is deleted, each with one message, which no function takes meanwhile."""
    queues, sqs = _queues(cloud), cloud.client("sqs", cloud.administrator)
    for url in queues.values():
        sqs.purge_queue(QueueUrl=url)
        _send(cloud, url, "not due yet", _NOT_DUE_BEFORE_THE_END)
    return queues


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


def test_a_deletion_keeps_rows_media_and_what_nobody_has_handled(
    cloud: Description, variables: dict[str, str], first_queues: dict[str, str]
) -> None:
    before = _kept(cloud)
    assert all(before), "there is nothing to lose: run the tests before this one too"
    stack.delete(variables, cloud.logs)
    assert _kept(cloud) == before
    assert {_waiting(cloud, url) for url in first_queues.values()} == {1}
    cloudformation = cloud.client("cloudformation", cloud.administrator)
    try:
        [described] = cloudformation.describe_stacks(StackName=cloud.stack_name)["Stacks"]
    except ClientError:
        return
    assert described["StackStatus"] == "DELETE_COMPLETE"


def _commands(section: str) -> list[str]:
    """The commands of a section of the runbook, block by block."""
    text = (ROOT / "docs" / "operations.md").read_text()
    [_, found] = re.split(rf"^## {re.escape(section)}\n", text, flags=re.MULTILINE)
    return re.findall(r"^```sh\n(.*?)^```$", re.split(r"^## ", found, flags=re.MULTILINE)[0], re.MULTILINE | re.DOTALL)


def test_a_stack_created_anew_takes_over_what_was_kept_by_the_runbooks_commands(
    cloud: Description, variables: dict[str, str], first_queues: dict[str, str], tmp_path: Path
) -> None:
    note, move = _commands("Deleting the stack")
    operator = {**variables, "AWS_DEFAULT_REGION": cloud.region, "STACK": cloud.stack_name}

    # `aws sqs` of version 1 takes no endpoint from the environment.
    here = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }\n'

    def run(commands: str) -> None:
        subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here + commands], cwd=tmp_path, env=environment(**operator), check=True
        )

    for name, url in first_queues.items():
        _send(cloud, url, f"from {name}")
    run(note)
    stack.deploy(cloud.template, variables, {}, cloud.logs)
    run(move)

    second_queues = _queues(cloud)
    assert not set(second_queues.values()) & set(first_queues.values())
    assert {_waiting(cloud, url) for url in first_queues.values()} == {1}, "not all that was due has moved"
    for name in second_queues.keys() - {"SubmitQueue"}:
        assert _waiting(cloud, second_queues[name]), name
    assert _messages(cloud, second_queues["HostDeadLetterQueue"]) == {"from HostDeadLetterQueue": "SDK_CLIENT_ERROR"}
    # submit-job has taken it there, and it is no request.
    refused = second_queues["SubmitDeadLetterQueue"]
    wait_for("the refusal of what was moved", lambda: "from SubmitQueue" in _messages(cloud, refused), seconds=30)
