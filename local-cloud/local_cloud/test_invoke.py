"""`make test-invoke`: both functions in containers by `sam local invoke`, against a deployed stack."""

import json
import os
from pathlib import Path
from typing import Any

from .harness import containers
from .harness.cloud import LocalCloud, running
from .harness.processes import BrokenError
from .harness.progress import console, step
from .harness.relay import relayed
from .harness.sam_local import SamLocal
from .invocations import SAMPLE_JOB, Invocation, invocations


class UnexpectedError(Exception):
    """The function did something else."""


def run(logs: Path) -> int:
    """Exit status 0 if every invocation went as it must, or if none could be made and none had to be."""
    try:
        containers.prepare()
        address = containers.host_address()
    except containers.NoContainersError as missing:
        return _not_run(missing)
    with running({}, logs) as cloud, relayed(cloud.gateway.url, address) as endpoint_url:
        sam = SamLocal.prepare(cloud, endpoint_url)
        outcomes = [_passes(cloud, sam, invocation) for invocation in invocations(cloud)]
    print(f"invocations: {outcomes.count(True)} passed, {outcomes.count(False)} failed")
    return 0 if all(outcomes) else 1


def _not_run(missing: containers.NoContainersError) -> int:
    """On a machine without Docker the rest is still worth testing; CI tests it all."""
    required = "true" in (os.environ.get("CI"), os.environ.get("REQUIRE_DOCKER"))
    console.print(
        "Not run: `sam local invoke`, which needs a Docker engine that has or can pull the Lambda runtime's image "
        f"({missing})",
        markup=False,
        soft_wrap=True,
    )
    print("invocations: 0 passed, 1 failed" if required else "invocations: 0 passed, 0 failed, 1 skipped")
    return 1 if required else 0


def _passes(cloud: LocalCloud, sam: SamLocal, invocation: Invocation) -> bool:
    try:
        with step(invocation.title):
            _check(cloud, sam, invocation)
    except UnexpectedError as unexpected:
        console.print(f"   {unexpected}", markup=False, soft_wrap=True)
        return False
    except BrokenError as broken:
        console.print(f"   {broken}:\n{broken.last_lines()}", markup=False, soft_wrap=True)
        return False
    return True


def _check(cloud: LocalCloud, sam: SamLocal, invocation: Invocation) -> None:
    answer = sam.invoke(invocation.function, invocation.event)
    if "body" in answer:
        answer["body"] = json.loads(answer["body"])
    _compare("the answer", invocation.answer, answer)
    row = _row(cloud, answer.get("jobId", SAMPLE_JOB))
    _compare("the row", invocation.row, {name: row.get(name) for name in invocation.row})


def _compare(what: str, expected: dict[str, Any], found: dict[str, Any]) -> None:
    if expected != found:
        raise UnexpectedError(f"{what} is {found} instead of {expected}")


def _row(cloud: LocalCloud, job_id: str) -> dict[str, Any]:
    session = cloud.gateway.session(cloud.administrator)
    table = session.resource("dynamodb", endpoint_url=cloud.gateway.url).Table(cloud.outputs["JobsTable"])
    return table.get_item(Key={"jobId": job_id}, ConsistentRead=True).get("Item", {})
