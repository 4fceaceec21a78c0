"""What AWS publishes by itself, of what the alarms and the dashboard may name: dimensions by namespace and name.

Sources, each under https://docs.aws.amazon.com/:
AWS/Lambda    lambda/latest/dg/monitoring-metrics-types.html
AWS/SQS       AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
AWS/DynamoDB  amazondynamodb/latest/developerguide/metrics-dimensions.html
AWS/Events    eventbridge/latest/userguide/eb-monitoring.html
AWS/Logs      AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OF_FUNCTION = {"FunctionName"}
_OF_QUEUE = {"QueueName"}
_OF_TABLE, _OF_INDEX = {"TableName"}, {"TableName", "GlobalSecondaryIndexName"}

AWS: dict[tuple[str, str], list[set[str]]] = {
    ("AWS/Lambda", "Invocations"): [_OF_FUNCTION],
    ("AWS/Lambda", "Errors"): [_OF_FUNCTION],
    ("AWS/Lambda", "Throttles"): [_OF_FUNCTION],
    ("AWS/Lambda", "Duration"): [_OF_FUNCTION],
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): [_OF_QUEUE],
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"): [_OF_QUEUE],
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): [_OF_QUEUE],
    ("AWS/SQS", "NumberOfMessagesDeleted"): [_OF_QUEUE],
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"): [_OF_TABLE, _OF_INDEX],
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits"): [_OF_TABLE, _OF_INDEX],
    ("AWS/Events", "InvocationAttempts"): [{"RuleName"}],
    ("AWS/Logs", "IncomingBytes"): [{"LogGroupName"}],
}
OURS = "MediaConvertBackend"

_SEARCH = re.compile(r"SEARCH\('\{([^}]*)\}\s*([^']*)'")
_TERM = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Metric:
    """A metric as an alarm or a graph names it."""

    namespace: str
    name: str
    dimensions: frozenset[str]

    def is_aws(self) -> bool:
        """Whether AWS publishes it."""
        return set(self.dimensions) in AWS.get((self.namespace, self.name), [])


def of_alarm(alarm: dict[str, Any]) -> Iterator[Metric]:
    """Those an alarm looks at, in CloudFormation's or the API's words."""
    queries = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics") or [] if "MetricStat" in query]
    for metric in queries or [alarm]:
        names = frozenset(dimension["Name"] for dimension in metric["Dimensions"])
        yield Metric(metric["Namespace"], metric["MetricName"], names)


def of_dashboard(body: dict[str, Any]) -> Iterator[Metric]:
    """Those its graphs show, of searches too."""
    for widget in body["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            *named, last = [*metric, {}] if isinstance(metric[-1], str) else metric
            if named:
                namespace, name, *dimensions = named
                yield Metric(namespace, name, frozenset(dimensions[::2]))
            for schema, terms in _SEARCH.findall(last.get("expression", "")):
                namespace, *names = schema.split(",")
                yield Metric(namespace, dict(_TERM.findall(terms))["MetricName"], frozenset(names))
