"""`aws:SecureTransport`.

AWS's endpoints speak TLS, and its services among themselves too; bucket and queue policies (that of
SAM's own artifact bucket among them) deny requests that do not. Here everything is plain HTTP on
127.0.0.1, which ministack tells such policies. So each request counts as secure, and what ministack
does on a service's behalf likewise, but for a request whose header `X-Forwarded-Proto` is `http`:
that is how a test says what a client without TLS would be told.
"""

from contextvars import ContextVar

from ministack import app
from ministack.core import iam_evaluator


def fill() -> None:
    """Overrides what the connection says."""
    iam_evaluator._request_origin = ContextVar("request_origin", default=("127.0.0.1", True))
    pin_request_origin, pin_request_caller = app.pin_request_origin, iam_evaluator.pin_request_caller

    # The first thing that sees a request's headers, before its policies are evaluated.
    def pin_caller_and_transport(headers: dict[str, str], query_params: dict | None = None) -> None:
        pin_request_caller(headers, query_params)
        if headers.get("x-forwarded-proto") == "http":
            source_ip, _ = iam_evaluator._request_origin.get()
            pin_request_origin(source_ip, False)

    app.pin_request_origin = lambda source_ip, _secure: pin_request_origin(source_ip, True)
    iam_evaluator.pin_request_caller = pin_caller_and_transport
