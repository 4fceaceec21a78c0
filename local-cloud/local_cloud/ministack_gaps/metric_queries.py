"""Metric data queries, as alarms and GetMetricData have them, over the points that ministack keeps."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch

from .metric_expressions import Expressions, Series, Value

Json = dict[str, Any]

# Points are stored about as time goes: by no more seconds than this does one come after a newer one.
_LATENESS = 60
_SEARCHED = re.compile(r"\{\s*(?P<schema>[^}]+)\}\s*(?P<terms>.*)", re.DOTALL)
_TERM = re.compile(r'(\w+)\s*=\s*"([^"]*)"')


@dataclass(frozen=True)
class Windows:
    """Stretches of `seconds` each, which begin at `starts`, oldest first."""

    starts: Sequence[float]
    seconds: float

    @classmethod
    def until(cls, now: float, count: int, seconds: float) -> "Windows":
        """The last ones before now, as an alarm looks at them: they move with it."""
        return cls([now - seconds * back for back in range(count, 0, -1)], seconds)

    @classmethod
    def between(cls, start: float, end: float, seconds: float) -> "Windows":
        """Those of a graph, on multiples of their length."""
        first = start // seconds * seconds
        return cls([first + seconds * number for number in range(int(-(-(end - first) // seconds)))], seconds)

    def start_of(self, time: float) -> float | None:
        """That of the one the time lies in."""
        number = int((time - self.starts[0]) // self.seconds) if self.starts else -1
        return self.starts[number] if 0 <= number < len(self.starts) else None


def values(queries: list[Json], windows: Windows) -> dict[str, Value]:
    """Each query's value, by its id; an expression may name the queries beside it, wherever they stand."""
    metrics = [query for query in queries if "MetricStat" in query]
    found: dict[str, Value] = {query["Id"]: _of_metric(query["MetricStat"], windows) for query in metrics}
    pending = [query for query in queries if "MetricStat" not in query]
    while pending:
        ready = [query for query in pending if not _named(query, pending)]
        if not ready:
            raise ValueError(f"expressions in a circle: {[query['Id'] for query in pending]}")
        for query in ready:
            found[query["Id"]] = Expressions(found, windows.starts, _searcher(windows)).evaluate(query["Expression"])
            pending.remove(query)
    return found


def _named(query: Json, others: list[Json]) -> set[str]:
    words = set(re.findall(r"\w+", re.sub(r"'[^']*'", "", query["Expression"])))
    return words & {other["Id"] for other in others}


def _of_metric(statistic: Json, windows: Windows) -> Series:
    metric = statistic["Metric"]
    dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    return _series(cloudwatch._metrics.get(key) or [], statistic["Stat"], windows)


def _searcher(windows: Windows) -> Any:
    def search(expression: str, statistic: str, _period: float) -> list[Series]:
        return [_series(points, statistic, windows) for points in _searched(expression)]

    return search


def _searched(expression: str) -> Iterator[list[Json]]:
    read = _SEARCHED.fullmatch(expression.strip())
    if not read:
        raise KeyError(f"SEARCH {expression!r}")
    namespace, *names = (part.strip() for part in read["schema"].split(","))
    wanted = dict(_TERM.findall(read["terms"]))
    metric_name = wanted.pop("MetricName", None)
    for (of, name, _), points in list(cloudwatch._metrics.items()):
        dimensions = points[0]["Dimensions"] if points else {}
        if of != namespace or set(dimensions) != set(names) or metric_name not in (None, name):
            continue
        if wanted.items() <= dimensions.items():
            yield points


def _series(points: list[Json], statistic: str, windows: Windows) -> Series:
    inside: dict[float, list[Json]] = {}
    for point in reversed(list(points)):
        if windows.starts and point["Timestamp"] < windows.starts[0] - _LATENESS:
            break
        if (start := windows.start_of(point["Timestamp"])) is not None:
            inside.setdefault(start, []).append(point)
    found = {
        start: cloudwatch._stat_value(cloudwatch._calc_stats(some), statistic, some)
        for start, some in sorted(inside.items())
    }
    return {start: float(value) for start, value in found.items() if value is not None}
