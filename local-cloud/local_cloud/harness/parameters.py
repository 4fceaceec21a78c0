"""Template parameters, checked against `template.yaml` before minutes of building go by."""

import re
from typing import Any

from ministack.services.cloudformation import engine

from .tools import ROOT


class WrongParameterError(Exception):
    """The template refuses it; says which, its value and the rule."""


def checked(overrides: list[str]) -> dict[str, str]:
    """`KEY=VALUE …` as the template's parameters, those it declares and with values it allows."""
    template = engine._parse_template((ROOT / "template.yaml").read_text())
    declared = template["Parameters"]
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
    _check_together({name: str(of["Default"]) for name, of in declared.items()} | parameters, template)
    return parameters


def _check_together(parameters: dict[str, str], template: dict[str, Any]) -> None:
    """What the template's rules say of several, and what the functions would only say when they start."""
    given = [{"Key": name, "Value": value} for name, value in parameters.items()]
    resolved = engine._resolve_parameters(template, given)
    try:
        engine._evaluate_rules(template, resolved, engine._evaluate_conditions(template, resolved))
    except ValueError as error:
        raise WrongParameterError(str(error)) from error
    uploads, outputs = parameters["UploadPrefix"], parameters["OutputPrefix"]
    if uploads and (uploads.startswith(outputs) or outputs.startswith(uploads)):
        raise WrongParameterError(
            f"UploadPrefix {uploads!r} and OutputPrefix {outputs!r} must not lie under one another"
        )
    profiles = sorted(file.stem for file in (ROOT / "profiles").glob("*.json"))
    if parameters["DefaultProfile"] not in profiles:
        raise WrongParameterError(
            f"DefaultProfile {parameters['DefaultProfile']!r} must be one of {', '.join(profiles)}"
        )


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
