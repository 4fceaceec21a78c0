"""How an alarm comes to its state, and who may be told.

CloudWatch looks at each alarm once a minute: at the metric with exactly its dimensions, or at an expression over
several; period by period; in ALARM when `DatapointsToAlarm` of the last `EvaluationPeriods` breach, a period
without data counting as `TreatMissingData` says. It publishes to a topic whose policy lets it. ministack looks only
when somebody calls PutMetricData, at all dimensions of a name at once, at all periods as one, knows neither
expressions nor missing data, and asks no policy.

Time is short: a minute of an alarm's period lasts LOCAL_CLOUD_ALARM_MINUTE (1) seconds.
"""

import logging
import operator
import os
import threading
import time
from itertools import chain
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, set_request_account_id, set_request_region
from ministack.services import cloudwatch, sns

from . import metric_queries

_log = logging.getLogger("alarms")

MINUTE = float(os.environ.get("LOCAL_CLOUD_ALARM_MINUTE", "1"))

_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_one_at_a_time = threading.RLock()


def every_minute(what: str, do: Any) -> None:
    """Does it on a thread of its own, for as long as ministack runs, in the account that ministack was started for."""

    def run() -> None:
        set_request_account_id(os.environ["MINISTACK_ACCOUNT_ID"])
        set_request_region(os.environ["MINISTACK_REGION"])
        while True:
            time.sleep(MINUTE)
            try:
                do()
            except Exception:
                _log.exception("%s", what)

    threading.Thread(target=run, name=what, daemon=True).start()


def _queries(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What the alarm looks at, a single metric too, as queries of which one is returned."""
    if alarm.get("Metrics"):
        return alarm["Metrics"]
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")}
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    return [{"Id": "metric", "MetricStat": {"Metric": metric, "Stat": statistic, "Period": alarm["Period"]}}]


def _state(alarm: dict[str, Any]) -> tuple[str, str]:
    """The state now, and the reason."""
    queries = _queries(alarm)
    period = max(int(query.get("MetricStat", query).get("Period") or 0) for query in queries) or 60
    windows = metric_queries.Windows.until(time.time(), alarm["EvaluationPeriods"], period / 60 * MINUTE)
    [returned] = [query["Id"] for query in queries if str(query.get("ReturnData", True)).lower() == "true"]
    series = metric_queries.values(queries, windows)[returned]
    breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    found = [breaches(value, alarm["Threshold"]) for value in series.values()]
    absent = len(windows.starts) - len(found)
    treat = alarm["TreatMissingData"]
    if not found and treat == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    if not found and treat == "missing":
        return "INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received"
    breaching = sum(found) + (absent if treat == "breaching" else 0)
    needed = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    reason = f"{breaching} of {len(windows.starts)} periods breach, {absent} have no data: {list(series.values())}"
    return ("ALARM" if breaching >= needed else "OK"), f"Threshold Crossed: {reason}"


def _evaluate(alarm: dict[str, Any]) -> None:
    with _one_at_a_time:
        old = alarm["StateValue"]
        new, reason = _state(alarm)
        if new == old:
            return
        alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
        _log.info("%s: %s to %s: %s", alarm["AlarmName"], old, new, reason)
        cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)
        cloudwatch._evaluate_parent_alarms(alarm)


def _evaluate_all() -> None:
    for alarm in list(cloudwatch._alarms.values()):
        try:
            _evaluate(alarm)
        except Exception:
            _log.exception("%s", alarm["AlarmName"])


def _may_publish(topic: str, alarm: dict[str, Any]) -> bool:
    allowed = sns.topic_policy_allows(topic, "cloudwatch.amazonaws.com", alarm["AlarmArn"], get_account_id())
    if not allowed:
        _log.warning("%s: the policy of %s denies cloudwatch.amazonaws.com", alarm["AlarmName"], topic)
    return allowed


def fill() -> None:
    """Puts the evaluation in place of ministack's, and starts the clock."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_to_permitted(alarm: dict[str, Any], *states: str) -> None:
        # CloudWatch calls SNS over TLS, whoever's request or clock brought it to look.
        iam_evaluator.pin_request_origin("cloudwatch.amazonaws.com", True)
        lists = {name: alarm.get(name) or [] for name in ("AlarmActions", "OKActions", "InsufficientDataActions")}
        permitted = {topic for topic in set(chain(*lists.values())) if _may_publish(topic, alarm)}
        told = {name: [topic for topic in topics if topic in permitted] for name, topics in lists.items()}
        dispatch({**alarm, **told}, *states)

    cloudwatch._dispatch_alarm_actions = dispatch_to_permitted
    cloudwatch._evaluate_alarm = _evaluate
    cloudwatch._evaluate_all_alarms = _evaluate_all
    every_minute("alarms", _evaluate_all)
