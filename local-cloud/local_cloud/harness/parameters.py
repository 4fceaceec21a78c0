"""Template parameters, checked against `template.yaml` before minutes of building go by."""

import re
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from .tools import ROOT


class WrongParameterError(Exception):
    """The template refuses it; says which, its value and the rule."""


def checked(overrides: list[str]) -> dict[str, str]:
    """`KEY=VALUE …` as the template's parameters, those it declares and with values it allows."""
    declared = yaml_parse((ROOT / "template.yaml").read_text())["Parameters"]
    parameters: dict[str, str] = {}
    for override in overrides:
        name, is_one, value = override.partition("=")
        if not is_one:
            raise WrongParameterError(f"{override!r} must be KEY=VALUE")
        if name not in declared:
            raise WrongParameterError(f"{name!r} must be one of {', '.join(sorted(declared))}")
        if name in parameters:
            raise WrongParameterError(f"{name} must be given once, and is {parameters[name]!r} and {value!r}")
        if rule := _broken_rule(declared[name], value):
            raise WrongParameterError(f"{name} {value!r} {rule}")
        parameters[name] = value
    return parameters


def _broken_rule(declared: dict[str, Any], value: str) -> str:
    """What the value must be; nothing if it is that."""
    allowed = declared.get("AllowedValues")
    if allowed is not None and value not in map(str, allowed):
        return f"must be one of {', '.join(map(str, allowed))}"
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return str(declared.get("ConstraintDescription", f"must match {pattern}")).strip()
    if len(value) > int(declared.get("MaxLength", len(value))):
        return f"must have at most {declared['MaxLength']} characters"
    if len(value) < int(declared.get("MinLength", 0)):
        return f"must have at least {declared['MinLength']} characters"
    return ""


def for_sam(parameters: dict[str, str]) -> list[str]:
    """As `sam --parameter-overrides` takes them: an empty value, or one with a space, only in quotes."""
    return [f'{name}="{value}"' for name, value in parameters.items()]
