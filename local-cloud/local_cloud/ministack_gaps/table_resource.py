"""`AWS::DynamoDB::Table`: time to live and point-in-time recovery.

AWS applies both with the table. ministack has the two APIs, but its CloudFormation leaves the
properties out.
"""

from ministack.services import dynamodb

from .provisioner import Properties, call, complete_type, with_booleans

_APPLIED_BY = {
    "TimeToLiveSpecification": dynamodb._update_ttl,
    "PointInTimeRecoverySpecification": dynamodb._update_continuous_backups,
}


def _apply(table: str, old: Properties, new: Properties) -> None:
    for name, operation in _APPLIED_BY.items():
        if name in new and new[name] != old.get(name):
            call(operation, {"TableName": table, name: with_booleans(new[name])})


def fill() -> None:
    """Completes the type."""
    complete_type("AWS::DynamoDB::Table", _apply)
