"""The soak's chaos: what the seed chooses, whom it kills, and the faults that ministack's gap reads."""

import asyncio
import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from local_cloud.ministack_gaps import induced_faults
from local_cloud.soak.chaos import Chaos, workers
from ministack import app


def _kinds(seed: int, path: Path) -> list[str]:
    return [kind.__name__ for kind in itertools.islice(Chaos(seed, path, os.getpid(), short=True)._kinds(), 20)]


def test_a_seed_chooses_the_same_chaos_again_and_every_kind_comes_first(tmp_path: Path) -> None:
    assert _kinds(1, tmp_path) == _kinds(1, tmp_path)
    assert _kinds(1, tmp_path) != _kinds(2, tmp_path)
    assert len(set(_kinds(1, tmp_path)[:4])) == 4


def test_only_functions_processes_are_killed(tmp_path: Path) -> None:
    sleep = ["sleep", "60"]
    with (
        subprocess.Popen(sleep) as other,
        subprocess.Popen(sleep, env={**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "job-events"}) as function,
    ):
        try:
            assert list(workers(os.getpid())) == [(function.pid, "job-events")]
            assert Chaos(1, tmp_path / "faults.json", os.getpid(), short=True).kill_workers("job-events") == 1
            assert function.wait(5) == -9
            assert other.poll() is None
        finally:
            other.kill()
            function.kill()


def _status(headers: dict[str, str]) -> int:
    """That of one request to ministack as the gap leaves it; 200 is ministack's."""
    answers: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    scope = {"type": "http", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(app.app(scope, None, send))
    return answers[0]["status"]


def _signed(key: str, service: str) -> dict[str, str]:
    return {"authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/{service}/aws4_request, …"}


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, and the gap filled in front of a server that takes everything."""
    path = tmp_path / "faults.json"
    served: list[str] = []

    async def serve(_scope: Any, _receive: Any, send: Any) -> None:
        served.append("request")
        await send({"type": "http.response.start", "status": 200, "headers": []})

    monkeypatch.setattr(app, "app", serve)
    monkeypatch.setenv("LOCAL_CLOUD_FAULTS", str(path))
    induced_faults.fill()
    return path


def test_without_a_file_nothing_goes_wrong(faults: Path) -> None:
    assert not faults.exists()
    assert _status(_signed("ASIAROLE", "dynamodb")) == 200


@pytest.mark.parametrize(
    ("service", "fault", "status"),
    [
        ("dynamodb", "throttled", 400),
        ("mediaconvert", "throttled", 429),
        ("sqs", "failed", 500),
        ("dynamodb", "unanswered", 500),
    ],
)
def test_a_functions_call_meets_its_fault_and_nobody_elses_does(
    service: str, fault: str, status: int, faults: Path
) -> None:
    faults.write_text(json.dumps({"calls": {service: {fault: 1}}}))
    assert _status(_signed("ASIAROLE", service)) == status
    assert _status(_signed("AKIAUSER", service)) == 200
    assert _status(_signed("ASIAROLE", "s3")) == 200


def test_a_function_url_answers_for_the_function(faults: Path) -> None:
    faults.write_text(json.dumps({"functionUrl": {"status": 404, "ratio": 1}}))
    assert _status({"host": "id.lambda-url.us-east-1.on.aws"}) == 404
    faults.write_text("{}")
    assert _status({"host": "id.lambda-url.us-east-1.on.aws"}) == 200
