"""Logs Insights: the fields of a line that is JSON.

CloudWatch discovers them, `record.status` of a nested one, and a query may show them and filter by them. ministack
knows the fields that begin with @, and ignores a filter it doesn't know. Here it knows `name = 'value'`, and several
joined by `or`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudwatch_logs

Record = dict[str, Any]

_EQUALS = re.compile(r"([\w.]+)\s*=\s*'([^']*)'")


def _discovered(members: Record, prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in members.items():
        if isinstance(value, dict):
            yield from _discovered(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def _fields(record: Record) -> dict[str, str]:
    try:
        line = json.loads(record.get("@message", ""))
    except ValueError:
        return {}
    return dict(_discovered(line)) if isinstance(line, dict) else {}


def _filter(stage: str) -> Callable[[Record], bool] | None:
    terms = [_EQUALS.fullmatch(term.strip()) for term in re.split(r"\bor\b", stage.strip().removeprefix("filter "))]
    if not all(terms):
        return None

    def matches(record: Record) -> bool:
        fields = _fields(record)
        return any(term and fields.get(term[1]) == term[2] for term in terms)

    return matches


def fill() -> None:
    """Adds the fields to the records, and the filters by them."""
    compile_filter, public = cloudwatch_logs._compile_insights_filter, cloudwatch_logs._public_log_record
    cloudwatch_logs._compile_insights_filter = lambda stage: _filter(stage) or compile_filter(stage)
    cloudwatch_logs._public_log_record = lambda record: {**_fields(record), **public(record)}
