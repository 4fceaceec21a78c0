"""`AWS::Events::Archive`.

AWS provisions it through EventBridge's API. ministack has that API, and archives and replays, but its CloudFormation
refuses the type. It keeps whatever it archives in memory, so here an archive holds the newest events only.
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from .provisioner import Properties, Provisioned, add_type, call, physical_name

_KEPT = 10_000


def _request(name: str, properties: Properties) -> Properties:
    """CloudFormation's names to the API's."""
    same = {key: properties[key] for key in ("Description", "KmsKeyIdentifier") if key in properties}
    return {
        **same,
        "ArchiveName": name,
        "EventSourceArn": properties["SourceArn"],
        "EventPattern": json.dumps(properties["EventPattern"]) if "EventPattern" in properties else "",
        "RetentionDays": int(properties.get("RetentionDays", 0)),
    }


def _archive(name: str) -> Provisioned:
    return name, {"Arn": f"arn:aws:events:{get_region()}:{get_account_id()}:archive/{name}", "ArchiveName": name}


def _create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
    name = properties.get("ArchiveName") or physical_name({}, stack_name, logical_id)[:48]
    call(eventbridge._create_archive, _request(name, properties))
    return _archive(name)


def _update(name: str, _old: Properties, new: Properties, *_: Any) -> Provisioned:
    call(eventbridge._update_archive, _request(name, new))
    return _archive(name)


def _delete(name: str, _properties: Properties) -> None:
    call(eventbridge._delete_archive, {"ArchiveName": name})


def _keep_the_newest(archive_event: Callable[..., None]) -> Callable[..., None]:
    def archive(*event: Any) -> None:
        archive_event(*event)
        for each in eventbridge._archives.values():
            del each.get("Events", [])[:-_KEPT]

    return archive


def fill() -> None:
    """Adds the type, and bounds what is kept."""
    eventbridge._archive_event = _keep_the_newest(eventbridge._archive_event)
    add_type("AWS::Events::Archive", _create, _update, _delete)
