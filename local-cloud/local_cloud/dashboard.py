"""Draws the deployed dashboard from the metrics of the local cloud this runs on.

    python -m local_cloud.dashboard FILE [--minutes N]

What is drawn is the dashboard's own body, widget by widget: the place, title and metrics of each are CloudWatch's to
read, and read from there. Only the period is another, as a run is shorter than a day.
"""

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .harness.description import Description
from .harness.waiting import wait_for

Json = dict[str, Any]

_COLUMNS = 24
# Of one cell of the dashboard's grid, in inches.
_CELL_WIDTH, _CELL_HEIGHT = 0.66, 0.42
_DOTS_PER_INCH = 90
_PERIODS = (1, 5, 10, 30, 60, 300, 900, 3600)
_POINTS = 60
_STATES = {"OK": "#2ca02c", "ALARM": "#d62728", "INSUFFICIENT_DATA": "#7f7f7f"}
_STYLE = {
    "font.size": 7,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
}


@dataclass(frozen=True)
class _Line:
    """A line of a graph."""

    label: str
    times: list[datetime]
    values: list[float]
    on_the_right: bool


class _Dashboard:
    """The deployed dashboard over the last minutes."""

    def __init__(self, cloud: Description, minutes: float) -> None:
        self._client = {name: cloud.client(name, cloud.administrator) for name in ("cloudwatch", "logs")}
        self._end = time.time()
        self._start = self._end - minutes * 60
        self._period = next((each for each in _PERIODS if each >= minutes * 60 / _POINTS), _PERIODS[-1])
        name = cloud.resources()["Dashboard"]
        self._widgets = json.loads(self._client["cloudwatch"].get_dashboard(DashboardName=name)["DashboardBody"])[
            "widgets"
        ]

    def draw(self, file: Path) -> None:
        """Writes the picture."""
        rows = max(widget["y"] + widget["height"] for widget in self._widgets)
        with mpl.rc_context(_STYLE):
            figure = Figure(figsize=(_COLUMNS * _CELL_WIDTH, rows * _CELL_HEIGHT), dpi=_DOTS_PER_INCH)
            for widget in self._widgets:
                left, top = widget["x"] / _COLUMNS, 1 - widget["y"] / rows
                width, height = widget["width"] / _COLUMNS, widget["height"] / rows
                # Room for the titles above and the axes' labels below and beside.
                axes = figure.add_axes((left + 0.027, top - height + 0.025, width - 0.045, height - 0.047))
                axes.set_title(widget["properties"]["title"])
                self._draw_widget(axes, widget)
            figure.savefig(file)

    def _draw_widget(self, axes: Axes, widget: Json) -> None:
        properties = widget["properties"]
        if widget["type"] == "alarm":
            self._draw_alarms(axes, properties)
        elif widget["type"] == "log":
            self._draw_table(axes, properties)
        elif properties["view"] == "singleValue":
            self._draw_numbers(axes, properties)
        else:
            self._draw_lines(axes, properties)

    def _lines(self, properties: Json) -> list[_Line]:
        queries, right = [], set()
        for number, metric in enumerate(properties["metrics"]):
            query = _query(number, metric, properties, self._period)
            queries.append(query)
            if isinstance(metric[-1], dict) and metric[-1].get("yAxis") == "right":
                right.add(query["Id"])
        answer = self._client["cloudwatch"].get_metric_data(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(self._start, UTC),
            EndTime=datetime.fromtimestamp(self._end, UTC),
            ScanBy="TimestampAscending",
        )
        return [
            _Line(each["Label"], each["Timestamps"], each["Values"], each["Id"] in right)
            for each in answer["MetricDataResults"]
        ]

    def _draw_lines(self, axes: Axes, properties: Json) -> None:
        lines = self._lines(properties)
        axes.set_xlim(datetime.fromtimestamp(self._start, UTC), datetime.fromtimestamp(self._end, UTC))
        axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=8))
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(axes.xaxis.get_major_locator()))
        sides = [axes]
        if properties.get("stacked"):
            self._draw_stack(axes, lines)
        else:
            if any(line.on_the_right for line in lines):
                sides.append(axes.twinx())
                sides[1].grid(visible=False)
            for number, line in enumerate(lines):
                side = sides[line.on_the_right]
                side.plot(line.times, line.values, ".-", ms=3, lw=1.1, color=f"C{number}")
        for side in sides:
            # The upper third is the legend's.
            side.set_ylim(bottom=0, top=max(side.get_ylim()[1], 1) * 1.45)
        # Of those without data, too, whose bars would be no colour's.
        handles = [Patch(color=f"C{number}", label=line.label) for number, line in enumerate(lines)]
        axes.legend(handles=handles, loc="upper left", ncols=2)

    def _draw_stack(self, axes: Axes, lines: list[_Line]) -> None:
        below: dict[datetime, float] = {}
        for number, line in enumerate(lines):
            bottom = [below.get(moment, 0.0) for moment in line.times]
            width = self._period / 86400
            axes.bar(line.times, line.values, width, bottom, align="edge", color=f"C{number}")
            below |= {moment: low + value for moment, low, value in zip(line.times, bottom, line.values, strict=True)}

    def _draw_numbers(self, axes: Axes, properties: Json) -> None:
        axes.axis("off")
        lines = self._lines(properties)
        for number, line in enumerate(lines):
            place = number / len(lines)
            total = sum(line.values)
            axes.text(place, 0.55, f"{total:.6f}" if line.values else "-", size=17, transform=axes.transAxes)
            axes.text(
                place, 0.2, line.label.replace(": ", ":\n").replace("$", r"\$"), transform=axes.transAxes, va="center"
            )

    def _draw_alarms(self, axes: Axes, properties: Json) -> None:
        axes.axis("off")
        alarms = self._client["cloudwatch"].describe_alarms(MaxRecords=100)["MetricAlarms"]
        states = {alarm["AlarmArn"]: alarm for alarm in alarms}
        in_a_row = -(-len(properties["alarms"]) // 2)
        for number, arn in enumerate(properties["alarms"]):
            row, column = divmod(number, in_a_row)
            alarm = states[arn]
            name = re.search(r"(\w+Alarm)", alarm["AlarmName"])
            axes.text(
                column / in_a_row,
                0.75 - 0.55 * row,
                name[1] if name else alarm["AlarmName"],
                transform=axes.transAxes,
                color="white",
                bbox={"facecolor": _STATES[alarm["StateValue"]], "edgecolor": "none", "boxstyle": "round,pad=0.5"},
            )

    def _draw_table(self, axes: Axes, properties: Json) -> None:
        axes.axis("off")
        columns, rows = self._newest(properties["query"])
        if not rows:
            axes.text(0, 0.8, "none", transform=axes.transAxes)
            return
        table = axes.table(rows, colLabels=columns, loc="upper left", cellLoc="left", edges="horizontal")
        table.auto_set_font_size(False)
        table.set_fontsize(6.5)
        table.auto_set_column_width(list(range(len(columns))))

    def _newest(self, query: str) -> tuple[list[str], list[list[str]]]:
        """The table's columns and rows. A dashboard's query names its log groups itself, the API's doesn't."""
        groups = re.findall(r"SOURCE '([^']+)' \| ", query)
        logs = self._client["logs"]
        started = logs.start_query(
            logGroupNames=groups,
            queryString=re.sub(r"SOURCE '[^']+' \| ", "", query),
            startTime=int(self._start),
            endTime=int(self._end) + 1,
        )

        def results() -> list[Any] | None:
            found = logs.get_query_results(queryId=started["queryId"])
            return [found["results"]] if found["status"] == "Complete" else None

        [found] = wait_for("the newest errors", results, seconds=30)
        fields = re.search(r"fields ([^|]+)", query)
        columns = [field.strip() for field in (fields[1] if fields else "@message").split(",")]
        told = [{each["field"]: each["value"] for each in row} for row in found]
        return columns, [[row.get(column, "")[:80] for column in columns] for row in told[:8]]


def _query(number: int, metric: list[Any], properties: Json, period: int) -> Json:
    """A metric of a dashboard as GetMetricData wants it."""
    *named, last = metric if isinstance(metric[-1], dict) else [*metric, {}]
    query = {"Id": last.get("id", f"m{number}"), "ReturnData": last.get("visible", True)}
    if "expression" in last:
        return {**query, "Label": last.get("label", ""), "Expression": last["expression"], "Period": period}
    namespace, name, *dimensions = named
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    of = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
    }
    statistic = last.get("stat", properties.get("stat"))
    return {
        **query,
        "Label": last.get("label", name),
        "MetricStat": {"Metric": of, "Period": period, "Stat": statistic},
    }


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="local_cloud.dashboard", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="a .png or .svg")
    parser.add_argument("--minutes", type=float, default=15, help="how far back it looks (15)")
    arguments = parser.parse_args()
    try:
        cloud = Description.here()
    except LookupError as nowhere:
        print(nowhere, file=sys.stderr)
        return 2
    _Dashboard(cloud, arguments.minutes).draw(arguments.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
