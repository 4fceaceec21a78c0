"""`aws:SecureTransport`.

AWS's endpoints speak TLS, and bucket policies (that of SAM's own artifact bucket among them) deny
requests that do not. Here everything is plain HTTP on 127.0.0.1, so each request counts as secure.
"""

from ministack import app


def fill() -> None:
    """Overrides what the connection says."""
    pin_request_origin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: pin_request_origin(source_ip, True)
