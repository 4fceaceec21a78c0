"""`AWS/DynamoDB` metrics: the capacity that each table and index consumed.

AWS publishes it of every table. ministack computes it where a request asks for it, and publishes nothing.
"""

from typing import Any

from ministack.services import cloudwatch, dynamodb


def _publish(consumed: dict[str, Any], metric: str) -> None:
    of_table = {"TableName": consumed["TableName"]}
    parts = [(of_table, consumed["Table"])]
    parts += [
        ({**of_table, "GlobalSecondaryIndexName": name}, index)
        for name, index in consumed.get("GlobalSecondaryIndexes", {}).items()
    ]
    for dimensions, part in parts:
        if part["CapacityUnits"]:
            cloudwatch.record_metric("AWS/DynamoDB", metric, part["CapacityUnits"], "Count", dimensions)


def fill() -> None:
    """Publishes what each request consumed."""
    add_consumed = dynamodb._add_consumed_capacity

    def add_and_publish(result: Any, data: dict[str, Any], table: str, write: bool = False, **rest: Any) -> None:
        add_consumed(result, data, table, write=write, **rest)
        told: dict[str, Any] = {}
        add_consumed(told, {**data, "ReturnConsumedCapacity": "INDEXES"}, table, write=write, **rest)
        _publish(told["ConsumedCapacity"], f"Consumed{'Write' if write else 'Read'}CapacityUnits")

    dynamodb._add_consumed_capacity = add_and_publish
