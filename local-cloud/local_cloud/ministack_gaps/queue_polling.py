"""What a function's role needs for Lambda to poll a queue in its name.

On AWS, an event source mapping receives and deletes messages as the function's role, and reads the
queue's attributes as it. ministack polls as nobody. Here a mapping stands still while its function's
role lacks one of the three.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, lambda_svc

_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def _allows(role_arn: str, action: str, queue_arn: str) -> bool:
    role = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    if role is None:
        return False
    asked = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=queue_arn,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(role["RoleName"], get_account_id())
    return iam_evaluator.evaluate(asked, policies).decision == "Allow"


def fill() -> None:
    """Allows a mapping no batch at a time unless its function's role may do it all."""
    concurrency = lambda_svc._sqs_esm_concurrency

    def permitted_concurrency(esm: dict[str, Any], function: dict[str, Any], config: dict[str, Any], queue: Any = None):
        permitted = all(_allows(config["Role"], action, esm["EventSourceArn"]) for action in _NEEDED)
        return concurrency(esm, function, config, queue) if permitted else 0

    lambda_svc._sqs_esm_concurrency = permitted_concurrency
