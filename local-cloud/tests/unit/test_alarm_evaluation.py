"""An alarm's state out of its metric's points, as CloudWatch comes to it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from local_cloud.ministack_gaps import alarms
from ministack.services import cloudwatch

_ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "Namespace": "N",
    "MetricName": "m",
    "Dimensions": [{"Name": "Queue", "Value": "q"}],
    "Statistic": "Sum",
    "Period": 600,
    "EvaluationPeriods": 3,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "StateValue": "OK",
    "StateReason": "so far",
}


@pytest.fixture(autouse=True)
def _no_metrics() -> Iterator[None]:
    cloudwatch._metrics.clear()
    yield
    cloudwatch._metrics.clear()


def _put(value: float, periods_ago: int = 0, metric: str = "m", queue: str = "q") -> None:
    at = time.time() - (periods_ago + 0.5) * _ALARM["Period"] / 60 * alarms.MINUTE
    cloudwatch._store_datum("N", metric, {"Queue": queue}, at, "Count", value, None, None, None)


def _state(**changed: Any) -> str:
    return alarms._state({**_ALARM, **changed})[0]


def test_every_period_must_breach_unless_fewer_are_enough() -> None:
    for periods_ago, value in enumerate([9, 1, 9]):
        _put(value, periods_ago)
    assert _state() == "OK"
    assert _state(DatapointsToAlarm=2) == "ALARM"
    assert _state(EvaluationPeriods=1) == "ALARM"


def test_points_of_a_period_count_together_and_those_of_other_dimensions_not_at_all() -> None:
    _put(3)
    _put(9, queue="another")
    assert _state(EvaluationPeriods=1) == "OK"
    _put(3)
    assert _state(EvaluationPeriods=1) == "ALARM"


@pytest.mark.parametrize(
    ("treat", "state"),
    [("notBreaching", "OK"), ("breaching", "ALARM"), ("missing", "INSUFFICIENT_DATA"), ("ignore", "OK")],
)
def test_without_data_the_alarm_says_what_that_means(treat: str, state: str) -> None:
    assert _state(TreatMissingData=treat) == state


def test_an_alarm_that_ignores_missing_data_keeps_its_state() -> None:
    assert _state(TreatMissingData="ignore", StateValue="ALARM") == "ALARM"


def test_an_expression_is_evaluated_over_its_metrics() -> None:
    def query(name: str) -> dict[str, Any]:
        metric = {"Namespace": "N", "MetricName": name, "Dimensions": _ALARM["Dimensions"]}
        return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric, "Stat": "Sum", "Period": 600}}

    rate = {"Id": "rate", "Expression": "IF(bad >= 5, 100 * bad / (bad + good), 0)"}
    changed = {"Metrics": [rate, query("bad"), query("good")], "EvaluationPeriods": 1, "Threshold": 20.0}
    _put(4, metric="bad")
    _put(0, metric="good")
    assert _state(**changed) == "OK", "four are too few to tell"
    _put(2, metric="bad")
    assert _state(**changed) == "ALARM"
    _put(60, metric="good")
    assert _state(**changed) == "OK"
