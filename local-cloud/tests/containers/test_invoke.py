"""The functions in containers by `sam local invoke`, with the files of events/, against a deployed stack.

In this order: each invocation finds the rows that those before it left.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from local_cloud.harness import containers
from local_cloud.harness.cloud import LocalCloud, Options, new_logs, running
from local_cloud.harness.relay import relayed
from local_cloud.harness.sam_local import SamLocal
from local_cloud.host_app import HostApp

from .invocations import SAMPLE_JOB, Invocation, invocations


@pytest.fixture(scope="session")
def bridge() -> str:
    """This machine's address for containers. Without Docker the rest is still worth testing; CI tests it all."""
    try:
        containers.prepare()
        return containers.host_address()
    except containers.NoContainersError as missing:
        reason = f"`sam local invoke` needs a Docker engine that has or can pull the Lambda runtime's image ({missing})"
    if "true" in (os.environ.get("CI"), os.environ.get("REQUIRE_DOCKER")):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def cloud(bridge: str, pytestconfig: pytest.Config) -> Iterator[LocalCloud]:
    """A cloud whose table is empty. It takes minutes to come up, so it shows how far it is."""
    capturing = pytestconfig.pluginmanager.getplugin("capturemanager")
    with ExitStack() as up:
        with capturing.global_and_fixture_disabled():
            cloud = up.enter_context(running(Options(), new_logs()))
        yield cloud
        with capturing.global_and_fixture_disabled():
            up.close()


@pytest.fixture(scope="session")
def sam(cloud: LocalCloud, bridge: str) -> Iterator[SamLocal]:
    """`sam local invoke`, with the cloud's endpoint where containers reach it."""
    with relayed(cloud.description.endpoint_url, bridge) as endpoint_url:
        yield SamLocal.prepare(cloud, endpoint_url)


@pytest.mark.parametrize("invocation", invocations(), ids=lambda each: each.title)
def test_an_invocation_is_answered_and_leaves_its_row(invocation: Invocation, cloud: LocalCloud, sam: SamLocal) -> None:
    answer = sam.invoke(invocation.function, invocation.event(cloud))
    if "body" in answer:
        answer["body"] = json.loads(answer["body"])
    assert answer == invocation.answer
    row = _row(cloud, answer.get("jobId", SAMPLE_JOB))
    assert {name: row.get(name) for name in invocation.row} == invocation.row


def _row(cloud: LocalCloud, job_id: str) -> dict[str, Any]:
    return HostApp(cloud.description, cloud.description.administrator).row(job_id)
