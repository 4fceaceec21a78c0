"""Faults on purpose: what AWS and the network may do to a function at any time, and ministack never does.

`LOCAL_CLOUD_FAULTS` names a JSON file, which may change at any time and need not be there:

    {"seed": 1,
     "calls": {"dynamodb": {"throttled": 0.2, "failed": 0.1, "unanswered": 0.1}},
     "functionUrl": {"status": 503, "ratio": 1}}

Of the calls that functions make to a service, these shares are throttled, fail with HTTP 500, or are carried out
and then answered with HTTP 500. Of the requests to Function URLs, this share gets this status, and no function
sees them.
"""

import json
import logging
import os
import random
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ministack import app

_log = logging.getLogger("induced-faults")
_THROTTLED = {"mediaconvert": (429, "TooManyRequestsException")}
# A role's session, and the service it calls.
_SESSION = re.compile(r"Credential=ASIA[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request")

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


class _Weather:
    """The file as it is now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._faults: dict[str, Any] = {}
        self._random = random.Random()

    def _now(self) -> dict[str, Any]:
        try:
            changed_at = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if changed_at != self._read_at:
            self._faults, self._read_at = json.loads(self._path.read_text()), changed_at
            self._random.seed(self._faults.get("seed"))
        return self._faults

    def of_call(self, service: str) -> str | None:
        """What befalls a function's next call to the service."""
        chance = self._random.random()
        for fault, share in self._now().get("calls", {}).get(service, {}).items():
            if chance < share:
                return fault
            chance -= share
        return None

    def of_function_url(self) -> int | None:
        """The status that the next request to a Function URL gets instead of the function's answer."""
        refusal = self._now().get("functionUrl")
        return refusal["status"] if refusal and self._random.random() < refusal["ratio"] else None


def _headers(scope: dict[str, Any]) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope["headers"]}


async def _answer(send: Send, status: int, error: str) -> None:
    body = json.dumps({"__type": error, "message": "induced"}).encode()
    headers = [(b"content-type", b"application/x-amz-json-1.0"), (b"x-amzn-errortype", error.encode())]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _into_the_void(_message: Message) -> None:
    pass


def fill() -> None:
    """Puts the faults before ministack, if there is a file to read them from."""
    if not (path := os.environ.get("LOCAL_CLOUD_FAULTS")):
        return
    weather, served = _Weather(Path(path)), app.app

    async def faulty(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return await served(scope, receive, send)
        headers = _headers(scope)
        if b".lambda-url." in headers.get(b"host", b""):
            if status := weather.of_function_url():
                _log.info("function URL answered %d", status)
                return await _answer(send, status, "InducedFault")
        elif session := _SESSION.search(headers.get(b"authorization", b"").decode("latin-1")):
            service = session[1]
            if fault := weather.of_call(service):
                _log.info("%s %s", service, fault)
                if fault == "throttled":
                    return await _answer(send, *_THROTTLED.get(service, (400, "ThrottlingException")))
                if fault == "unanswered":
                    await served(scope, receive, _into_the_void)
                return await _answer(send, 500, "InternalServerError")
        return await served(scope, receive, send)

    app.app = faulty
