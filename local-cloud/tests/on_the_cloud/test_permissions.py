"""Every permission is needed: takes each away from the deployed stack, and expects a test to fail.

Run it on a local cloud, as `make test-e2e` does. A permission that no test misses is one too
many, or one too little tested; either way this fails.
"""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from local_cloud.harness import stack
from local_cloud.harness.progress import console

# In this order: the first does most.
_TESTS = (
    "jobs::a_job_ends_complete_with_a_playable_file_and_a_row_that_tells_all",
    "jobs::a_job_template_is_followed_under_our_prefix",
    "jobs::inputs_come_from_the_further_buckets_too",
    "jobs::what_mediaconvert_refuses_comes_back_in_its_words",
    "queue::a_queued_request_becomes_a_job_that_its_claim_names",
    "queue::what_no_retry_can_cure_is_a_dead_letter_at_once_with_its_reason",
    "queue::a_request_may_name_another_of_the_stacks_queues",
    "idempotency::a_refused_request_may_come_again_corrected_under_its_key",
    "idempotency::a_job_that_was_created_but_not_written_down_is_found",
    "jobs::a_job_whose_input_is_missing_ends_in_mediaconverts_own_error",
)
_ROLES = ("JobEventsFunctionRole", "SubmitJobFunctionRole", "MediaConvertRole")
_FUNCTIONS = ("JobEventsFunction", "SubmitJobFunction")
_PATIENCE_SECONDS = "8"


@dataclass(frozen=True)
class Permission:
    """One action on one resource of one inline policy."""

    role: str
    policy: str
    document: dict[str, Any]
    statement: int
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.action} on {self.resource.rsplit(':', 1)[-1]}"

    def without(self) -> dict[str, Any]:
        """The policy's document with this permission taken out."""
        document = copy.deepcopy(self.document)
        statement = document["Statement"][self.statement]
        kept = [resource for resource in _list(statement["Resource"]) if resource != self.resource]
        if kept:
            statement["Resource"] = kept
        else:
            # A policy may not be empty: what is left allows nothing.
            statement["Effect"] = "Deny"
            statement["Resource"] = "arn:aws:s3:::nothing"
        return document


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resources() -> dict[str, str]:
    described = boto3.client("cloudformation").describe_stack_resources(StackName=stack.NAME)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}


def _permissions(iam: Any, role: str) -> Iterator[Permission]:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        for index, statement in enumerate(document["Statement"]):
            for action in _list(statement["Action"]):
                for resource in _list(statement["Resource"]):
                    yield Permission(role, policy, document, index, action, resource)


def _put(iam: Any, permission: Permission, document: dict[str, Any]) -> None:
    iam.put_role_policy(RoleName=permission.role, PolicyName=permission.policy, PolicyDocument=json.dumps(document))


def _restart(functions: list[str]) -> None:
    """New processes, which have fetched and cached nothing yet: Lambda starts them when the configuration is set."""
    client = boto3.client("lambda")
    for function in functions:
        memory = client.get_function_configuration(FunctionName=function)["MemorySize"]
        client.update_function_configuration(FunctionName=function, MemorySize=memory)


def _failing_test() -> str | None:
    environment = {**os.environ, "E2E_PATIENCE_SECONDS": _PATIENCE_SECONDS, "RUST_BACKTRACE": "0"}
    for test in _TESTS:
        command = ["cargo", "test", "-q", "--workspace", "--test", "e2e", "--", "--exact", test]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        if "1 passed" not in ran.stdout and "1 failed" not in ran.stdout:
            raise SystemExit(f"{test} did not run:\n{ran.stdout}{ran.stderr}")
        if ran.returncode:
            return test
    return None


def main() -> int:
    """Exit status 0 only if each missing permission fails a test, and none fails with all in place."""
    iam = boto3.client("iam")
    resources = _resources()
    functions = [resources[name] for name in _FUNCTIONS]
    permissions = [p for role in _ROLES for p in _permissions(iam, resources[role])]
    unmissed = 0
    for permission in permissions:
        _put(iam, permission, permission.without())
        _restart(functions)
        failing = _failing_test()
        _put(iam, permission, permission.document)
        unmissed += failing is None
        mark, what = ("[green]✓[/]", f"fails {failing}") if failing else ("[red]✗[/]", "nobody misses it")
        console.print(f" {mark} {permission!s:<60} {what}", soft_wrap=True)
    _restart(functions)
    if failing := _failing_test():
        console.print(f"[red]✗[/] {failing} fails with every permission in place")
        return 1
    print(f"permissions: {len(permissions) - unmissed} passed, {unmissed} failed")
    return 1 if unmissed or not permissions else 0


if __name__ == "__main__":
    sys.exit(main())
