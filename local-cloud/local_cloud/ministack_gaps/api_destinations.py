"""Delivery to API destinations: permission, retries, the dead-letter queue.

AWS assumes the target's role and checks `events:InvokeApiDestination`; gives an endpoint 5 s;
retries network errors, 401, 407, 409, 429 and 5xx with growing, jittered pauses for up to 24 h and
185 times, or what the target's RetryPolicy says, honouring Retry-After; and puts what it cannot
deliver into the target's dead-letter queue if that queue's policy lets it. Missing permissions and
missing targets go there at once. Each attempt counts in the rule's metrics. ministack 1.5.33 checks
no role, tries once, drops the event and counts nothing.

Time is scaled so that a test can watch it: the first pause is 0.2 s, none is over 1 s, and there
are at most LOCAL_CLOUD_MAX_RETRIES (4) retries, whatever the policy allows beyond that.
"""

import json
import logging
import os
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import cloudwatch, eventbridge, iam, sqs

from . import names

_log = logging.getLogger("api-destinations")

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 1.0
_MAX_RETRIES = int(os.environ.get("LOCAL_CLOUD_MAX_RETRIES", "4"))
_CLIENT_TIMEOUT = 5
# AWS sends up to 300 a second. Here each attempt at the same time is a function's process more.
_AT_ONCE = threading.BoundedSemaphore(8)


class UndeliverableError(Exception):
    """A delivery that AWS gives up at once, with the ERROR_CODE it reports."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Failure:
    """One failed attempt."""

    message: str
    retryable: bool
    retry_after: float = 0.0


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target of one rule."""

    account: str
    region: str
    rule_arn: str
    target: dict[str, Any]
    event: str
    received: float

    def run(self) -> None:
        """Delivers, retries, and dead-letters what is left. Runs on a thread of its own."""
        set_request_account_id(self.account)
        set_request_region(self.region)
        retries = 0
        try:
            while failure := self._attempt():
                _log.info("%s: attempt %d failed: %s", self.target["Arn"], retries + 1, failure.message)
                if not failure.retryable or self._exhausted(retries):
                    exhausted = self._exhausted(retries) if failure.retryable else None
                    self._dead_letter("SDK_CLIENT_ERROR", failure.message, retries, exhausted)
                    return
                time.sleep(_pause(retries, failure.retry_after))
                retries += 1
        except UndeliverableError as gone:
            self._dead_letter(gone.code, str(gone), retries)
        except Exception:
            _log.exception("%s: delivery broke", self.target["Arn"])
            raise
        else:
            _log.info("%s: delivered after %d retries", self.target["Arn"], retries)

    def _exhausted(self, retries: int) -> str | None:
        """The condition of the retry policy that forbids another retry, as AWS names it."""
        policy = self.target.get("RetryPolicy") or {}
        if retries >= min(int(policy.get("MaximumRetryAttempts", 185)), _MAX_RETRIES):
            return "MaximumRetryAttempts"
        age = time.monotonic() - self.received
        return "MaximumEventAgeInSeconds" if age >= int(policy.get("MaximumEventAgeInSeconds", 86400)) else None

    def _attempt(self) -> Failure | None:
        rule = {"RuleName": self.rule_arn.rsplit("/", 1)[-1]}
        cloudwatch.record_metric("AWS/Events", "InvocationAttempts", 1, "Count", rule)
        name = self.target["Arn"].split(":api-destination/", 1)[1].split("/")[0]
        destination = eventbridge._api_destinations.get(name)
        if destination is None:
            raise UndeliverableError("NO_RESOURCE", f"API destination {name} does not exist")
        _check_role(self.target.get("RoleArn"), destination["ApiDestinationArn"], self.rule_arn)
        connection = eventbridge._connections.get(destination["ConnectionArn"].rsplit("/", 1)[-1])
        if destination["ApiDestinationState"] != "ACTIVE" or not connection:
            return Failure(f"API destination {name} is not active", retryable=True)
        if connection["ConnectionState"] != "AUTHORIZED":
            return Failure(f"connection {connection['Name']} is not authorized", retryable=True)
        request = eventbridge._build_api_destination_request(
            destination, connection, self.target.get("HttpParameters") or {}, self.event
        )
        key = (self.account, self.region, connection["Name"])
        return _post(request, eventbridge._connection_auth_headers(connection, key))

    def _dead_letter(self, code: str, message: str, retries: int, exhausted: str | None = None) -> None:
        queue = (self.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            _log.warning("%s: dropped, there is no dead-letter queue: %s", self.target["Arn"], message)
            return
        if not sqs.queue_policy_allows(queue, "events.amazonaws.com", self.rule_arn, self.account):
            _log.warning("%s: dropped, the policy of %s denies events.amazonaws.com", self.target["Arn"], queue)
            return
        attributes = {
            "RULE_ARN": self.rule_arn,
            "TARGET_ARN": self.target["Arn"],
            "ERROR_CODE": code,
            "ERROR_MESSAGE": message,
            "RETRY_ATTEMPTS": str(retries),
        }
        if exhausted:
            attributes["EXHAUSTED_RETRY_CONDITION"] = exhausted
        url = sqs._queue_by_arn(queue)["url"]
        sqs._act_send_message(
            {
                "QueueUrl": url,
                "MessageBody": self.event,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            },
            url,
        )
        _log.info("%s: dead-lettered: %s", self.target["Arn"], json.dumps(attributes))


def _pause(attempt: int, retry_after: float) -> float:
    backoff = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1)
    return max(backoff, min(retry_after, _LONGEST_PAUSE))


