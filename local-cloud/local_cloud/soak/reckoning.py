"""Whether everything is as it must be once all is quiet: pure comparison of what was read."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .plan import Planned
from .truth import TERMINAL, Truth

Row = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """What there is in the end."""

    planned: list[Planned]
    truths: list[Truth]
    # The jobs table, by key: jobs and claims.
    items: dict[str, Row]
    # URIs of all objects under the output prefix.
    objects: set[str]
    # Messages by queue, however hidden.
    queues: dict[str, int]
    # Keys in the index of what is open.
    open_items: list[str] = field(default_factory=list)
    # EventBridge's attempts at a delivery that were refused because of their key.
    unauthorized: int = 0


def differences(found: Found) -> list[str]:
    """What is not as it must be, in words; nothing if all is."""
    planned = {one.number: one for one in found.planned}
    return [
        *_requests(found),
        *(
            f"job {truth.job_id} (request {truth.number}): {what}"
            for truth in found.truths
            for what in _of_job(truth, planned.get(truth.number), found)
        ),
        *(f"{name} holds {count} messages" for name, count in sorted(found.queues.items()) if count),
        *(f"{key} is still open in the index" for key in sorted(found.open_items)),
        *_strangers(found),
        *(
            [f"{found.unauthorized} attempts at a delivery were refused because of their key"]
            if found.unauthorized
            else []
        ),
    ]


def _requests(found: Found) -> Iterable[str]:
    """One job for each request, and the request's claim names it."""
    counts = Counter(truth.number for truth in found.truths)
    job_ids = {truth.number: truth.job_id for truth in found.truths}
    for planned in found.planned:
        if (count := counts[planned.number]) != 1:
            yield f"request {planned.number} came to {count} jobs"
            continue
        claim = found.items.get(f"idempotency#{planned.key}")
        claimed = claim and claim.get("claimedJobId")
        if claimed != job_ids[planned.number]:
            yield f"request {planned.number}: its claim names job {claimed}, and its job is {job_ids[planned.number]}"


def _strangers(found: Found) -> Iterable[str]:
    known = {truth.job_id for truth in found.truths} | {f"idempotency#{planned.key}" for planned in found.planned}
    return (f"nobody knows of the item {key}" for key in sorted(found.items.keys() - known))


def _of_job(truth: Truth, planned: Planned | None, found: Found) -> Iterable[str]:
    if truth.status not in TERMINAL:
        yield f"has not ended, but is {truth.status}"
        return
    if not (row := found.items.get(truth.job_id)):
        yield "has no row"
        return
    if row.get("status") != truth.status:
        # Whatever else is wrong follows from it.
        yield f"status is {row.get('status')!r}, not {truth.status!r}"
        return
    expected = {**_ended(truth), **(_submitted(planned) if planned else {})}
    for name, value in expected.items():
        if row.get(name) != value:
            yield f"{name} is {row.get(name)!r}, not {value!r}"
    if "submittedAt" not in row:
        yield "submittedAt is missing"
    folder = f"/{planned.request['outputKey']}/" if planned else ""
    if not row.get("destination", "").endswith(folder):
        yield f"destination is {row.get('destination')!r}, not under …{folder}"
    yield from _times(truth, row)
    yield from _outputs(truth, row, found.objects)


def _ended(truth: Truth) -> Row:
    """What the row says of a job's end."""
    code, message = truth.error
    return {
        "queue": truth.queue,
        "errorCode": code,
        "errorMessage": message,
        **({"percentComplete": 100} if truth.status == "COMPLETE" else {}),
    }


def _submitted(planned: Planned) -> Row:
    request = planned.request
    return {
        "input": request["input"],
        "profile": request["profile"],
        "idempotencyKey": request["idempotencyKey"],
        "userMetadata": request["userMetadata"],
    }


def _times(truth: Truth, row: Row) -> Iterable[str]:
    """An event's time to the millisecond if it came; what was asked for instead, to the second."""
    ends = [event.timestamp for event in truth.arrived(truth.status)] or [1000 * (truth.finished or 0)]
    for name in ("finishedAt", "statusTimestamp"):
        if row.get(name) not in ends:
            yield f"{name} is {row.get(name)}, not {ends[0]}"
    starts = [event.timestamp for event in truth.arrived("PROGRESSING", "STATUS_UPDATE")]
    allowed = {min(starts, default=None)} | ({1000 * truth.started} if truth.started else set())
    if row.get("startedAt") not in allowed:
        yield f"startedAt is {row.get('startedAt')}, not {min(starts, default=None)}"
    if bool(truth.arrived("INPUT_INFORMATION")) != ("inputDetails" in row):
        yield f"inputDetails are {'there' if 'inputDetails' in row else 'missing'}"


def _outputs(truth: Truth, row: Row, objects: set[str]) -> Iterable[str]:
    """Those of the COMPLETE event, though it may have been dropped, and each is there."""
    complete = next((event for event in truth.events if event.status == "COMPLETE"), None)
    paths = sorted(path for output in row.get("outputs", []) for path in output.get("paths", []))
    playlists = sorted(row.get("playlists", []))
    for name, told, made in (
        ("outputs", paths, sorted(complete.paths) if complete else []),
        ("playlists", playlists, sorted(complete.playlists) if complete else []),
    ):
        if told != made:
            yield f"{name} are {told}, not {made}"
    for uri in (*paths, *playlists):
        if uri not in objects:
            yield f"{uri} does not exist"
