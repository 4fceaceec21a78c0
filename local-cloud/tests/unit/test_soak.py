"""The soak's own parts: its reckoning finds whatever is wrong, and a seed makes the same soak again."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from local_cloud.soak.plan import Planned, plan, warm_up
from local_cloud.soak.reckoning import Found, differences
from local_cloud.soak.truth import Event, EventLog, Truth

_CLIP = "s3://media/clip.mp4"
_PATH, _PLAYLIST = "s3://media/transcoded/soak/0/clip.mp4", "s3://media/transcoded/soak/0/clip.m3u8"
_KEY = "idempotency#soak-1-0"


def _events(**dropped: bool) -> tuple[Event, ...]:
    statuses = ("PROGRESSING", "INPUT_INFORMATION", "STATUS_UPDATE", "COMPLETE")
    return tuple(
        Event(
            job_id="j",
            number=0,
            status=status,
            timestamp=5_001_000 + 1500 * at,
            dropped=dropped.get(status, False),
            **({"paths": (_PATH,), "playlists": (_PLAYLIST,)} if status == "COMPLETE" else {}),
        )
        for at, status in enumerate(statuses)
    )


def _row() -> dict[str, Any]:
    return {
        "jobId": "j",
        "status": "COMPLETE",
        "queue": "q",
        "percentComplete": 100,
        "input": _CLIP,
        "profile": "mp4",
        "idempotencyKey": "soak-1-0",
        "userMetadata": {"soak": "0"},
        "destination": "s3://media/transcoded/soak/0/",
        "submittedAt": 5_000_000,
        "startedAt": 5_001_000,
        "finishedAt": 5_005_500,
        "statusTimestamp": 5_005_500,
        "inputDetails": [],
        "outputs": [{"paths": [_PATH]}],
        "playlists": [_PLAYLIST],
    }


def _found(*, events: tuple[Event, ...] = _events(), **row: Any) -> Found:
    truth = Truth("j", 0, "COMPLETE", "q", 5001, 5005, (None, None), events)
    return Found(
        planned=[Planned(0, "soak-1-0", "mp4", "invoke", None, _CLIP)],
        truths=[truth],
        items={"j": _row() | row, _KEY: {"claimedJobId": "j"}},
        objects={_PATH, _PLAYLIST},
        queues={"SubmitQueue": 0},
    )


def test_a_soak_that_went_well_has_no_differences() -> None:
    assert differences(_found()) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"status": "PROGRESSING"}, "status is 'PROGRESSING', not 'COMPLETE'"),
        ({"queue": "other"}, "queue is 'other'"),
        ({"errorCode": 1404}, "errorCode is 1404, not None"),
        ({"percentComplete": 90}, "percentComplete is 90"),
        ({"input": None}, "input is None"),
        ({"destination": "s3://media/transcoded/soak/1/"}, "not under …/soak/0/"),
        ({"finishedAt": 5_005_000}, "finishedAt is 5005000, not 5005500"),
        ({"statusTimestamp": 1}, "statusTimestamp is 1"),
        ({"startedAt": 5_004_000}, "startedAt is 5004000, not 5001000"),
        ({"outputs": []}, "outputs are [], not"),
        ({"playlists": []}, "playlists are [], not"),
        ({"outputs": [{"paths": [_PATH]}, {"paths": ["s3://media/x"]}]}, "s3://media/x does not exist"),
    ],
)
def test_a_wrong_attribute_is_found(row: dict[str, Any], told: str) -> None:
    assert any(told in difference for difference in differences(_found(**row)))


@pytest.mark.parametrize("name", ["submittedAt", "inputDetails"])
def test_a_missing_attribute_is_found(name: str) -> None:
    found = _found()
    del found.items["j"][name]
    assert len(differences(found)) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda found: found.items.pop("j"), "has no row"),
        (lambda found: found.items.pop(_KEY), "its claim names job None"),
        (lambda found: found.items[_KEY].update(claimedJobId="k"), "its claim names job k"),
        (lambda found: found.items.update(stranger={}), "nobody knows of the item stranger"),
        (lambda found: found.truths.append(found.truths[0]), "request 0 came to 2 jobs"),
        (lambda found: found.truths.clear(), "request 0 came to 0 jobs"),
        (lambda found: found.queues.update(SubmitQueue=2), "SubmitQueue holds 2 messages"),
        (lambda found: found.open_items.append("j"), "j is still open in the index"),
        (lambda found: found.objects.clear(), f"{_PATH} does not exist"),
    ],
)
def test_what_is_wrong_around_a_row_is_found(change: Callable[[Found], Any], told: str) -> None:
    found = _found()
    change(found)
    assert any(told in difference for difference in differences(found))


def test_a_refused_key_is_found() -> None:
    [told] = differences(dataclasses.replace(_found(), unauthorized=3))
    assert told == "3 attempts at a delivery were refused because of their key"


def test_a_job_that_never_ended_is_found() -> None:
    found = _found()
    found.truths[0] = dataclasses.replace(found.truths[0], status="PROGRESSING")
    assert any("has not ended, but is PROGRESSING" in difference for difference in differences(found))


def test_a_dropped_event_is_made_up_for_by_what_the_simulator_answers() -> None:
    asked = {"finishedAt": 5_005_000, "statusTimestamp": 5_005_000}
    assert differences(_found(events=_events(COMPLETE=True), **asked)) == []
    assert differences(_found(events=_events(PROGRESSING=True), startedAt=5_004_000)) == []
    assert differences(_found(events=_events(PROGRESSING=True), startedAt=5_001_000)) == []


def test_a_seed_makes_the_same_plan_again() -> None:
    assert plan(7, 300, _CLIP) == plan(7, 300, _CLIP)
    assert plan(7, 300, _CLIP) != plan(8, 300, _CLIP)
    assert plan(7, 300, _CLIP)[:200] == plan(7, 200, _CLIP), "whatever the number of jobs"


def test_a_plan_has_jobs_of_every_kind() -> None:
    planned = plan(1, 1000, _CLIP)
    assert len({one.key for one in planned}) == 1000
    assert {one.profile for one in planned} == {one.profile for one in planned[: warm_up()]}
    assert {one.via for one in planned} == {"invoke", "queue"}
    assert 20 < sum(one.cancel_after is not None for one in planned) < 90
    assert 20 < sum(one.input != _CLIP for one in planned) < 90


def test_the_event_log_is_read_on_from_whole_line_to_whole_line(tmp_path: Path) -> None:
    line = json.dumps(
        {
            "dropped": False,
            "detail": {"jobId": "j", "status": "PROGRESSING", "timestamp": 1, "userMetadata": {"soak": "3"}},
        }
    )
    path = tmp_path / "events.jsonl"
    path.write_text(f"{line}\n{line[:10]}")
    log = EventLog(path)
    assert [event.number for event in log.read_on()] == [3]
    path.write_text(f"{line}\n{line}\n")
    assert len(log.read_on()) == 1
    assert log.total == 2
