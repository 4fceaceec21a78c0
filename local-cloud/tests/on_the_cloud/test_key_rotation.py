"""The key is rotated by the runbook's commands, and a rotation that can't be done changes nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import runbook
from local_cloud.harness.description import Description
from local_cloud.harness.waiting import wait_for

_ROTATED_WITHIN = 120  # the webhook may have looked for another key within the last minute


class Key:
    """The secret of the deployed stack, and the connection that sends it."""

    def __init__(self, cloud: Description) -> None:
        """As the administrator sees them."""
        self.secrets, self._events = (cloud.client(name, cloud.administrator) for name in ("secretsmanager", "events"))
        self._secret, self._connection = cloud.outputs["ApiKeySecretArn"], cloud.resources()["EventsConnection"]
        self._log = cloud.logs

    def value(self, stage: str = "AWSCURRENT") -> str:
        """What a version holds."""
        return self.secrets.get_secret_value(SecretId=self._secret, VersionStage=stage)["SecretString"]

    def put(self, value: str) -> None:
        """Makes it the current version's, by hand."""
        self.secrets.put_secret_value(SecretId=self._secret, SecretString=value)

    def described(self) -> dict[str, Any]:
        """The secret's versions and its schedule."""
        return self.secrets.describe_secret(SecretId=self._secret)

    def pending(self) -> list[str]:
        """The versions of a rotation that isn't over."""
        versions = self.described()["VersionIdsToStages"].items()
        return [version for version, stages in versions if "AWSPENDING" in stages and "AWSCURRENT" not in stages]

    def connection(self) -> dict[str, Any]:
        """EventBridge's, without the key, which it never tells."""
        return self._events.describe_connection(Name=self._connection)

    def log(self) -> str:
        """What the rotation function logged."""
        return "".join(file.read_text() for file in self._log.glob("*RotateApiKeyFunction*.log"))

    def is_replaced(self, before: str) -> None:
        """Waits until the rotation is over, and another key the current one."""
        wait_for("another key", lambda: self.value() != before and not self.pending(), _ROTATED_WITHIN)


@pytest.fixture
def key(cloud: Description) -> Iterator[Key]:
    """Rotated without the minute in which the webhook learns it."""
    functions, name = cloud.client("lambda", cloud.administrator), cloud.resources()["RotateApiKeyFunction"]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def configure(**more: str) -> None:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables | more})

    configure(KEY_LEARNING_SECONDS="0")
    yield Key(cloud)
    configure()


def test_the_template_sets_the_schedule(key: Key) -> None:
    described = key.described()
    assert described["RotationEnabled"]
    assert described["RotationRules"]["AutomaticallyAfterDays"] == 90


def test_the_runbooks_commands_rotate_the_key_and_show_when_it_is_over(
    key: Key, cloud: Description, tmp_path: Path
) -> None:
    now, named, unschedule, over = runbook.commands("The key")
    before = key.value()
    runbook.run(now, cloud, tmp_path)
    key.is_replaced(before)
    assert key.value("AWSPREVIOUS") == before
    rotated, versions = json.loads(runbook.run(over, cloud, tmp_path))
    assert rotated
    assert ["AWSPENDING"] not in versions.values()

    before = key.value()
    runbook.run(named, cloud, tmp_path)
    key.is_replaced(before)
    runbook.run(unschedule, cloud, tmp_path)
    assert not key.described()["RotationEnabled"]


def test_the_runbook_gives_the_connection_the_present_key(key: Key, cloud: Description, tmp_path: Path) -> None:
    update, look = runbook.commands("The connection has another key")
    before = key.connection()["LastModifiedTime"]
    shown = runbook.run(update + look, cloud, tmp_path)
    assert '"AUTHORIZED"' in shown
    assert key.connection()["LastModifiedTime"] > before
    assert not list(tmp_path.iterdir()), "a key lies about"
    [previous] = runbook.commands("The host's key")
    assert runbook.run(previous, cloud, tmp_path).strip() == json.loads(key.value("AWSPREVIOUS"))["apiKey"]


def test_a_secret_that_is_not_json_is_not_rotated_and_the_runbook_gives_the_rotation_up(
    key: Key, cloud: Description, tmp_path: Path
) -> None:
    value, connection, tries = key.value(), key.connection(), key.log().count("key not rotated")
    _, give_up = runbook.commands("A rotation failed")
    key.put("a bare key")
    try:
        # The version that the last rotation made current is labelled still.
        if key.pending():
            runbook.run(give_up, cloud, tmp_path)
        runbook.run(runbook.commands("The key")[0], cloud, tmp_path)
        # Secrets Manager tries it again by itself.
        wait_for("the tries to end", lambda: key.log().count("key not rotated") >= tries + 3, seconds=60)
        assert "must be a JSON object whose `apiKey` is a string" in key.log()
        assert key.value() == "a bare key"
        assert key.connection()["LastModifiedTime"] == connection["LastModifiedTime"]
        with pytest.raises(key.secrets.exceptions.ResourceNotFoundException):
            key.value("AWSPENDING")
        assert len(key.pending()) == 1
        runbook.run(give_up, cloud, tmp_path)
        assert key.pending() == []
    finally:
        key.put(value)
        if key.pending():
            runbook.run(give_up, cloud, tmp_path)
