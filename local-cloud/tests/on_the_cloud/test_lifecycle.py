"""The stack's life after its first deployment: updated in place, then deleted without a loss.

Run it on a local cloud, as `make test-e2e` does; the stack is gone afterwards.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from local_cloud.harness import stack
from local_cloud.harness.progress import step

_CHANGED = {
    "JobTtlDays": "30",
    "OutputPrefix": "renditions/",
    "HostWebhookUrl": "https://host.example/media/webhooks/aws-transcoding/",
    "MaxConcurrency": "5",
}
# Replacing one of these would lose data, or an address that others hold.
_IN_PLACE = ("JobsTable", "MediaBucket", "ApiKeySecret", "JobEventsFunction", "SubmitJobFunction", "MediaConvertRole")


def _resources() -> dict[str, str]:
    described = boto3.client("cloudformation").describe_stack_resources(StackName=stack.NAME)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}


def _expect(what: str, expected: Any, found: Any) -> None:
    if expected != found:
        raise SystemExit(f"{what} is {found!r} instead of {expected!r}")


def _update(template: Path, variables: dict[str, str], logs: Path) -> None:
    before, url = _resources(), _output("JobEventsUrl")
    stack.deploy(template, variables, _CHANGED, logs)
    after = _resources()
    for name in _IN_PLACE:
        _expect(name, before[name], after[name])
    _expect("JobEventsUrl", url, _output("JobEventsUrl"))
    if "HostRule" not in after:
        raise SystemExit("HostWebhookUrl made no rule")

    functions = boto3.client("lambda")
    submit_job = functions.get_function_configuration(FunctionName=after["SubmitJobFunction"])
    settings = submit_job["Environment"]["Variables"]
    _expect("JOB_TTL_DAYS", "30", settings["JOB_TTL_DAYS"])
    _expect("OUTPUT_PREFIX", "renditions/", settings["OUTPUT_PREFIX"])
    reserved = functions.get_function_concurrency(FunctionName=after["JobEventsFunction"])
    _expect("the reserved concurrency", 5, reserved.get("ReservedConcurrentExecutions"))


def _output(name: str) -> str:
    [described] = boto3.client("cloudformation").describe_stacks(StackName=stack.NAME)["Stacks"]
    return next(output["OutputValue"] for output in described["Outputs"] if output["OutputKey"] == name)


def _delete(variables: dict[str, str], logs: Path) -> None:
    table, bucket = _output("JobsTable"), _output("MediaBucket")
    rows = boto3.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"]
    objects = boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"]
    if not rows or not objects:
        raise SystemExit(f"there is nothing to lose: {rows} rows, {objects} objects; run the end-to-end tests first")
    stack.delete(variables, logs)
    _expect("the rows", rows, boto3.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"])
    _expect("the objects", objects, boto3.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"])
    try:
        status = boto3.client("cloudformation").describe_stacks(StackName=stack.NAME)["Stacks"][0]["StackStatus"]
    except ClientError:
        return
    _expect("the stack", "DELETE_COMPLETE", status)


def main() -> int:
    """Exit status 0 only if both went as they must."""
    description = json.loads(Path(os.environ["LOCAL_CLOUD"]).read_text())
    template, logs = Path(description["template"]), Path(description["logs"])
    variables = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    with step("Update the stack in place"):
        _update(template, variables, logs)
    with step("Delete it, keeping table and media"):
        _delete(variables, logs)
    print("lifecycle: 2 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
