"""`AWS/SQS` metrics of every queue.

SQS publishes depth, age and traffic of each queue once a minute, ministack none. The minute is that of the alarms
here. The age leaves out messages that were received three times, as SQS does of standard queues.
"""

import time
from collections import Counter
from typing import Any

from ministack.services import cloudwatch, sqs

from . import alarms

_POISON = 3
_deleted: Counter[str] = Counter()


def _publish(name: str, queue: dict[str, Any]) -> None:
    sqs._refresh_counts(queue)
    now, attributes = time.time(), queue["attributes"]
    waiting = [message for message in list(queue["messages"]) if message["receive_count"] < _POISON]
    metrics = {
        "ApproximateNumberOfMessagesVisible": ("Count", attributes["ApproximateNumberOfMessages"]),
        "ApproximateNumberOfMessagesNotVisible": ("Count", attributes["ApproximateNumberOfMessagesNotVisible"]),
        "ApproximateNumberOfMessagesDelayed": ("Count", attributes["ApproximateNumberOfMessagesDelayed"]),
        "ApproximateAgeOfOldestMessage": ("Seconds", max((now - each["sent_at"] for each in waiting), default=0)),
        "NumberOfMessagesDeleted": ("Count", _deleted.pop(name, 0)),
    }
    for metric, (unit, value) in metrics.items():
        cloudwatch.record_metric("AWS/SQS", metric, float(value), unit, {"QueueName": name})


def _publish_all() -> None:
    for url, queue in list(sqs._queues.items()):
        _publish(url.rsplit("/", 1)[-1], queue)


def _count_requests(operation: str) -> None:
    ministacks = sqs._HANDLERS[operation]

    def delete(data: dict[str, Any], url: str) -> dict[str, Any]:
        answer = ministacks(data, url)
        _deleted[data.get("QueueUrl", url).rsplit("/", 1)[-1]] += len(answer.get("Successful", [answer]))
        return answer

    sqs._HANDLERS[operation] = delete


def _count_event_sources() -> None:
    ministacks = sqs._delete_messages_for_esm

    def delete(url: str, receipt_handles: set[str]) -> None:
        ministacks(url, receipt_handles)
        _deleted[url.rsplit("/", 1)[-1]] += len(receipt_handles)

    sqs._delete_messages_for_esm = delete


def fill() -> None:
    """Counts what is deleted, and starts to publish."""
    _count_requests("DeleteMessage")
    _count_requests("DeleteMessageBatch")
    _count_event_sources()
    alarms.every_minute("queue-metrics", _publish_all)
