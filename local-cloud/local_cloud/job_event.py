"""`make event`: a raw MediaConvert event as the Function URL request that EventBridge makes of it."""

import argparse
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from .harness.stack import NAME
from .harness.tools import ROOT

_EVENTS = ROOT / "events" / "mediaconvert"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument("status", help="a status such as COMPLETE, or the name of a file of events/mediaconvert")
    parser.add_argument("--stack", default=NAME, help="the deployed stack whose key to use if API_KEY is not set")


def run(arguments: argparse.Namespace) -> int:
    """Prints the request; status 2 if the event or the key cannot be had."""
    try:
        print(json.dumps(request(_event(arguments.status), _api_key(arguments.stack)), indent=2))
    except LookupError as missing:
        print(missing.args[0], file=sys.stderr)
        return 2
    return 0


def _event(wanted: str) -> dict[str, Any]:
    """The first event of that status, in the order of the files' names, or the file of that name."""
    by_status: dict[str, Path] = {}
    for path in sorted(_EVENTS.glob("*.json")):
        event = json.loads(path.read_text())
        if path.stem == wanted.removesuffix(".json"):
            return event
        by_status.setdefault(event.get("detail", {}).get("status", ""), path)
    if wanted in by_status:
        return json.loads(by_status[wanted].read_text())
    statuses = ", ".join(sorted(filter(None, by_status)))
    raise LookupError(f"STATUS: {wanted!r} is none of {statuses}, nor a file of {_EVENTS.relative_to(ROOT)}")


def _api_key(stack: str) -> str:
    """API_KEY, or what the deployed stack's secret holds."""
    if key := os.environ.get("API_KEY"):
        return key
    try:
        [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        secret = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["ApiKeySecretArn"])
        return json.loads(secret["SecretString"])["apiKey"]
    except (BotoCoreError, ClientError) as error:
        raise LookupError(f"set API_KEY, or AWS credentials that may read the secret of {stack}: {error}") from error


def request(event: dict[str, Any], api_key: str) -> dict[str, Any]:
    """The payload (format 2.0) that a Function URL hands to the function."""
    host = "local.lambda-url.us-east-1.on.aws"
    now = time.time()
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json; charset=utf-8",
            "host": host,
            "range": "bytes=0-1048575",
            "user-agent": "Amazon/EventBridge/ApiDestinations",
            "x-api-key": api_key,
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": "local",
            "http": {
                "method": "POST",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "Amazon/EventBridge/ApiDestinations",
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "body": json.dumps(event),
        "isBase64Encoded": False,
    }
