"""What the local cloud adds to ministack, in-process and without touching its files.

One module a gap; each says what AWS does and what ministack lacks. They reach into ministack's
internals, so they hold for one version only and `fill` refuses any other.
"""

from importlib import import_module
from importlib.metadata import version

MINISTACK_VERSION = "1.5.33"

_GAPS = (
    "api_destinations",
    "batch_actions",
    "event_sources",
    "events_resources",
    "function_logs",
    "function_resource",
    "function_urls",
    "induced_faults",
    "lambda_environment",
    "mediaconvert_endpoint",
    "mediaconvert_queue_resource",
    "missing_objects",
    "queue_polling",
    "root_access_key",
    "secret_resource",
    "secure_transport",
    "service_principal",
    "table_resource",
)


def fill() -> None:
    """Fills every gap; call it once, before ministack serves its first request."""
    installed = version("ministack")
    if installed != MINISTACK_VERSION:
        raise SystemExit(
            f"ministack {installed} is installed, but its gaps are filled for {MINISTACK_VERSION}: "
            "run `make setup`, or check each module of ministack_gaps/ against the new version"
        )
    for gap in _GAPS:
        import_module(f".{gap}", __name__).fill()
