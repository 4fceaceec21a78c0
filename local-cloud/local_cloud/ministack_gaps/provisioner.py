"""How the resource gaps plug into ministack's CloudFormation.

A ministack provisioner is `create(logical_id, properties, stack_name)`,
`update(physical_id, old, new, stack_name, logical_id)` and `delete(physical_id, properties)`; the
first two answer the physical id, which is what `Ref` gives, and the `Fn::GetAtt` attributes.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, str]]
Create = Callable[[str, Properties, str], Provisioned]
Update = Callable[[str, Properties, Properties, str, str | None], Provisioned]
Delete = Callable[[str, Properties], None]


def add_type(resource_type: str, create: Create, update: Update, delete: Delete) -> None:
    """Adds a type ministack refuses, or replaces the provisioner of one it has."""
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": delete,
    }


def complete_type(resource_type: str, apply: Callable[[str, Properties, Properties], None]) -> None:
    """Has `apply(physical_id, old, new)` follow each creation (with no old) and update that ministack makes."""
    ministacks = provisioner_of(resource_type)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        physical_id, attributes = ministacks["create"](logical_id, properties, stack_name)
        apply(physical_id, {}, properties)
        return physical_id, attributes

    def update(physical_id: str, old: Properties, new: Properties, *resource: Any) -> Provisioned:
        physical_id, attributes = ministacks["update"](physical_id, old, new, *resource)
        apply(physical_id, old, new)
        return physical_id, attributes

    add_type(resource_type, create, update, ministacks["delete"])


def provisioner_of(resource_type: str) -> dict[str, Any]:
    """ministack's own provisioner of a type, for a gap that completes it."""
    return dict(provisioners._RESOURCE_HANDLERS[resource_type])


def physical_name(properties: Properties, stack_name: str, logical_id: str) -> str:
    """The name the template gives, or one made of the stack's and the resource's as AWS does."""
    return properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)


def call(operation: Callable[[Properties], tuple[int, dict[str, str], bytes]], request: Properties) -> Properties:
    """Calls one of ministack's API operations; its refusal fails the resource, as on AWS."""
    status, _, body = operation(request)
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(f"{operation.__name__.lstrip('_')}: {answer.get('message') or answer}")
    return answer


def with_booleans(properties: Properties) -> Properties:
    """CloudFormation also takes booleans written as strings; ministack's APIs do not."""
    return {
        key: value.lower() == "true" if isinstance(value, str) and value.lower() in ("true", "false") else value
        for key, value in properties.items()
    }
