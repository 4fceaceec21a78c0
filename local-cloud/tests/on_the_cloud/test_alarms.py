"""Every alarm goes off and comes to rest again, and tells of both.

Each by what it is there for, on the deployed stack: a letter in a queue, a wrong key, an invocation that fails. Only
StuckJobsAlarm is driven by its metric alone, as a job is stuck after a day. All at once, but for those that would
disturb one another: a minute of an alarm lasts a second here, and still it is minutes.
"""

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT
from local_cloud.harness.waiting import wait_for
from published_metrics import OURS

_PATIENCE_SECONDS = 300
_EVENTS = ROOT / "events" / "mediaconvert"


@dataclass(frozen=True)
class _Stack:
    """The deployed stack in its operator's hands."""

    cloud: Description
    resources: dict[str, str]
    # A service's client, made once.
    client: Callable[[str], Any]

    def state(self, alarm: str) -> str:
        [found] = self.client("cloudwatch").describe_alarms(AlarmNames=[self.resources[alarm]])["MetricAlarms"]
        return found["StateValue"]

    def alarms(self) -> set[str]:
        return {name for name in self.resources if name.endswith("Alarm")}

    def send(self, queue: str, body: str) -> None:
        """A letter that is due at once."""
        self.client("sqs").send_message(QueueUrl=self.resources[queue], MessageBody=body, DelaySeconds=0)

    def purge(self, queue: str) -> None:
        self.client("sqs").purge_queue(QueueUrl=self.resources[queue])

    def invoke(self, function: str, payload: Any) -> None:
        """Whatever the answer is."""
        functions = self.client("lambda")
        with suppress(functions.exceptions.TooManyRequestsException):
            functions.invoke(FunctionName=self.resources[function], Payload=json.dumps(payload))

    @contextmanager
    def without(self, mapping: str) -> Iterator[None]:
        """Meanwhile nobody fetches from that mapping's queue."""
        functions, uuid_of_mapping = self.client("lambda"), self.resources[mapping]
        functions.update_event_source_mapping(UUID=uuid_of_mapping, Enabled=False)
        yield
        functions.update_event_source_mapping(UUID=uuid_of_mapping, Enabled=True)


# What makes an alarm go off: inside the block it is so, and what the block gets is called over and over until then.
Again = Callable[[], object]
Cause = Callable[[_Stack], AbstractContextManager[Again]]


def _nothing_more() -> None:
    pass


def _event(name: str) -> dict[str, Any]:
    """A sample event, years old, of a job that nobody else has."""
    event = json.loads((_EVENTS / f"{name}.json").read_text())
    event["detail"]["jobId"] = f"{int(time.time() * 1000)}-{uuid.uuid4().hex[:6]}"
    return event


@contextmanager
def _letter(stack: _Stack, queue: str) -> Iterator[Again]:
    stack.send(queue, "a letter")
    yield _nothing_more
    stack.purge(queue)


@contextmanager
def _letter_that_nobody_fetches(stack: _Stack) -> Iterator[Again]:
    with stack.without("DeadLettersMapping"):
        stack.send("EventsDeadLetterQueue", json.dumps(_event("complete-file-group")))
        yield _nothing_more


@contextmanager
def _letter_that_is_no_event(stack: _Stack) -> Iterator[Again]:
    stack.send("EventsDeadLetterQueue", "no event")
    yield _nothing_more
    stack.purge("UnappliedEventsQueue")


@contextmanager
def _letters_that_are_applied(stack: _Stack) -> Iterator[Again]:
    for _ in range(5):
        stack.send("EventsDeadLetterQueue", json.dumps(_event("complete-file-group")))
    yield _nothing_more


@contextmanager
def _request_that_nobody_fetches(stack: _Stack) -> Iterator[Again]:
    with stack.without("SubmitQueueMapping"):
        stack.send("SubmitQueue", json.dumps({"input": "nowhere"}))
        yield _nothing_more
    wait_for("the request to be done", lambda: _is_empty(stack, "SubmitQueue"), seconds=60)
    stack.purge("SubmitDeadLetterQueue")


def _is_empty(stack: _Stack, queue: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.client("sqs").get_queue_attributes(QueueUrl=stack.resources[queue], AttributeNames=names)
    return not any(int(found["Attributes"][name]) for name in names)


@contextmanager
def _wrong_keys(stack: _Stack) -> Iterator[Again]:
    host = stack.cloud.outputs["JobEventsUrl"].split("/")[2]
    headers = {"Host": host, "X-API-Key": "wrong"}

    def knock() -> None:
        request = urllib.request.Request(stack.cloud.endpoint_url, b"{}", headers, method="POST")
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request)

    yield lambda: [knock() for _ in range(10)]


@contextmanager
def _invocations(stack: _Stack, function: str, payload: Callable[[], Any]) -> Iterator[Again]:
    yield lambda: stack.invoke(function, payload())


@contextmanager
def _no_room(stack: _Stack) -> Iterator[Again]:
    functions, function = stack.client("lambda"), stack.resources["SubmitJobFunction"]
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    yield lambda: [stack.invoke("SubmitJobFunction", {}) for _ in range(10)]
    functions.delete_function_concurrency(FunctionName=function)


