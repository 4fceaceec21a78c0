"""The environment a function's process starts with.

On AWS that is Lambda's own variables, the function's, and nothing else. ministack hands its own
process's whole environment down, so a function could read what only this machine has and pass here
but fail there; and it leaves out what the logging configuration sets.

A Function URL's host resolves nowhere here, so where a variable is one, it becomes the address that
ministack serves it at.
"""

import os
from typing import Any

from ministack.core.lambda_runtime import execution_credentials
from ministack.core.responses import get_region, new_uuid
from ministack.services import lambda_svc

from . import names


def _environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    name = config["FunctionName"]
    logging = config.get("LoggingConfig") or {}
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": code_dir,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": config.get("Handler", "bootstrap"),
        "AWS_REGION": get_region(),
        "AWS_DEFAULT_REGION": get_region(),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": new_uuid(),
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        # Where "AWS" is.
        "AWS_ENDPOINT_URL": os.environ["AWS_ENDPOINT_URL"],
        **execution_credentials(config),
    }
    if level := logging.get("ApplicationLogLevel"):
        environment["AWS_LAMBDA_LOG_LEVEL"] = level
    variables = lambda_svc._runtime_env_vars(config)
    return {**environment, **{name: names.reachable(value) for name, value in variables.items()}}


def fill() -> None:
    """Replaces the environment ministack builds."""
    lambda_svc._provided_worker_env = _environment
