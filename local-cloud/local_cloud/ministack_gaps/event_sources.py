"""Who may put events whose source is `aws.mediaconvert`.

AWS refuses `aws.*` sources from anybody but its services, and so does ministack, which has no
MediaConvert. Here that service is the simulator: it may use this one source and no other.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from .service_principal import MEDIACONVERT

_SOURCE = "aws.mediaconvert"


def fill() -> None:
    """Lets the simulator's principal through."""
    put_events = eventbridge._put_events

    def put_events_of_services(data: dict[str, Any], allow_aws_source: bool = False):
        if iam_evaluator.caller_arn() != MEDIACONVERT:
            return put_events(data, allow_aws_source)
        if foreign := {entry.get("Source") for entry in data.get("Entries", [])} - {_SOURCE}:
            message = f"{MEDIACONVERT} may not put events of {', '.join(sorted(map(str, foreign)))}"
            return error_response_json("AccessDeniedException", message, 400)
        return put_events(data, allow_aws_source=True)

    eventbridge._put_events = put_events_of_services