@contextmanager
def _stuck_jobs(stack: _Stack) -> Iterator[Again]:
    dimensions = [{"Name": "FunctionName", "Value": stack.resources["RecoverJobsFunction"]}]

    def count(jobs: int) -> None:
        datum = {"MetricName": "StuckJobs", "Dimensions": dimensions, "Value": jobs}
        stack.client("cloudwatch").put_metric_data(Namespace=OURS, MetricData=[datum])

    yield partial(count, 1)
    # The later checks, until the earlier ones are two hours old.
    for _ in range(130):
        count(0)
        time.sleep(1)


# Each list runs by itself, one after the other: what is in it would disturb, or come too early for, what follows.
_CAUSES: list[dict[str, Cause]] = [
    {"EventsDeadLettersAlarm": _letter_that_nobody_fetches, "UnappliedEventsAlarm": _letter_that_is_no_event},
    {"HostDeadLettersAlarm": partial(_letter, queue="HostDeadLetterQueue")},
    {
        "SubmitDeadLettersAlarm": partial(_letter, queue="SubmitDeadLetterQueue"),
        "SubmitBacklogAlarm": _request_that_nobody_fetches,
    },
    {
        "SubmitJobErrorsAlarm": partial(_invocations, function="SubmitJobFunction", payload=dict),
        "ThrottlesAlarm": _no_room,
    },
    {"RejectedKeysAlarm": _wrong_keys},
    {"JobEventsErrorsAlarm": partial(_invocations, function="JobEventsFunction", payload=dict)},
    {
        "EventAgeAlarm": partial(_invocations, function="JobEventsFunction", payload=partial(_event, "progressing")),
        "JobErrorsAlarm": partial(_invocations, function="JobEventsFunction", payload=partial(_event, "error")),
    },
    {"RecoverJobsErrorsAlarm": partial(_invocations, function="RecoverJobsFunction", payload=dict)},
    {"RotationFailedAlarm": partial(_invocations, function="RotateApiKeyFunction", payload=dict)},
    {"DeliveryFailsAlarm": _letters_that_are_applied},
    {"StuckJobsAlarm": _stuck_jobs},
]
_ALARMS = sorted(name for causes in _CAUSES for name in causes)


def _drive(stack: _Stack, alarm: str, cause: Cause) -> None:
    def at_rest() -> bool:
        return stack.state(alarm) == "OK"

    # Not yet at rest is one that waits for its first data.
    wait_for(f"{alarm} not going off", lambda: stack.state(alarm) != "ALARM", _PATIENCE_SECONDS)
    with cause(stack) as again:

        def goes_off() -> bool:
            again()
            return stack.state(alarm) == "ALARM"

        wait_for(f"{alarm} going off", goes_off, _PATIENCE_SECONDS)
    wait_for(f"{alarm} at rest again", at_rest, _PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def stack(cloud: Description) -> _Stack:
    clients = {
        service: cloud.client(service, cloud.administrator) for service in ("cloudwatch", "lambda", "sns", "sqs")
    }
    # One that is throttled would try again by itself, ever more slowly.
    clients["lambda"].meta.events.register_first("needs-retry.lambda", lambda **_: False)
    return _Stack(cloud, cloud.resources(), clients.__getitem__)


@pytest.fixture(scope="module")
def told(stack: _Stack) -> Iterator[Callable[[str], list[str]]]:
    """The states that subscribers of the topic were told of, by alarm."""
    sqs, sns, topic = stack.client("sqs"), stack.client("sns"), stack.cloud.outputs["AlarmTopicArn"]
    url = sqs.create_queue(QueueName="operator")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)
    received: list[dict[str, Any]] = []

    def states(alarm: str) -> list[str]:
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                received.append(json.loads(json.loads(message["Body"])["Message"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [each["NewStateValue"] for each in received if each["AlarmName"] == stack.resources[alarm]]

    yield states
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def driven(stack: _Stack, told: Callable[[str], list[str]]) -> Iterator[dict[str, Future[None]]]:
    """Each alarm, on its way to ALARM and back."""
    results: dict[str, Future[None]] = {name: Future() for name in _ALARMS}

    def drive_all(causes: dict[str, Cause]) -> None:
        for alarm, cause in causes.items():
            try:
                results[alarm].set_result(_drive(stack, alarm, cause))
            except Exception as error:
                results[alarm].set_exception(error)

    with ThreadPoolExecutor(len(_CAUSES)) as pool:
        pool.map(drive_all, _CAUSES)
        yield results


def test_each_deployed_alarm_is_driven_here(stack: _Stack) -> None:
    assert set(_ALARMS) == stack.alarms()


@pytest.mark.parametrize("alarm", _ALARMS)
def test_an_alarm_goes_off_and_comes_to_rest_and_tells_of_both(
    alarm: str, driven: dict[str, Future[None]], told: Callable[[str], list[str]]
) -> None:
    driven[alarm].result()
    # One that has missed no change may have been at rest before, and said so.
    wait_for(f"word of {alarm}", lambda: told(alarm)[-2:] == ["ALARM", "OK"], seconds=30)
