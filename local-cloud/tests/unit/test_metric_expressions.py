"""Metric math as CloudWatch documents it."""

import pytest
from local_cloud.ministack_gaps.metric_expressions import Expressions, UnknownExpressionError, Value

_TIMES = [0.0, 60.0, 120.0]
_KNOWN: dict[str, Value] = {
    "errors": {0.0: 6.0, 120.0: 1.0},
    "done": {0.0: 24.0, 60.0: 10.0},
    "nothing": {},
}


def _value(expression: str) -> Value:
    return Expressions(_KNOWN, _TIMES, lambda *_: [{0.0: 1.0}, {0.0: 2.0, 60.0: 3.0}]).evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("errors + done", {0.0: 30.0}),
        ("100 * errors / (errors + done)", {0.0: 20.0}),
        ("done / 0", {}),
        ("-errors", {0.0: -6.0, 120.0: -1.0}),
        ("FILL(errors, 0)", {0.0: 6.0, 60.0: 0.0, 120.0: 1.0}),
        ("FILL(nothing, 0)", {0.0: 0.0, 60.0: 0.0, 120.0: 0.0}),
        ("SUM([errors, done])", {0.0: 30.0, 60.0: 10.0, 120.0: 1.0}),
        ("MAX(METRICS())", {0.0: 24.0, 60.0: 10.0, 120.0: 1.0}),
        ("IF(FILL(errors, 0) > 5, 1, 0)", {0.0: 1.0, 60.0: 0.0, 120.0: 0.0}),
        ("IF(errors > 5 AND errors < 7, done, 0)", {0.0: 24.0, 120.0: 0.0}),
        ("IF(errors > 5 || errors < 2, 1, 0)", {0.0: 1.0, 120.0: 1.0}),
        ("SUM(SEARCH('{N,D} MetricName=\"m\"', 'Sum', 60))", {0.0: 3.0, 60.0: 3.0}),
    ],
)
def test_an_expression_has_its_value(expression: str, value: Value) -> None:
    assert _value(expression) == value


@pytest.mark.parametrize("expression", ["unknown + 1", "RATE(errors)", "errors +", "__import__('os')", "FILL(1, 0)"])
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(UnknownExpressionError):
        _value(expression)
