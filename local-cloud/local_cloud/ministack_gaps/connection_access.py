"""Who may update an EventBridge connection.

AWS asks for `events:UpdateConnection` and `events:DescribeConnection` on the connection's ARN. It keeps the
credentials in a secret in the account, `events!connection/<name>/…`, and writes that on behalf of the
caller, who needs `secretsmanager:UpdateSecret`, `GetSecretValue` and `PutSecretValue` on it, and
`CreateSecret` once the connection was deauthorized, as AWS's managed policy AmazonEventBridgeFullAccess
has them ([connections]). ministack takes a connection for a rule, and keeps no secret. Here the
caller's permissions are checked, and there is no secret either.

[connections]: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html
"""

from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import eventbridge

_ACTIONS = ("CreateSecret", "UpdateSecret", "GetSecretValue", "PutSecretValue")
_OPERATIONS = ("UpdateConnection", "DescribeConnection")


def secret_arn(name: str) -> str:
    """The secret of a connection."""
    return f"arn:aws:secretsmanager:{get_region()}:{get_account_id()}:secret:events!connection/{name}/local-000000"


def _missing(name: str) -> str | None:
    """The first action that the caller lacks."""
    caller = iam_evaluator.caller_arn()
    role = iam_evaluator._role_name_from_assumed_arn(caller) if ":assumed-role/" in caller else None
    if role is None:
        return None  # CloudFormation, and the administrator it acts for
    policies = iam_evaluator._gather_role_policies(role, get_account_id())
    for action in _ACTIONS:
        asked = iam_evaluator.EvalContext(
            principal_arn=caller,
            principal_type="AssumedRole",
            principal_account=get_account_id(),
            action=f"secretsmanager:{action}",
            resource_arn=secret_arn(name),
            region=get_region(),
            service_context={},
        )
        if iam_evaluator.evaluate(asked, policies).decision != "Allow":
            return asked.action
    return None


def fill() -> None:
    """Asks for the connection's own ARN, and for access to its secret."""
    extract_resource_arn = iam_actions.extract_resource_arn
    update_connection = eventbridge._update_connection

    def extract(service: str, method: str, path: str, headers: dict[str, str], *rest: Any, **options: Any) -> str:
        arn = extract_resource_arn(service, method, path, headers, *rest, **options)
        operation = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        if service != "events" or operation not in _OPERATIONS:
            return arn
        return f"arn:aws:events:{get_region()}:{get_account_id()}:connection/{arn.rsplit('/', 1)[-1]}"

    def update(data: dict[str, Any]) -> Any:
        if action := _missing(data.get("Name", "")):
            message = (
                f"User: {iam_evaluator.caller_arn()} is not authorized to perform: {action} "
                f"on resource: {secret_arn(data['Name'])}"
            )
            return error_response_json("AccessDeniedException", message, 400)
        return update_connection(data)

    iam_actions.extract_resource_arn = extract
    eventbridge._update_connection = update
