"""CloudWatch's metric math, as far as this project's alarms and dashboard use it.

A series is its values by time; a value that is missing has no entry. What is written is Python's syntax but for
AND, OR and the names in capitals, so Python's own parser reads it and only the nodes below are understood. As
CloudWatch does, an operation on two series has a value where both have one, and a function of several series
(`SUM([a, b])`) where one has.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

Series = dict[float, float]
Value = float | Series | list[Series]
Search = Callable[[str, str, float], list[Series]]

_OPERATORS: dict[type, Callable[[float, float], float | None]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: a / b if b else None,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda a, b: bool(a) and bool(b),
    ast.Or: lambda a, b: bool(a) or bool(b),
}
_REDUCERS: dict[str, Callable[[Sequence[float]], float]] = {"SUM": sum, "MAX": max, "MIN": min, "AVG": fmean}


class UnknownExpressionError(ValueError):
    """What this metric math doesn't know; CloudWatch may."""


class Expressions:
    """Evaluates expressions over the series named so far, for the given times."""

    def __init__(self, known: Mapping[str, Value], times: Sequence[float], search: Search) -> None:
        self._known = known
        self._times = times
        self._search = search

    def evaluate(self, expression: str) -> Value:
        """The expression's value; `UnknownExpressionError` if it can't be read."""
        written = re.sub(r"\bAND\b|&&", "and", expression)
        written = re.sub(r"\bOR\b|\|\|", "or", written)
        try:
            return self._value(ast.parse(written.strip(), mode="eval").body)
        except (SyntaxError, KeyError, TypeError) as error:
            raise UnknownExpressionError(f"{expression!r}: {error!r}") from error

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float()):
                return float(node.value)
            case ast.Name():
                return self._known[node.id]
            case ast.List():
                return [series for element in node.elts for series in _each(self._value(element))]
            case ast.UnaryOp(op=ast.USub()):
                return _both(operator.sub, 0.0, self._value(node.operand))
            case ast.BinOp():
                return _both(_OPERATORS[type(node.op)], self._value(node.left), self._value(node.right))
            case ast.Compare(ops=[comparison], comparators=[right]):
                return _both(_OPERATORS[type(comparison)], self._value(node.left), self._value(right))
            case ast.BoolOp():
                first, *others = (self._value(value) for value in node.values)
                for other in others:
                    first = _both(_OPERATORS[type(node.op)], first, other)
                return first
            case ast.Call(func=ast.Name(id=name)):
                return self._call(name, node.args)
        raise KeyError(ast.unparse(node))

    def _call(self, name: str, arguments: list[ast.expr]) -> Value:
        if name == "SEARCH":
            search, statistic, period = (ast.literal_eval(argument) for argument in arguments)
            return self._search(search, statistic, float(period))
        if name == "METRICS":
            return [series for value in self._known.values() for series in _each(value)]
        values = [self._value(argument) for argument in arguments]
        if name == "FILL":
            series, filler = values
            filled = [{time: each.get(time, filler) for time in self._times} for each in _each(series)]
            return filled if isinstance(series, list) else filled[0]
        if name == "IF":
            return _choose(*values)
        [argument] = values
        return _reduced(_REDUCERS[name], _each(argument))


def _each(value: Value) -> list[Series]:
    if isinstance(value, float):
        raise TypeError(f"{value} is no series")
    return value if isinstance(value, list) else [value]


def _both(operation: Callable[[float, float], float | None], left: Value, right: Value) -> Value:
    if isinstance(left, float) and isinstance(right, float):
        return float(operation(left, right) or 0)
    if isinstance(left, list) or isinstance(right, list):
        raise TypeError("an array has no value of its own")
    times = left.keys() if isinstance(left, dict) else right.keys()
    pairs = {time: (_at(left, time), _at(right, time)) for time in times}
    found = {time: operation(a, b) for time, (a, b) in pairs.items() if a is not None and b is not None}
    return {time: float(value) for time, value in found.items() if value is not None}


def _choose(condition: Value, then: Value, otherwise: Value) -> Series:
    [series] = _each(condition)
    chosen = {time: _at(then if truth else otherwise, time) for time, truth in series.items()}
    return {time: value for time, value in chosen.items() if value is not None}


def _at(value: Value, time: float) -> float | None:
    if isinstance(value, list):
        raise TypeError("an array has no value of its own")
    return value.get(time) if isinstance(value, dict) else value


def _reduced(reduce: Callable[[Sequence[float]], float], several: list[Series]) -> Series:
    times = sorted({time for series in several for time in series})
    return {time: float(reduce([series[time] for series in several if time in series])) for time in times}
