"""`AWS::MediaConvert::Queue`.

AWS creates an on-demand queue and answers its name to `Ref`. ministack has no MediaConvert; the
simulator keeps the queues. A queue with jobs in it cannot be deleted, there as on AWS.
"""

import json
from urllib.parse import quote

from .mediaconvert_endpoint import forward
from .provisioner import Properties, Provisioned, add_type, physical_name

_QUEUES = "/2017-08-29/queues"
_MEMBERS = ("Description", "PricingPlan", "Status")


def _ask(method: str, path: str, request: Properties | None = None) -> Properties:
    headers = {"content-type": "application/json"}
    status, _, body = forward(method, path, headers, json.dumps(request).encode() if request else b"", {})
    answer = json.loads(body or b"{}")
    if status >= 400:
        raise ValueError(f"{method} {path}: {answer.get('message')}")
    return answer


def _create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    members = {name[0].lower() + name[1:]: properties[name] for name in _MEMBERS if name in properties}
    queue = _ask("POST", _QUEUES, {"name": physical_name(properties, stack_name, logical_id), **members})["queue"]
    return queue["name"], {"Arn": queue["arn"], "Name": queue["name"]}


def _update(name: str, _old: Properties, new: Properties, *resource: str) -> Provisioned:
    if new.get("Name", name) != name:
        stack_name, logical_id = resource
        return _create(logical_id, new, stack_name)
    queue = _ask("GET", f"{_QUEUES}/{quote(name)}")["queue"]
    return name, {"Arn": queue["arn"], "Name": name}


def _delete(name: str, _properties: Properties) -> None:
    _ask("DELETE", f"{_QUEUES}/{quote(name)}")


def fill() -> None:
    """Adds the type."""
    add_type("AWS::MediaConvert::Queue", _create, _update, _delete)
