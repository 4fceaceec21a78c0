"""`AWS/Lambda` metrics of every invocation.

AWS counts invocations, errors and durations however a function is invoked. ministack does so for the Invoke API and
leaves Function URLs, queues and schedules out; throttles it counts for all.
"""

from typing import Any

from ministack.services import cloudwatch, lambda_svc


def fill() -> None:
    """Counts where each invocation ends, and leaves ministack the throttles."""
    emit_metrics = lambda_svc._emit_lambda_metrics
    emit_logs = lambda_svc._emit_lambda_logs

    def count_throttle(function: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # The Invoke API tells of it once more, with a duration.
        if throttle and not duration_ms:
            cloudwatch.record_metric("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function})

    def emit_and_count(
        func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **options: Any
    ) -> None:
        emit_logs(func, request_id, log_text, error, duration_ms, **options)
        function = (func.get("config") or func)["FunctionName"]
        emit_metrics(function, max(duration_ms, 1), error, False)

    lambda_svc._emit_lambda_metrics = count_throttle
    lambda_svc._emit_lambda_logs = emit_and_count
