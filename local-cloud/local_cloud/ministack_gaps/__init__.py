"""What the local cloud adds to ministack, in-process and without touching its files.

One module a gap; each says what AWS does and what ministack lacks. They reach into ministack's
internals, so they hold for one version only and `fill` refuses any other.
"""

from importlib import import_module
from importlib.metadata import version

MINISTACK_VERSION = "1.5.33"

_GAPS = (
    "alarm_resource",
    "alarms",
    "api_destinations",
    "archive_resource",
    "batch_actions",
    "connection_access",
    "embedded_metrics",
    "event_sources",
    "events_resources",
    "function_logs",
    "function_resource",
    "function_urls",
    "induced_faults",
    "lambda_environment",
    "lambda_metrics",
    "log_fields",
    "mediaconvert_endpoint",
    "mediaconvert_queue_resource",
    "metric_math",
    "missing_objects",
    "queue_metrics",
    "queue_polling",
    "queue_resource",
    "root_access_key",
    "secret_resource",
    "secret_rotation",
    "secure_transport",
    "service_principal",
    "table_metrics",
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
