"""Host names that resolve only inside the local cloud.

EventBridge delivers to https endpoints with public names; here there is neither public DNS nor a
certificate authority. So two kinds of host are reached over plain HTTP on this machine:

- `<id>.lambda-url.<region>.on.aws`, a Function URL: the gateway, which tells functions apart by
  the Host header;
- `p<port>.local-cloud.test`, a server on 127.0.0.1:<port>: for tests that stand in for the host
  application (`HostWebhookUrl` must be https, as on AWS).
"""

import os
import re
from urllib.parse import urlsplit, urlunsplit

_FUNCTION_URL = re.compile(r"[a-z0-9]+\.lambda-url\.[a-z0-9-]+\.on\.aws")
_LOCAL_SERVER = re.compile(r"p(\d+)\.local-cloud\.test")


def resolve(url: str) -> tuple[str, str | None]:
    """The URL to connect to, and the Host header to send if the URL does not imply it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _FUNCTION_URL.fullmatch(host):
        port = os.environ["GATEWAY_PORT"]
    elif local := _LOCAL_SERVER.fullmatch(host):
        port = local[1]
    else:
        return url, None
    return urlunsplit(("http", f"127.0.0.1:{port}", parts.path or "/", parts.query, "")), host


def reachable(url: str) -> str:
    """A Function URL as whoever sends no other Host header reaches it; anything else as it is."""
    parts = urlsplit(url)
    if not _FUNCTION_URL.fullmatch(parts.hostname or ""):
        return url
    url_id = parts.hostname.split(".", 1)[0]
    port = os.environ["GATEWAY_PORT"]
    return urlunsplit(("http", f"127.0.0.1:{port}", f"/_aws/lambda-url/{url_id}{parts.path or '/'}", parts.query, ""))
