"""`AWS::CloudWatch::Alarm`: `Metrics`.

AWS takes metric math in place of a metric's name. ministack's CloudFormation refuses it.
"""

from typing import Any

from ministack.services.cloudformation import provisioners

from .provisioner import Properties

# ministack wants a single metric; it is taken away again.
_INSTEAD = {"Namespace": "-", "MetricName": "-"}


def _query(written: Properties) -> Properties:
    """CloudFormation takes numbers and booleans as strings, too."""
    query = {**written, "ReturnData": str(written.get("ReturnData", True)).lower() == "true"}
    if "MetricStat" in query:
        query["MetricStat"] = {**query["MetricStat"], "Period": int(query["MetricStat"]["Period"])}
    if "Period" in query:
        query["Period"] = int(query["Period"])
    return query


def fill() -> None:
    """Lets `Metrics` through, and keeps it with the alarm."""
    ministacks = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Properties) -> dict[str, Any]:
        if not (metrics := properties.get("Metrics")):
            return ministacks(name, properties)
        single = {key: value for key, value in properties.items() if key != "Metrics"}
        absent = dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period"))
        return {**ministacks(name, {**single, **_INSTEAD}), **absent, "Metrics": [_query(each) for each in metrics]}

    provisioners._cw_metric_alarm_record = record
