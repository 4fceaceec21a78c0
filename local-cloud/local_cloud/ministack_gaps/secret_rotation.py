"""Rotation of secrets: the four steps, and the schedule.

AWS's RotateSecret makes an AWSPENDING version without a value, invokes the rotation function with
createSecret, setSecret, testSecret and finishSecret, one after the other, and begins anew when one
fails, several times; what is left then is staged AWSPENDING, and the next RotateSecret takes it up.
With `RotateImmediately` false it only tries testSecret, on a version that it takes away again. The
function's policy must let secretsmanager.amazonaws.com invoke it for this secret. A version whose
value is set can't get another one, and one without a value can't be read.
`AWS::SecretsManager::RotationSchedule` calls RotateSecret, and CancelRotateSecret when it is deleted.

ministack's RotateSecret copies the present value into a new version and invokes nothing; it has no
CancelRotateSecret, nor the resource; its PutSecretValue overwrites a version. Here no clock starts a
rotation, it is begun anew after a second, at most twice, and a secret's rotations are one at a time.
"""

import contextvars
import json
import logging
import threading
import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_account_id, get_region, json_response, new_uuid
from ministack.services import lambda_svc, secretsmanager

from .provisioner import Properties, Provisioned, add_type, call, with_booleans

_log = logging.getLogger("secret-rotation")

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_TRIES = 3
_PAUSE = 1.0

# ARNs of the secrets whose rotation goes on.
_under_way: set[str] = set()

Answer = tuple[int, dict[str, str], bytes]
Secret = dict[str, Any]


class StepFailedError(Exception):
    """The rotation function answered a function error, or nothing."""


def _rotate_secret(data: dict[str, Any]) -> Answer:
    secret, refusal = _secret_to_change(data)
    if refusal:
        return refusal
    function = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
    if not function:
        return _refused("InvalidRequestException", "No Lambda rotation function ARN is associated with this secret.")
    if not _may_be_invoked(function, secret["ARN"]):
        message = (
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants "
            "access to the principal secretsmanager.amazonaws.com."
        )
        return _refused("AccessDeniedException", message)
    secret["RotationLambdaARN"] = function
    secret["RotationRules"] = data.get("RotationRules") or secret.get("RotationRules")
    secret["RotationEnabled"] = True
    answer = {"ARN": secret["ARN"], "Name": secret["Name"]}
    if not data.get("RotateImmediately", True):
        _in_background(_try_out, secret)
        return json_response(answer)
    pending, _ = secretsmanager._find_stage_version(secret, "AWSPENDING")
    current, _ = secretsmanager._find_stage_version(secret, "AWSCURRENT")
    if pending and pending != current:
        if secret["ARN"] not in _under_way:
            _begin(secret, pending)
        return _refused(
            "InvalidRequestException", "A previous rotation isn't complete. That rotation will be reattempted."
        )
    token = data.get("ClientRequestToken") or new_uuid()
    _stage_empty_version(secret, token)
    _begin(secret, token)
    return json_response({**answer, "VersionId": token})


def _cancel_rotate_secret(data: dict[str, Any]) -> Answer:
    secret, refusal = _secret_to_change(data)
    if refusal:
        return refusal
    secret["RotationEnabled"] = False
    return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})


def _secret_to_change(data: dict[str, Any]) -> tuple[Secret, Answer | None]:
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if not secret:
        return {}, _refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    if secret.get("DeletedDate"):
        message = "You can't perform this operation on the secret because it was marked for deletion."
        return secret, _refused("InvalidRequestException", message)
    return secret, None


def _refused(code: str, message: str) -> Answer:
    return error_response_json(code, message, 400)


def _function_name(arn: str) -> str:
    return arn.split(":function:", 1)[-1].split(":")[0]


def _may_be_invoked(function_arn: str, secret_arn: str) -> bool:
    function = lambda_svc._functions.get(_function_name(function_arn))
    if function is None:
        return False
    service = "secretsmanager.amazonaws.com"
    asked = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=get_account_id(),
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=get_region(),
        service_context={"aws:sourcearn": secret_arn, "aws:sourceaccount": get_account_id()},
    )
    return iam_evaluator.evaluate_resource_policy(function["policy"], asked, service=service).decision == "Allow"


def _stage_empty_version(secret: Secret, token: str) -> None:
    secretsmanager._remove_stage_everywhere(secret, "AWSPENDING")
    secret["Versions"][token] = {
        "SecretString": None,
        "SecretBinary": None,
        "CreatedDate": int(time.time()),
        "Stages": ["AWSPENDING"],
    }


def _begin(secret: Secret, token: str) -> None:
    _under_way.add(secret["ARN"])
    _in_background(_rotate, secret, token)


def _in_background(work: Any, *arguments: Any) -> None:
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(work, *arguments), name="secret-rotation", daemon=True).start()


def _rotate(secret: Secret, token: str) -> None:
    try:
        for attempt in range(_TRIES):
            if _takes_all_steps(secret, token, attempt):
                secret["LastRotatedDate"] = int(time.time())
                return
            time.sleep(_PAUSE)
    finally:
        _under_way.discard(secret["ARN"])


