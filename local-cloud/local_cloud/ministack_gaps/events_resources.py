"""`AWS::Events::Connection` and `AWS::Events::ApiDestination`.

AWS provisions both through EventBridge's API. ministack has that API, but its CloudFormation
refuses the two types.
"""

from typing import Any

from ministack.services import eventbridge

from .connection_access import secret_arn
from .provisioner import Properties, Provisioned, add_type, call, physical_name


def _connection(name: str, arn: str) -> Provisioned:
    return name, {"Arn": arn, "ArnForPolicy": arn, "SecretArn": secret_arn(name)}


def _create_connection(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = physical_name(properties, stack_name, logical_id)
    return _connection(name, call(eventbridge._create_connection, {**properties, "Name": name})["ConnectionArn"])


def _update_connection(name: str, _old: Properties, new: Properties, *_: Any) -> Provisioned:
    return _connection(name, call(eventbridge._update_connection, {**new, "Name": name})["ConnectionArn"])


def _delete_connection(name: str, _properties: Properties) -> None:
    call(eventbridge._delete_connection, {"Name": name})


def _destination(name: str, arn: str) -> Provisioned:
    return name, {"Arn": arn, "ArnForPolicy": arn}


def _create_destination(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = physical_name(properties, stack_name, logical_id)
    created = call(eventbridge._create_api_destination, {**properties, "Name": name})
    return _destination(name, created["ApiDestinationArn"])


def _update_destination(name: str, _old: Properties, new: Properties, *_: Any) -> Provisioned:
    updated = call(eventbridge._update_api_destination, {**new, "Name": name})
    return _destination(name, updated["ApiDestinationArn"])


def _delete_destination(name: str, _properties: Properties) -> None:
    call(eventbridge._delete_api_destination, {"Name": name})


def fill() -> None:
    """Adds the two types."""
    add_type("AWS::Events::Connection", _create_connection, _update_connection, _delete_connection)
    add_type("AWS::Events::ApiDestination", _create_destination, _update_destination, _delete_destination)
