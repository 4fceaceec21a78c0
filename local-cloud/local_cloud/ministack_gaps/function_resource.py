"""`AWS::Lambda::Function`: `ReservedConcurrentExecutions`.

AWS applies it with the function, and removes it when the template drops it. ministack has the API
and enforces it, but its CloudFormation leaves the property out.
"""

from ministack.services import lambda_svc

from .provisioner import Properties, complete_type

_PROPERTY = "ReservedConcurrentExecutions"


def _apply(function: str, _old: Properties, new: Properties) -> None:
    if _PROPERTY in new:
        lambda_svc._put_function_concurrency(function, {_PROPERTY: int(new[_PROPERTY])})
    else:
        lambda_svc._delete_function_concurrency(function)


def fill() -> None:
    """Completes the type."""
    complete_type("AWS::Lambda::Function", _apply)
