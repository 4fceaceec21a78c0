"""mediaconvert-local as its users reach it: with boto3 and with the AWS CLI, and the same from both.

The simulator is called by itself, without the gateway in front.
"""

import copy
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import sound_job
from botocore import xform_name
from botocore.exceptions import ClientError
from local_cloud.harness.access_key import AccessKey
from local_cloud.harness.description import Description
from local_cloud.harness.gateway import REGION
from local_cloud.harness.tools import ROOT, environment
from local_cloud.harness.waiting import wait_for

_README = ROOT / "crates" / "mediaconvert-local" / "README.md"
_DENIED = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \([^)]*\))?: (.*)", re.DOTALL)

# An operation with its parameters, to what it answers.
Call = Callable[..., dict[str, Any]]


class RefusedError(Exception):
    """What the service answered instead: the error's code and message."""


def _boto3(url: str, key: AccessKey) -> Call:
    client = boto3.Session(key.id, key.secret, region_name=REGION).client("mediaconvert", endpoint_url=url)

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            return getattr(client, xform_name(operation))(**parameters)
        except ClientError as error:
            raise RefusedError(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error

    return call


def _aws_cli(url: str, key: AccessKey) -> Call:
    variables = environment(AWS_DEFAULT_REGION=REGION, **key.variables())
    aws = [sys.executable, "-m", "awscli", "mediaconvert", "--endpoint-url", url]

    def call(operation: str, **parameters: Any) -> dict[str, Any]:
        command = [*aws, xform_name(operation, "-"), "--no-paginate", "--cli-input-json", json.dumps(parameters)]
        ran = subprocess.run(command, env=variables, capture_output=True, text=True)
        if ran.returncode == 0:
            return json.loads(ran.stdout or "{}")
        told = _DENIED.search(ran.stderr)
        assert told, f"{' '.join(command)}: {ran.stderr}"
        raise RefusedError(told[1], told[2].strip())

    return call


_CLIENTS = {"boto3": _boto3, "aws-cli": _aws_cli}


def _job(queue: str, file: str) -> dict[str, Any]:
    settings = sound_job.settings(file, "s3://media/clients/")
    return {"Role": "arn:aws:iam::000000000000:role/nobody", "Queue": queue, "Settings": settings}


def _with(job: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    changed = copy.deepcopy(job)
    change(changed["Settings"])
    return changed


_FILE = _job("Default", "s3://media/clip.mov")
_REFUSED = {
    "an enum": (
        "CreateJob",
        _with(_FILE, lambda job: job["OutputGroups"][0]["Outputs"][0]["ContainerSettings"].update(Container="AVI")),
    ),
    "a pattern": ("CreateJob", _with(_FILE, lambda job: job.update(TimecodeConfig={"Start": "noon"}))),
    "a range": ("CreateJob", {**_FILE, "Priority": 51}),
    "an unknown queue": ("CreateJob", _job("nowhere", "s3://media/clip.mov")),
    "an unknown job": ("GetJob", {"Id": "1700000000000-nobody"}),
}


@pytest.fixture(params=_CLIENTS)
def call(request: pytest.FixtureRequest, cloud: Description) -> Call:
    """One of the clients."""
    return _CLIENTS[request.param](cloud.mediaconvert_url, AccessKey.generate())


def _refusal(call: Call, operation: str, parameters: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(RefusedError) as refused:
        call(operation, **parameters)
    return refused.value.args


def test_a_client_creates_gets_lists_searches_and_cancels(call: Call) -> None:
    name = f"clients-{uuid.uuid4()}"
    queue = call("CreateQueue", Name=name, Status="PAUSED")["Queue"]["Arn"]
    file = f"s3://media/{name}.mov"
    request = {**_job(queue, file), "ClientRequestToken": name[:64]}
    job = call("CreateJob", **request)["Job"]["Id"]
    assert call("CreateJob", **request)["Job"]["Id"] == job
    assert call("GetJob", Id=job)["Job"]["Id"] == job
    assert [one["Id"] for one in call("ListJobs", Queue=queue)["Jobs"]] == [job]
    assert [one["Id"] for one in call("SearchJobs", InputFile=file)["Jobs"]] == [job]
    call("CancelJob", Id=job)
    wait_for("CANCELED", lambda: call("GetJob", Id=job)["Job"]["Status"] == "CANCELED", seconds=30)
    assert _refusal(call, "CancelJob", {"Id": job})[0] == "ConflictException"


@pytest.mark.parametrize("what", _REFUSED)
def test_both_clients_are_refused_in_the_same_words(what: str, cloud: Description) -> None:
    of_boto3, of_cli = (
        _refusal(client(cloud.mediaconvert_url, AccessKey.generate()), *_REFUSED[what]) for client in _CLIENTS.values()
    )
    assert of_cli == of_boto3


@pytest.mark.parametrize(("language", "command"), [("python", [sys.executable, "-c"]), ("sh", ["sh", "-exc"])])
def test_the_readmes_example_runs_as_it_stands(language: str, command: list[str], cloud: Description) -> None:
    [example] = re.findall(rf"```{language}\n(.*?)```", _README.read_text(), re.DOTALL)
    example = example.replace("http://127.0.0.1:4570", cloud.mediaconvert_url)
    variables = environment(**AccessKey.generate().variables())
    ran = subprocess.run([*command, example], env=variables, capture_output=True, text=True)
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
