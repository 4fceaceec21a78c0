"""`AWS::MediaConvert::Queue`.

AWS creates an on-demand queue and answers its name to `Ref`. ministack has no MediaConvert, and the
simulator takes jobs for any queue of its account by name, so what is left is the name and the ARN.
"""

from typing import Any

from ministack.core.responses import get_account_id, get_region

from .provisioner import Properties, Provisioned, add_type, physical_name


def _queue(name: str) -> Provisioned:
    return name, {"Arn": f"arn:aws:mediaconvert:{get_region()}:{get_account_id()}:queues/{name}", "Name": name}


def _create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    return _queue(physical_name(properties, stack_name, logical_id))


def _update(name: str, _old: Properties, new: Properties, *_: Any) -> Provisioned:
    return _queue(new.get("Name") or name)


def _delete(_name: str, _properties: Properties) -> None:
    """Jobs in the queue end with the local cloud."""


def fill() -> None:
    """Adds the type."""
    add_type("AWS::MediaConvert::Queue", _create, _update, _delete)
