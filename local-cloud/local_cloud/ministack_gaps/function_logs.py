"""A file for what each function logs.

AWS keeps a function's log in its log group. ministack does too, but in memory, gone when the local
cloud ends; so each invocation's lines are also appended to `<function>.log` in the run's folder.
"""

import os
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc


def fill() -> None:
    """Copies every invocation's lines."""
    emit = lambda_svc._emit_lambda_logs
    folder = Path(os.environ["LOCAL_CLOUD_LOGS"])

    def emit_and_append(func: dict[str, Any], request_id: str, log_text: str, *rest: Any, **options: Any) -> None:
        emit(func, request_id, log_text, *rest, **options)
        name = (func.get("config") or func).get("FunctionName", "unknown")
        with (folder / f"{name}.log").open("a") as file:
            file.write(f"--- {request_id}\n{log_text}\n" if log_text else f"--- {request_id}\n")

    lambda_svc._emit_lambda_logs = emit_and_append
