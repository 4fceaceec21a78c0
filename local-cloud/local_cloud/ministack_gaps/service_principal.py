"""The AWS service `mediaconvert.amazonaws.com` as a caller.

On AWS a service acts under its own principal: roles trust `{"Service": "mediaconvert.amazonaws.com"}`,
and the service says for which account and resource it acts, which `aws:SourceAccount` and
`aws:SourceArn` in the trust policy are compared with. ministack knows users, roles and root only;
there, a Service principal in a trust policy lets any root key through and nothing else.

The simulator holds one access key, made for this run. Its principal may assume roles that trust the
service and put events whose source is `aws.mediaconvert`; the context of an AssumeRole call comes
in the headers x-amz-source-account and x-amz-source-arn.
"""

import contextvars
import dataclasses
import os
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import sts

MEDIACONVERT = "mediaconvert.amazonaws.com"
_TYPE = "AWSService"
_RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:*:*:event-bus/default"},
    ],
}

_source: contextvars.ContextVar[dict[str, str]] = contextvars.ContextVar("source")


def _register_access_key() -> None:
    sts._sessions[os.environ["LOCAL_CLOUD_MEDIACONVERT_ACCESS_KEY_ID"]] = {
        "Arn": MEDIACONVERT,
        "UserId": MEDIACONVERT,
        "SecretAccessKey": os.environ["LOCAL_CLOUD_MEDIACONVERT_SECRET_ACCESS_KEY"],
        "SessionToken": None,
        "AccountId": get_account_id(),
        "PrincipalType": _TYPE,
    }


def _resolve_services() -> None:
    resolve = iam_evaluator.resolve_principal

    def resolve_principal(access_key_id: str, account_id: str, credential: Any = None):
        session = sts._sessions.get(access_key_id) or {}
        if session.get("PrincipalType") != _TYPE:
            return resolve(access_key_id, account_id, credential)
        return iam_evaluator.PrincipalInfo(
            arn=session["Arn"],
            type=_TYPE,
            account=session["AccountId"],
            policies=[iam_evaluator.parse_policy_document(_RIGHTS)],
            keys={},
            limits=[],
        )

    iam_evaluator.resolve_principal = resolve_principal


def _match_services() -> None:
    matches = iam_evaluator._principal_matches

    def principal_matches(principal: Any, caller_arn: str) -> bool:
        if caller_arn.endswith(".amazonaws.com"):
            return iam_evaluator._service_principal_matches(principal, caller_arn)
        return matches(principal, caller_arn)

    iam_evaluator._principal_matches = principal_matches


def _carry_source() -> None:
    evaluate = iam_evaluator.evaluate_trust_policy
    handle = sts.handle_request

    def evaluate_trust_policy(trust_doc: Any, caller_arn: str, ctx: Any = None) -> bool:
        if ctx is not None and ctx.principal_type == _TYPE:
            ctx = dataclasses.replace(ctx, service_context={**(ctx.service_context or {}), **_source.get({})})
        return evaluate(trust_doc, caller_arn, ctx)

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict):
        sent = {"aws:sourceaccount": "x-amz-source-account", "aws:sourcearn": "x-amz-source-arn"}
        _source.set({key: headers[header] for key, header in sent.items() if header in headers})
        return await handle(method, path, headers, body, query_params)

    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy
    sts.handle_request = handle_request


def fill() -> None:
    """Adds the principal, its rights and the context of its calls."""
    _register_access_key()
    _resolve_services()
    _match_services()
    _carry_source()
