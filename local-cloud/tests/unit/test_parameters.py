"""A parameter the template refuses is named at once, with its value and the rule; an empty one gets through."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from local_cloud.harness.parameters import WrongParameterError, checked, for_sam
from samcli.cli.types import CfnParameterOverridesType


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("OutputPrefix", "'OutputPrefix' must be KEY=VALUE"),
        ("OutputPrefics=a/", "'OutputPrefics' must be one of .*OutputPrefix"),
        ("AllowHttpInputs=yes", "AllowHttpInputs 'yes' must be one of true, false"),
        ("JobTtlDays=14", "JobTtlDays '14' must be 0 or 15 to 9999"),
        ("OutputPrefix=out", "OutputPrefix 'out' must be .* end in a slash"),
        (f"HostWebhookUrl=https://{'a' * 2048}", "HostWebhookUrl .* must have at most 2048 characters"),
    ],
)
def test_what_the_template_refuses_is_named_with_its_rule(override: str, message: str) -> None:
    with pytest.raises(WrongParameterError, match=message):
        checked([override])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["UploadPrefix=in/", "OutputPrefix=/"], "UploadPrefix needs an OutputPrefix that isn't the whole bucket"),
        (["CreateQueue=true"], "CreateQueue=true needs a QueueName other than Default"),
        (["UploadPrefix=media/", "OutputPrefix=media/out/"], "must not lie under one another"),
        (["UploadPrefix=transcoded/in/"], "must not lie under one another"),
        (["DefaultProfile=nosuch"], "DefaultProfile 'nosuch' must be one of audio, .*webm"),
    ],
)
def test_what_does_not_go_together_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(WrongParameterError, match=message):
        checked(overrides)


def test_one_given_twice_is_refused() -> None:
    with pytest.raises(WrongParameterError, match="JobTtlDays must be given once, and is '15' and '16'"):
        checked(["JobTtlDays=15", "JobTtlDays=16"])


def test_sam_reads_what_was_given() -> None:
    given = {"OutputPrefix": "", "InputHosts": "*", "HostWebhookUrl": "https://host.example/a?b=c,d&e='f'"}
    read = checked([f"{name}={value}" for name, value in given.items()])
    assert read == given
    assert CfnParameterOverridesType().convert(tuple(for_sam(read)), None, None) == given


@pytest.mark.parametrize("command", [["up"], ["exec"]])
def test_a_wrong_one_ends_the_command_before_anything_is_built(command: list[str]) -> None:
    argv = [
        sys.executable,
        "-m",
        "local_cloud",
        *command,
        "--parameter-overrides",
        "JobTtlDays=1",
        *(["--", "true"] if command == ["exec"] else []),
    ]
    ran = subprocess.run(
        argv, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert ran.stderr.splitlines() == ["PARAMETERS: JobTtlDays '1' must be 0 or 15 to 9999."]