def _takes_all_steps(secret: Secret, token: str, attempt: int) -> bool:
    try:
        for step in _STEPS:
            _take(secret, token, step)
    except StepFailedError as failed:
        _log.warning("%s: try %d failed: %s", secret["Name"], attempt + 1, failed)
        return False
    return True


def _try_out(secret: Secret) -> None:
    token = new_uuid()
    _stage_empty_version(secret, token)
    try:
        _take(secret, token, "testSecret")
    except StepFailedError as failed:
        _log.warning("%s: the rotation function failed its test: %s", secret["Name"], failed)
    finally:
        secret["Versions"].pop(token, None)


def _take(secret: Secret, token: str, step: str) -> None:
    function = lambda_svc._functions.get(_function_name(secret["RotationLambdaARN"]))
    if function is None:
        raise StepFailedError(f"{step}: there is no function {secret['RotationLambdaARN']}")
    answer = lambda_svc._execute_function(
        function, {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": token}
    )
    if answer.get("error"):
        raise StepFailedError(f"{step}: {answer.get('body')}")


def _put_secret_value(data: dict[str, Any]) -> Answer:
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    version = ((secret or {}).get("Versions") or {}).get(data.get("ClientRequestToken"))
    stages = data.get("VersionStages", ["AWSCURRENT"])
    if version is None or not _has_value(version):
        # A label is on one version at a time.
        for stage in stages if secret else ():
            if stage != "AWSCURRENT":
                secretsmanager._remove_stage_everywhere(secret, stage)
        return _ministacks_put_secret_value(data)
    if any(version[value] != data.get(value) for value in ("SecretString", "SecretBinary")):
        message = "A resource with the ID you requested already exists."
        return _refused("ResourceExistsException", message)
    return json_response(
        {
            "ARN": secret["ARN"],
            "Name": secret["Name"],
            "VersionId": data["ClientRequestToken"],
            "VersionStages": version["Stages"],
        }
    )


def _get_secret_value(data: dict[str, Any]) -> Answer:
    status, headers, body = _ministacks_get_secret_value(data)
    answer = json.loads(body)
    if status == 200 and not _has_value(answer):
        wanted = data.get("VersionStage") or data.get("VersionId")
        message = f"Secrets Manager can't find the specified secret value for staging label: {wanted}"
        return _refused("ResourceNotFoundException", message)
    stage = data.get("VersionStage")
    if status == 200 and data.get("VersionId") and stage and stage not in answer["VersionStages"]:
        message = "You provided a VersionStage that is not associated to the provided VersionId."
        return _refused("InvalidRequestException", message)
    return status, headers, body


def _has_value(version: dict[str, Any]) -> bool:
    return version.get("SecretString") is not None or version.get("SecretBinary") is not None


def _describe_secret(data: dict[str, Any]) -> Answer:
    status, headers, body = _ministacks_describe_secret(data)
    _, secret = secretsmanager._resolve(data.get("SecretId"))
    if status != 200 or "LastRotatedDate" not in secret:
        return status, headers, body
    return json_response({**json.loads(body), "LastRotatedDate": secret["LastRotatedDate"]})


def _create_schedule(_logical_id: str, properties: Properties, _stack_name: str) -> Provisioned:
    arn = _schedule(properties)
    return arn, {"Id": arn}


def _update_schedule(_arn: str, _old: Properties, new: Properties, *_: Any) -> Provisioned:
    arn = _schedule(new)
    return arn, {"Id": arn}


def _schedule(properties: Properties) -> str:
    properties = with_booleans(properties)
    request = {name: properties[name] for name in ("SecretId", "RotationLambdaARN") if name in properties}
    rules = dict(properties.get("RotationRules") or {})
    if "AutomaticallyAfterDays" in rules:
        rules["AutomaticallyAfterDays"] = int(rules["AutomaticallyAfterDays"])
    immediately = properties.get("RotateImmediatelyOnUpdate", True)
    return call(_rotate_secret, {**request, "RotationRules": rules, "RotateImmediately": immediately})["ARN"]


def _delete_schedule(arn: str, _properties: Properties) -> None:
    _cancel_rotate_secret({"SecretId": arn})


_ministacks_put_secret_value = secretsmanager._put_secret_value
_ministacks_get_secret_value = secretsmanager._get_secret_value
_ministacks_describe_secret = secretsmanager._describe_secret
_ministacks_handle_request = secretsmanager.handle_request


async def _handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict) -> Answer:
    if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
        return _cancel_rotate_secret(json.loads(body))
    return await _ministacks_handle_request(method, path, headers, body, query_params)


def fill() -> None:
    """Puts the operations in the place of ministack's, and adds the type."""
    secretsmanager._rotate_secret = _rotate_secret
    secretsmanager._put_secret_value = _put_secret_value
    secretsmanager._get_secret_value = _get_secret_value
    secretsmanager._describe_secret = _describe_secret
    secretsmanager.handle_request = _handle_request
    add_type("AWS::SecretsManager::RotationSchedule", _create_schedule, _update_schedule, _delete_schedule)
