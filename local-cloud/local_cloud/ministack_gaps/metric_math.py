"""GetMetricData: metric math and SEARCH.

CloudWatch evaluates expressions over the other queries of a call, and answers an expression that is an array of
series with one result each. ministack answers every expression with an error.
"""

import json
from typing import Any

from ministack.services import cloudwatch

from . import metric_queries
from .metric_expressions import UnknownExpressionError


def _period(queries: list[dict[str, Any]]) -> float:
    periods = {int(query.get("MetricStat", query).get("Period") or 60) for query in queries}
    return float(max(periods))


def _results(request: dict[str, Any]) -> list[dict[str, Any]]:
    queries = request["MetricDataQueries"]
    start, end = (cloudwatch._parse_ts(request[name]) for name in ("StartTime", "EndTime"))
    values = metric_queries.values(queries, metric_queries.Windows.between(start, end, _period(queries)))
    results = []
    for query in queries:
        if not query.get("ReturnData", True):
            continue
        value = values[query["Id"]]
        for series in value if isinstance(value, list) else [value]:
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label", query["Id"]),
                    "Timestamps": [cloudwatch._ts_iso(time) for time in series],
                    "Values": list(series.values()),
                    "StatusCode": "Complete",
                }
            )
    return results


def fill() -> None:
    """Answers calls that hold an expression; ministack answers the others."""
    ministacks = cloudwatch._get_metric_data

    def get_metric_data(params: Any, request: dict[str, Any], is_cbor: bool, is_json: bool = False):
        if not any("Expression" in query for query in request.get("MetricDataQueries", [])):
            return ministacks(params, request, is_cbor, is_json)
        try:
            results = _results(request)
        except UnknownExpressionError as error:
            return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
        if is_cbor:
            return cloudwatch._cbor_ok({"MetricDataResults": list(map(cloudwatch._cbor_metric_data_result, results))})
        return cloudwatch._json_ok({"MetricDataResults": json.loads(json.dumps(results))})

    cloudwatch._get_metric_data = get_metric_data
