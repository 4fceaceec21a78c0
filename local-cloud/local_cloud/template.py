"""What `template.yaml` becomes with a set of parameters, asked without deploying it.

ministack's own CloudFormation resolves it, so that a value is refused here where a deployment to the
local cloud would refuse it.
"""

import functools
from collections.abc import Iterator
from typing import Any

from ministack.services.cloudformation import engine

from .harness.tools import ROOT

# Parameters that make every resource but a bucket and a queue of MediaConvert's.
EVERYTHING = {
    "HostMayDelete": "true",
    "InputBucketNames": "further",
    "UploadPrefix": "in/",
    "HostWebhookUrl": "https://a.b/",
    "AlarmEmail": "operator@example.org",
}


@functools.cache
def _template() -> dict[str, Any]:
    return engine._parse_template((ROOT / "template.yaml").read_text())


class Stack:
    """The template with its parameters put in; raises ValueError where CloudFormation refuses them."""

    def __init__(self, **parameters: str) -> None:
        template = _template()
        parameters = {"MediaBucketName": "media"} | parameters
        provided = [{"Key": name, "Value": value} for name, value in parameters.items()]
        self._parameters = engine._resolve_parameters(template, provided)
        self._conditions = engine._evaluate_conditions(template, self._parameters)
        engine._evaluate_rules(template, self._parameters, self._conditions)
        self._declared = template["Resources"]
        self.resources = {name: self._resolve(each) for name, each in self._declared.items() if self._is_made(each)}
        self.outputs = {name: each["Value"] for name, each in template["Outputs"].items() if self._is_made(each)}

    def _is_made(self, declared: dict[str, Any]) -> bool:
        return self._conditions.get(declared.get("Condition"), True)

    def _resolve(self, value: Any) -> Any:
        attributes = ("Arn", "ArnForPolicy", "QueueName")
        made = {name: {"Attributes": {of: f"{name}.{of}" for of in attributes}} for name in self._declared}
        return engine._resolve_refs(value, made, self._parameters, self._conditions, {}, "stack", "")

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties."""
        return self.resources[name]["Properties"]

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type."""
        return {name: each["Properties"] for name, each in self.resources.items() if each["Type"] == resource_type}

    def variables(self, function: str) -> dict[str, str]:
        """A function's environment."""
        return self.properties(function)["Environment"]["Variables"]

    def statements(self, name: str) -> dict[str, dict[str, Any]]:
        """Every statement of a role, function or managed policy, by its Sid."""
        return {statement["Sid"]: statement for statement in statements_of(self.properties(name))}


def statements_of(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every statement of a resource that holds policies, or is one."""
    for policy in properties.get("Policies", [properties]):
        yield from policy.get("PolicyDocument", policy)["Statement"]
