"""`AWS::Lambda::Function`: `ReservedConcurrentExecutions`.

AWS applies it with the function, and removes it when the template drops it. ministack has the API
and enforces it, but its CloudFormation leaves the property out.
"""

from typing import Any

from ministack.services import lambda_svc

from .provisioner import Properties, Provisioned, add_type, provisioner_of

_TYPE = "AWS::Lambda::Function"
_PROPERTY = "ReservedConcurrentExecutions"


def _apply(function: str, properties: Properties) -> None:
    reserved = properties.get(_PROPERTY)
    if reserved is None:
        lambda_svc._delete_function_concurrency(function)
    else:
        lambda_svc._put_function_concurrency(function, {_PROPERTY: int(reserved)})


def fill() -> None:
    """Completes the type."""
    ministacks = provisioner_of(_TYPE)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        function, attributes = ministacks["create"](logical_id, properties, stack_name)
        _apply(function, properties)
        return function, attributes

    def update(function: str, old: Properties, new: Properties, *resource: Any) -> Provisioned:
        function, attributes = ministacks["update"](function, old, new, *resource)
        _apply(function, new)
        return function, attributes

    add_type(_TYPE, create, update, ministacks["delete"])
