"""The `mediaconvert` endpoint: authentication, authorisation, then the simulator.

On AWS, MediaConvert checks a request's signature and the caller's policies before it acts:
`CreateJob` on the queue and on the job template and presets it names, `TagResource` if it has tags,
`iam:PassRole` on the role that the job runs as, the other actions on their job or queue. ministack
has no MediaConvert; the simulator checks nobody. So the gateway does the checks with ministack's
IAM engine and passes the request on. Denials have MediaConvert's shape and name principal, action
and resource.
"""

import asyncio
import json
import os
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

import botocore.session
from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region

_SERVICE = "mediaconvert"
_TIMEOUT = 30
_PASSED_ON = ("accept", "content-type", "user-agent")

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Permission:
    """One thing the caller must be allowed to do."""

    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)


def _arn(kind: str, name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:mediaconvert:{get_region()}:{get_account_id()}:{kind}/{name}"


def _needed(action: str, path: str, query: dict, body: bytes) -> Iterator[Permission]:
    """The permissions of one request, after MediaConvert's page in the Service Authorization Reference."""
    _, _, kind, *rest = path.split("/")
    if action == "CreateJob":
        yield from _needed_to_create(_object(body))
    elif kind in ("queues", "jobTemplates", "presets") and rest:
        yield Permission(f"mediaconvert:{action}", _arn(kind, unquote(rest[0])))
    elif kind == "jobs" and rest:
        yield Permission(f"mediaconvert:{action}", _arn(kind, rest[0]))
    elif action in ("ListJobs", "SearchJobs"):
        yield Permission(f"mediaconvert:{action}", _arn("queues", (query.get("queue") or ["*"])[0]))
    else:
        yield Permission(f"mediaconvert:{action}", "*")


def _needed_to_create(job: dict[str, Any]) -> Iterator[Permission]:
    tags = job.get("tags") or {}
    context = {f"aws:requesttag/{key}": value for key, value in tags.items()} | {"aws:tagkeys": list(tags) or None}
    resources = [_arn("queues", job.get("queue") or "Default")]
    if template := job.get("jobTemplate"):
        resources.append(_arn("jobTemplates", template))
    resources += [_arn("presets", preset) for preset in _presets(job.get("settings") or {})]
    for resource in resources:
        yield Permission("mediaconvert:CreateJob", resource, context)
    if tags:
        yield Permission("mediaconvert:TagResource", _arn("jobs", "*"), context)
    if role := job.get("role"):
        yield Permission("iam:PassRole", role, {"iam:PassedToService": "mediaconvert.amazonaws.com"})


def _presets(settings: dict[str, Any]) -> Iterator[str]:
    for group in settings.get("outputGroups") or []:
        for output in group.get("outputs") or []:
            if preset := output.get("preset"):
                yield preset


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}  # the simulator refuses it, as MediaConvert does after authorising
    return parsed if isinstance(parsed, dict) else {}


def _denied(needed: Permission, headers: dict[str, str], query: dict) -> Answer | None:
    service = needed.action.partition(":")[0]
    access_key = router.extract_access_key_id(headers, query)
    denial = iam_evaluator.enforce(
        access_key, needed.action, service, get_region(), resource_arn=needed.resource, service_context=needed.context
    )
    if denial is None:
        return None
    if isinstance(denial, iam_evaluator.AuthError):
        return app._credential_failure(_SERVICE, needed.action, str(uuid.uuid4()), denial, headers)
    message = iam_actions.identity_denial_message(
        needed.action, denial.principal_arn, needed.resource, denial.decision == "Deny"
    )
    return _error(403, "AccessDeniedException", message)


def _error(status: int, kind: str, message: str) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind}
    return status, headers, json.dumps({"message": message}).encode()


def forward(method: str, path: str, headers: dict[str, str], body: bytes, query: dict) -> Answer:
    """Asks the simulator, without asking whether the caller may."""
    url = f"{os.environ['LOCAL_CLOUD_MEDIACONVERT_URL']}{quote(path)}?{urlencode(query, doseq=True)}"
    passed_on = {name: headers[name] for name in _PASSED_ON if name in headers}
    request = urllib.request.Request(url, body or None, passed_on, method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            return answer.status, _answered(answer.headers), answer.read()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, _answered(answer.headers), answer.read()
    except OSError as error:
        return _error(503, "ServiceUnavailableException", f"mediaconvert-local does not answer: {error}")


def _answered(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() in ("content-type", "x-amzn-errortype")}


async def _handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict) -> Answer:
    action = iam_actions._match_rest_action(_SERVICE, method, path, query)
    for needed in _needed(action, path, query, body) if action else ():
        if denied := _denied(needed, headers, query):
            return denied
    return await asyncio.to_thread(forward, method, path, headers, body, query)


def fill() -> None:
    """Adds the service; its action names come from the service model that botocore ships."""
    # Whether a name is an AWS service's, ministack finds out by loading every model: 3 s in the first job.
    router._KNOWN_AWS_SERVICE_NAMES = frozenset(botocore.session.get_session().get_available_services())
    iam_actions._BOTOCORE_SERVICE_MAP[_SERVICE] = [_SERVICE]
    app.SERVICE_HANDLERS[_SERVICE] = _handle
