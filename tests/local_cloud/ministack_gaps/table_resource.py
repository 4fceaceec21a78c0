"""`AWS::DynamoDB::Table`: time to live and point-in-time recovery.

AWS applies both with the table. ministack has the two APIs, but its CloudFormation leaves the
properties out.
"""

from typing import Any

from ministack.services import dynamodb

from .provisioner import Properties, Provisioned, add_type, call, provisioner_of, with_booleans

_TYPE = "AWS::DynamoDB::Table"
_APPLIED_BY = {
    "TimeToLiveSpecification": dynamodb._update_ttl,
    "PointInTimeRecoverySpecification": dynamodb._update_continuous_backups,
}


def _apply(table: str, properties: Properties) -> None:
    for name, operation in _APPLIED_BY.items():
        if specification := properties.get(name):
            call(operation, {"TableName": table, name: with_booleans(specification)})


def fill() -> None:
    """Completes the type."""
    ministacks = provisioner_of(_TYPE)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        table, attributes = ministacks["create"](logical_id, properties, stack_name)
        _apply(table, properties)
        return table, attributes

    def update(table: str, old: Properties, new: Properties, *resource: Any) -> Provisioned:
        table, attributes = ministacks["update"](table, old, new, *resource)
        changed = {name: new.get(name) for name in _APPLIED_BY if new.get(name) != old.get(name)}
        _apply(table, changed)
        return table, attributes

    add_type(_TYPE, create, update, ministacks["delete"])
