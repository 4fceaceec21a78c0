"""Brings back what got lost, by the stack's own means, and sooner than AWS would.

A dead letter waits for seconds here, and the check for silent jobs is invoked as its schedule does, not every ten
minutes. `Without` takes a means away, to see that the reckoning notices.
"""

import functools
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config

from ..harness.description import Description
from ..harness.waiting import wait_for

# Without which the soak must fail.
MEANS = ("dead-letter-consumer", "silent-job-check", "previous-key")

_CHECK = {"source": "aws.scheduler", "detail-type": "Scheduled Event"}
_CHECK_SECONDS = 620
# Each try waits a minute for the webhook to learn the key, and most are killed before that.
_ROTATION_SECONDS = 1200
_ROTATION_PAUSE_SECONDS = 5
_QUEUES = {"EventsDeadLetterQueue": {"DelaySeconds": "2", "VisibilityTimeout": "30"}}
_QUEUES["SubmitQueue"] = {"VisibilityTimeout": "20"}


@dataclass
class Recovery:
    """Of one deployed stack."""

    cloud: Description
    without: str | None
    recovered: int = 0
    asked: int = 0
    _resources: dict[str, str] = field(init=False)
    _client: Callable[[str], Any] = field(init=False)

    def __post_init__(self) -> None:
        self._resources = self.cloud.resources()
        patient = Config(read_timeout=_CHECK_SECONDS, retries={"total_max_attempts": 1})
        self._client = functools.cache(lambda service: self.cloud.client(service, self.cloud.administrator, patient))

    def hurry(self) -> None:
        """Has the queues wait for seconds, and takes away what the soak is to do without."""
        sqs = self._client("sqs")
        for name, attributes in _QUEUES.items():
            sqs.set_queue_attributes(QueueUrl=self._resources[name], Attributes=attributes)
        if self.without == "dead-letter-consumer":
            mapping = self._resources["DeadLettersMapping"]
            self._client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
        if self.without == "silent-job-check":
            self._client("scheduler").delete_schedule(Name=self._resources["SilentJobsSchedule"])

    def check(self) -> None:
        """One check for silent jobs; one that breaks off is gone on with by the next."""
        answer = self._client("lambda").invoke(
            FunctionName=self._resources["RecoverJobsFunction"], Payload=json.dumps(_CHECK)
        )
        tally = json.load(answer["Payload"])
        if "FunctionError" not in answer:
            self.recovered += tally["jobsRecovered"]
            self.asked += tally["jobsAsked"]

    def until_quiet(self, seconds: float) -> None:
        """Waits until the queues are empty, and checks until nothing is open; for a while at most."""
        self._patiently(lambda: not any(self.queues().values()), seconds)
        give_up_at = time.monotonic() + seconds
        while self.without != "silent-job-check" and self.open_items() and time.monotonic() < give_up_at:
            self.check()

    def _patiently(self, is_done: Callable[[], bool], seconds: float) -> None:
        # Whether it is done is for the reckoning to say.
        try:
            wait_for("quiet", is_done, seconds, pause=1)
        except TimeoutError:
            return

    def queues(self) -> dict[str, int]:
        """All messages of the stack's queues, by logical name."""
        sqs, counts = self._client("sqs"), {}
        for name, url in self._resources.items():
            if "/" not in url or not name.endswith("Queue"):
                continue
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            counts[name] = sum(
                int(attributes[f"ApproximateNumberOfMessages{kind}"]) for kind in ("", "NotVisible", "Delayed")
            )
        return counts

    def open_items(self) -> list[str]:
        """The keys of the index."""
        pages = self._client("dynamodb").get_paginator("query")
        return [
            item["jobId"]["S"]
            for kind in ("job", "claim")
            for page in pages.paginate(
                TableName=self.cloud.outputs["JobsTable"],
                IndexName="OpenItems",
                KeyConditionExpression="openItem = :kind",
                ExpressionAttributeValues={":kind": {"S": kind}},
            )
            for item in page["Items"]
        ]

    def rotate_by_hand(self, meanwhile: Callable[[], None]) -> None:
        """A new key for the secret, and only after a while for the connection, as an operator may do it.

        `meanwhile` events come with the key that is the previous one by then.
        """
        secrets, secret = self._client("secretsmanager"), self.cloud.outputs["ApiKeySecretArn"]
        old = secrets.get_secret_value(SecretId=secret)["VersionId"]
        key = secrets.get_random_password(PasswordLength=64, ExcludePunctuation=True)["RandomPassword"]
        secrets.put_secret_value(SecretId=secret, SecretString=json.dumps({"apiKey": key}))
        if self.without == "previous-key":
            secrets.update_secret_version_stage(SecretId=secret, VersionStage="AWSPREVIOUS", RemoveFromVersionId=old)
        meanwhile()
        self._client("events").update_connection(
            Name=self._resources["EventsConnection"],
            AuthorizationType="API_KEY",
            AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "X-API-Key", "ApiKeyValue": key}},
        )

    def rotate(self) -> bool:
        """A rotation by the stack's own function, asked for again when it is given up; whether it came to its end."""
        secrets, secret = self._client("secretsmanager"), self.cloud.outputs["ApiKeySecretArn"]

        def current() -> str:
            return secrets.get_secret_value(SecretId=secret)["VersionId"]

        def has_rotated() -> bool:
            if current() != before:
                return True
            # The answer while one goes on, which this then goes on with.
            with suppress(secrets.exceptions.InvalidRequestException):
                secrets.rotate_secret(SecretId=secret)
            return False

        before = current()
        with suppress(TimeoutError):
            return wait_for("another key", has_rotated, _ROTATION_SECONDS, pause=_ROTATION_PAUSE_SECONDS)
        return False

    def function(self, logical_id: str) -> str:
        """The function's name."""
        return self._resources[logical_id]
