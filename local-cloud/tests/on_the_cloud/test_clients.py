"""mediaconvert-local as its users reach it: with boto3 and with the AWS CLI, and the same from both.

Run it on a local cloud, as `make test-e2e` does. The simulator is called by itself, without the
gateway in front.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError
from local_cloud.harness.gateway import REGION, AccessKey
from local_cloud.harness.progress import step
from local_cloud.harness.tools import ROOT, environment

_PATIENCE_SECONDS = 30
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
        if not (told := _DENIED.search(ran.stderr)):
            raise SystemExit(f"{' '.join(command)}: {ran.stderr}")
        raise RefusedError(told[1], told[2].strip())

    return call


def _job(queue: str, file: str) -> dict[str, Any]:
    audio = {"Codec": "AAC", "AacSettings": {"Bitrate": 96000, "CodingMode": "CODING_MODE_2_0", "SampleRate": 48000}}
    output = {"ContainerSettings": {"Container": "MP4"}, "AudioDescriptions": [{"CodecSettings": audio}]}
    group = {"Type": "FILE_GROUP_SETTINGS", "FileGroupSettings": {"Destination": "s3://media/clients/"}}
    settings = {"Inputs": [{"FileInput": file}], "OutputGroups": [{"OutputGroupSettings": group, "Outputs": [output]}]}
    return {"Role": "arn:aws:iam::000000000000:role/nobody", "Queue": queue, "Settings": settings}


def _creates_gets_lists_searches_and_cancels(call: Call) -> None:
    name = f"clients-{uuid.uuid4()}"
    queue = call("CreateQueue", Name=name, Status="PAUSED")["Queue"]["Arn"]
    file = f"s3://media/{name}.mov"
    request = {**_job(queue, file), "ClientRequestToken": name[:64]}
    job = call("CreateJob", **request)["Job"]
    _expect("a repeated token's job", job["Id"], call("CreateJob", **request)["Job"]["Id"])
    _expect("the job", job["Id"], call("GetJob", Id=job["Id"])["Job"]["Id"])
    _expect("ListJobs", [job["Id"]], [one["Id"] for one in call("ListJobs", Queue=queue)["Jobs"]])
    _expect("SearchJobs", [job["Id"]], [one["Id"] for one in call("SearchJobs", InputFile=file)["Jobs"]])
    call("CancelJob", Id=job["Id"])
    _until("the job is canceled", lambda: call("GetJob", Id=job["Id"])["Job"]["Status"] == "CANCELED")
    _expect("CancelJob of a canceled job", "ConflictException", _refusal(call, "CancelJob", Id=job["Id"])[0])


def _refusals(call: Call) -> list[tuple[str, str]]:
    file = _job("Default", "s3://media/clip.mov")
    enum, pattern = json.loads(json.dumps(file)), json.loads(json.dumps(file))
    enum["Settings"]["OutputGroups"][0]["Outputs"][0]["ContainerSettings"]["Container"] = "AVI"
    pattern["Settings"]["TimecodeConfig"] = {"Start": "noon"}
    return [
        _refusal(call, "CreateJob", **enum),
        _refusal(call, "CreateJob", **pattern),
        _refusal(call, "CreateJob", **file, Priority=51),
        _refusal(call, "CreateJob", **_job("nowhere", "s3://media/clip.mov")),
        _refusal(call, "GetJob", Id="1700000000000-nobody"),
    ]


def _runs_the_readme(url: str, key: AccessKey) -> None:
    """The examples of its quick start, as they stand there but for the port."""
    for language, command in {"python": [sys.executable, "-c"], "sh": ["sh", "-exc"]}.items():
        [example] = re.findall(rf"```{language}\n(.*?)```", _README.read_text(), re.DOTALL)
        example = example.replace("http://127.0.0.1:4570", url)
        ran = subprocess.run([*command, example], env=environment(**key.variables()), capture_output=True, text=True)
        if ran.returncode:
            raise SystemExit(f"the README's {language} example ends with {ran.returncode}:\n{ran.stdout}{ran.stderr}")


def _refusal(call: Call, operation: str, **parameters: Any) -> tuple[str, str]:
    try:
        answer = call(operation, **parameters)
    except RefusedError as refused:
        return refused.args[0], refused.args[1]
    raise SystemExit(f"{operation} {parameters} is not refused: {answer}")


def _expect(what: str, expected: Any, found: Any) -> None:
    if expected != found:
        raise SystemExit(f"{what} is {found!r} instead of {expected!r}")


def _until(what: str, holds: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > give_up_at:
            raise SystemExit(f"{what}: not after {_PATIENCE_SECONDS} s")
        time.sleep(0.5)


def main() -> int:
    """Exit status 0 only if both clients can do everything, and are refused in the same words."""
    url = json.loads(Path(os.environ["LOCAL_CLOUD"]).read_text())["mediaconvertUrl"]
    key = AccessKey.generate()
    clients = {"boto3": _boto3(url, key), "the AWS CLI": _aws_cli(url, key)}
    for name, call in clients.items():
        with step(f"{name}: create, get, list, search, cancel"):
            _creates_gets_lists_searches_and_cancels(call)
    with step("The same refusals for both"):
        of_boto3, of_cli = map(_refusals, clients.values())
        _expect("the AWS CLI's refusals", of_boto3, of_cli)
    with step("The README's examples"):
        _runs_the_readme(url, key)
    print(f"clients: {len(clients) + 2} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
