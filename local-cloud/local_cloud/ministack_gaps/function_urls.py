"""Who may call a Function URL with AuthType NONE.

Since October 2025 AWS asks the function's policy for two permissions before it serves an anonymous
request: `lambda:InvokeFunctionUrl` where `lambda:FunctionUrlAuthType` is NONE, and
`lambda:InvokeFunction` where `lambda:InvokedViaFunctionUrl` is true; without both the answer is 403.
ministack serves every URL whose AuthType is NONE.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc

_NEEDED = (
    ("lambda:InvokeFunctionUrl", {"lambda:functionurlauthtype": "NONE"}),
    ("lambda:InvokeFunction", {"lambda:invokedviafunctionurl": "true"}),
)
_FORBIDDEN = (
    403,
    {"Content-Type": "application/json", "x-amzn-ErrorType": "AccessDeniedException"},
    b'{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: '
    b'https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}',
)


def _is_public(account: str, region: str, name: str) -> bool:
    function = lambda_svc._functions.get_scoped(account, region, name)
    if function is None:
        return True  # ministack answers what AWS answers for a missing function

    def allows(action: str, context: dict[str, str]) -> bool:
        asked = iam_evaluator.EvalContext(
            principal_arn="*",
            principal_type="Anonymous",
            principal_account="",
            action=action,
            resource_arn=f"arn:aws:lambda:{region}:{account}:function:{name}",
            region=region,
            service_context=context,
        )
        return iam_evaluator.evaluate_resource_policy(function["policy"], asked).decision == "Allow"

    return all(allows(action, context) for action, context in _NEEDED)


def fill() -> None:
    """Asks the function's policy first."""
    handle = lambda_svc.handle_function_url_request

    async def handle_if_public(url_id: str, *request: Any, resolved: tuple | None = None, **rest: Any) -> tuple:
        resolved = resolved or lambda_svc.resolve_function_url(url_id)
        if resolved:
            account, region, name, _, config = resolved
            if config.get("AuthType") == "NONE" and not _is_public(account, region, name):
                return _FORBIDDEN
        return await handle(url_id, *request, resolved=resolved, **rest)

    lambda_svc.handle_function_url_request = handle_if_public
