"""Every permission of the stack's roles is needed: each is taken away, and an end-to-end test must fail.

A permission that no test misses is one too many, or one too little tested; either way this fails.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT
from policy_documents import Document, Permission, permissions

# By role, and each in this order: the first does most.
_SUBMISSION = (
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
_RECOVERY = (
    "recovery::of_a_job_whose_end_was_lost_every_output_is_found_again",
    "recovery::a_submission_that_nobody_came_back_for_is_finished_or_given_up",
    "recovery::a_dead_letter_that_is_no_event_is_set_aside_with_its_reason",
)
_ROTATION = ("rotation::a_rotation_ends_with_a_new_key_that_the_connection_sends_and_the_webhook_takes",)
_TESTS = {
    "JobEventsFunctionRole": _SUBMISSION,
    "SubmitJobFunctionRole": _SUBMISSION,
    "MediaConvertRole": _SUBMISSION,
    "EventsTargetRole": _SUBMISSION,
    "RecoverJobsFunctionRole": _RECOVERY,
    "RotateApiKeyFunctionRole": _ROTATION,
}
_FUNCTIONS = ("JobEventsFunction", "SubmitJobFunction", "RecoverJobsFunction", "RotateApiKeyFunction")
_PATIENCE_SECONDS = "8"
# As deployed; other tests have them wait for less.
_DEAD_LETTERS_WAIT_SECONDS = 900


@dataclass(frozen=True)
class _OfRole:
    """A permission of a role's inline policy."""

    role: str
    policy: str
    permission: Permission
    tests: tuple[str, ...]

    def put(self, cloud: Description, document: Document) -> None:
        """Makes the document the policy's."""
        iam = cloud.client("iam", cloud.administrator)
        iam.put_role_policy(RoleName=self.role, PolicyName=self.policy, PolicyDocument=json.dumps(document))


def _of_roles(cloud: Description) -> Iterator[_OfRole]:
    iam, resources = cloud.client("iam", cloud.administrator), cloud.resources()
    for role, tests in ((resources[name], tests) for name, tests in _TESTS.items()):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
            for permission in permissions(document):
                yield _OfRole(role, policy, permission, tests)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each permission that the deployed roles hold."""
    if "of_role" in metafunc.fixturenames:
        metafunc.parametrize("of_role", list(_of_roles(Description.here())), ids=lambda each: str(each.permission))


@pytest.fixture(scope="module")
def e2e() -> str:
    """The end-to-end tests' program."""
    command = ["cargo", "test", "--workspace", "--test", "e2e", "--no-run", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    [program] = {line["executable"] for line in map(json.loads, built.stdout.splitlines()) if line.get("executable")}
    return program


def _start_afresh(cloud: Description) -> None:
    """Dead letters are not repaired meanwhile, nor left from before, and no process has cached anything.

    Lambda starts new processes when the configuration is set.
    """
    resources, sqs = cloud.resources(), cloud.client("sqs", cloud.administrator)
    dead_letters = resources["EventsDeadLetterQueue"]
    sqs.set_queue_attributes(QueueUrl=dead_letters, Attributes={"DelaySeconds": str(_DEAD_LETTERS_WAIT_SECONDS)})
    sqs.purge_queue(QueueUrl=dead_letters)
    functions = cloud.client("lambda", cloud.administrator)
    for name in (resources[function] for function in _FUNCTIONS):
        memory = functions.get_function_configuration(FunctionName=name)["MemorySize"]
        functions.update_function_configuration(FunctionName=name, MemorySize=memory)


def _failing_test(e2e: str, tests: tuple[str, ...]) -> str | None:
    variables = {**os.environ, "E2E_PATIENCE_SECONDS": _PATIENCE_SECONDS, "RUST_BACKTRACE": "0"}
    for test in tests:
        command = [e2e, "-q", "--exact", test]
        ran = subprocess.run(command, cwd=ROOT / "tests", env=variables, capture_output=True, text=True)
        assert "1 passed" in ran.stdout or "1 failed" in ran.stdout, f"{test} did not run:\n{ran.stdout}{ran.stderr}"
        if ran.returncode:
            return test
    return None


def test_a_permission_is_needed(of_role: _OfRole, cloud: Description, e2e: str) -> None:
    of_role.put(cloud, of_role.permission.without())
    try:
        _start_afresh(cloud)
        assert _failing_test(e2e, of_role.tests), f"nobody misses {of_role.permission}"
    finally:
        of_role.put(cloud, of_role.permission.document)


def test_with_every_permission_in_place_no_test_fails(cloud: Description, e2e: str) -> None:
    _start_afresh(cloud)
    assert _failing_test(e2e, _SUBMISSION + _RECOVERY + _ROTATION) is None
