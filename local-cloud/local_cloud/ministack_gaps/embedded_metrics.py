"""Metrics out of logs: what functions write in CloudWatch's embedded metric format, and how much they write at all.

CloudWatch makes metrics of each line of a log that carries the member `_aws`, and publishes the bytes that a log group
took in. ministack keeps the lines and that's all.
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.services import cloudwatch, lambda_svc

Json = dict[str, Any]


def _lines(log: str) -> Iterator[Json]:
    for line in log.splitlines():
        if '"_aws"' in line:
            try:
                yield json.loads(line)
            except ValueError:
                continue


def _store(line: Json) -> None:
    said = line["_aws"]
    for directive in said["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(line[name]) for name in names}
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                for one in value if isinstance(value, list) else [value]:
                    cloudwatch._store_datum(
                        directive["Namespace"],
                        metric["Name"],
                        dimensions,
                        said["Timestamp"] / 1000,
                        metric.get("Unit", "None"),
                        one,
                        None,
                        None,
                        None,
                    )


def fill() -> None:
    """Reads every invocation's lines."""
    emit = lambda_svc._emit_lambda_logs

    def emit_and_extract(func: Json, request_id: str, log_text: str, *rest: Any, **options: Any) -> None:
        emit(func, request_id, log_text, *rest, **options)
        config = func.get("config") or func
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
        size = len((log_text or "").encode())
        cloudwatch.record_metric("AWS/Logs", "IncomingBytes", size, "Bytes", {"LogGroupName": group})
        for line in _lines(log_text or ""):
            _store(line)

    lambda_svc._emit_lambda_logs = emit_and_extract