def _post(request: dict[str, Any], auth_headers: dict[str, str]) -> Failure | None:
    url, host = names.resolve(request["url"])
    headers = eventbridge._finalize_api_dest_headers({**request["headers"], **auth_headers})
    post = urllib.request.Request(url, request["body"].encode(), headers, method=request["method"])
    if host:
        post.add_unredirected_header("Host", host)
    try:
        with _AT_ONCE, eventbridge._http_open(post, timeout=_CLIENT_TIMEOUT):
            return None
    except urllib.error.HTTPError as answer:
        with answer:
            retry_after = _seconds(answer.headers.get("Retry-After"))
        retryable = answer.code in (401, 407, 409, 429) or answer.code >= 500
        message = f"Unable to invoke ApiDestination endpoint: status code {answer.code}"
        return Failure(message, retryable and retry_after >= 0, retry_after)
    except OSError as error:
        return Failure(f"Unable to invoke ApiDestination endpoint: {error}", retryable=True)


def _seconds(retry_after: str | None) -> float:
    try:
        return float(retry_after or 0)
    except ValueError:
        return 0.0


def _check_role(role_arn: str | None, destination_arn: str, rule_arn: str) -> None:
    role = iam._roles.get((role_arn or "").rsplit("/", 1)[-1])
    if role is None:
        raise UndeliverableError("NO_PERMISSIONS", f"the target's role {role_arn} does not exist")
    context = {"aws:sourcearn": rule_arn, "aws:sourceaccount": get_account_id()}
    service = "events.amazonaws.com"

    def asked(action: str, resource: str) -> iam_evaluator.EvalContext:
        return iam_evaluator.EvalContext(
            principal_arn=service,
            principal_type="Service",
            principal_account=get_account_id(),
            action=action,
            resource_arn=resource,
            region=get_region(),
            service_context=context,
        )

    trust = role.get("AssumeRolePolicyDocument", "{}")
    if not iam_evaluator.evaluate_trust_policy(trust, service, asked("sts:AssumeRole", role_arn)):
        raise UndeliverableError("FAILED_TO_ASSUME_ROLE", f"{role_arn} does not trust {service}")
    policies = iam_evaluator._gather_role_policies(role["RoleName"], get_account_id())
    action = "events:InvokeApiDestination"
    if iam_evaluator.evaluate(asked(action, destination_arn), policies).decision != "Allow":
        message = f"{role_arn} is not authorized to perform {action} on {destination_arn}"
        raise UndeliverableError("NO_PERMISSIONS", message)


def fill() -> None:
    """Puts `Delivery` in place of ministack's single attempt."""
    invoke_target = eventbridge._invoke_target

    def invoke_target_of_rule(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None):
        return invoke_target({**target, "_RuleArn": rule["Arn"]}, event, rule, view)

    def dispatch(_spec: Any, event: str, target: dict[str, Any]) -> None:
        delivery = Delivery(get_account_id(), get_region(), target["_RuleArn"], target, event, time.monotonic())
        threading.Thread(target=delivery.run, name="api-destination", daemon=True).start()

    eventbridge._invoke_target = invoke_target_of_rule
    eventbridge._dispatch_to_api_destination = dispatch
