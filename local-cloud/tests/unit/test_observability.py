"""Alarms, dashboard and runbook belong together: none names what another doesn't have."""

import json
import re
from typing import Any

import pytest
from local_cloud.harness.tools import ROOT
from local_cloud.template import Stack
from published_metrics import OURS, of_alarm, of_dashboard

_STACK = Stack(AlarmEmail="operator@example.org")
_RUNBOOK = "docs/operations.md"


_ALARMS = _STACK.of_type("AWS::CloudWatch::Alarm")
_FUNCTIONS = _STACK.of_type("AWS::Serverless::Function")
_QUEUES = _STACK.of_type("AWS::SQS::Queue")
_DASHBOARD = json.loads(_STACK.properties("Dashboard")["DashboardBody"])


def _headings() -> list[str]:
    return re.findall(r"^#+ (.+)$", (ROOT / _RUNBOOK).read_text(), re.MULTILINE)


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", _ALARMS)
def test_an_alarm_tells_when_it_begins_and_when_it_is_over(name: str) -> None:
    alarm = _ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == ["AlarmTopic"]
    assert alarm["TreatMissingData"] in ("notBreaching", "ignore")


@pytest.mark.parametrize("name", _ALARMS)
def test_an_alarms_description_ends_in_its_section_of_the_runbook(name: str) -> None:
    told = re.fullmatch(r".+\. Runbook: (\S+)#(\S+)", _ALARMS[name]["AlarmDescription"])
    assert told, _ALARMS[name]["AlarmDescription"]
    assert told[1] == _RUNBOOK
    assert told[2] == name.lower()
    assert told[2] in map(_anchor, _headings())


def test_each_section_about_an_alarm_has_its_alarm() -> None:
    assert {heading for heading in _headings() if heading.endswith("Alarm")} == set(_ALARMS)


@pytest.mark.parametrize("name", _ALARMS)
def test_an_alarm_of_expressions_returns_one_of_them_and_looks_at_one_period(name: str) -> None:
    queries = _ALARMS[name].get("Metrics", [])
    assert len([query for query in queries if query.get("ReturnData", True) is True]) == bool(queries)
    assert len({query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}) <= 1
    # Where CloudWatch refuses to alarm on it.
    assert not any("SEARCH" in query.get("Expression", "") or len(queries) > 10 for query in queries)


@pytest.mark.parametrize("metric", sorted({m for a in _ALARMS.values() for m in of_alarm(a)}, key=str), ids=str)
def test_what_an_alarm_looks_at_is_ours_or_published_by_aws(metric: Any) -> None:
    assert metric.namespace == OURS or metric.is_aws()


@pytest.mark.parametrize("metric", sorted(set(of_dashboard(_DASHBOARD)), key=str), ids=str)
def test_what_the_dashboard_shows_is_ours_or_published_by_aws(metric: Any) -> None:
    assert metric.namespace == OURS or metric.is_aws()


def test_the_dashboard_shows_every_alarm() -> None:
    [widget] = [widget["properties"] for widget in _DASHBOARD["widgets"] if widget["type"] == "alarm"]
    assert sorted(widget["alarms"]) == sorted(f"{name}.Arn" for name in _ALARMS)


@pytest.mark.parametrize("queue", _QUEUES)
def test_every_queue_is_on_the_dashboard_and_has_an_alarm(queue: str) -> None:
    assert f"{queue}.QueueName" in json.dumps(_DASHBOARD)
    assert f"{queue}.QueueName" in json.dumps(list(_ALARMS.values()))


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
@pytest.mark.parametrize("function", _FUNCTIONS)
def test_every_functions_errors_and_throttles_are_on_the_dashboard_and_have_an_alarm(
    function: str, metric: str
) -> None:
    shown = [named[:4] for widget in _DASHBOARD["widgets"] for named in widget["properties"].get("metrics", [])]
    assert ["AWS/Lambda", metric, "FunctionName", function] in shown
    metrics = [
        query["MetricStat"]["Metric"]
        for alarm in _ALARMS.values()
        for query in alarm.get("Metrics") or [{"MetricStat": {"Metric": alarm}}]
        if "MetricStat" in query
    ]
    dimensions = [{"Name": "FunctionName", "Value": function}]
    assert [m for m in metrics if m["MetricName"] == metric and m["Dimensions"] == dimensions]


@pytest.mark.parametrize("function", _FUNCTIONS)
def test_every_functions_duration_and_log_are_on_the_dashboard(function: str) -> None:
    shown = [named[:4] for widget in _DASHBOARD["widgets"] for named in widget["properties"].get("metrics", [])]
    assert ["AWS/Lambda", "Duration", "FunctionName", function] in shown
    [log] = [widget["properties"]["query"] for widget in _DASHBOARD["widgets"] if widget["type"] == "log"]
    assert f"SOURCE '{_FUNCTIONS[function]['LoggingConfig']['LogGroup']}'" in log


def test_the_dashboards_widgets_fill_its_grid_without_lying_over_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in _DASHBOARD["widgets"]:
        cells = {(widget["x"] + x, widget["y"] + y) for x in range(widget["width"]) for y in range(widget["height"])}
        assert not cells & taken, widget["properties"]["title"]
        taken |= cells
    assert max(x for x, _ in taken) == 23
    assert len(taken) == 24 * (max(y for _, y in taken) + 1)


def test_the_topic_is_subscribed_to_only_with_an_address() -> None:
    assert _STACK.properties("AlarmSubscription")["Endpoint"] == "operator@example.org"
    silent = Stack()
    assert "AlarmSubscription" not in silent.resources
    assert {"AlarmTopic", *_ALARMS} <= set(silent.resources)


@pytest.mark.parametrize("address", ["operator", "a@b", "a@b.c,d@e.f", "a b@c.de", "<a@b.cd>", "@b.cd"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="AlarmEmail"):
        Stack(AlarmEmail=address)
