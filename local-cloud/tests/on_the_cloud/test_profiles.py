"""Every profile, on every kind of input: what comes out is what the profile's file promises.

Run it on a local cloud, as `make test-e2e` does.
"""

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from local_cloud.harness.progress import console
from local_cloud.host_app import TERMINAL, HostApp, MissingFileError
from local_cloud.media import promises
from local_cloud.media.files import make_clip, probe

_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Case:
    """One profile on one input."""

    profile: str
    source: Path
    job_id: str

    def __str__(self) -> str:
        return f"{self.profile} of {self.source.stem}"


def _sources(folder: Path) -> list[Path]:
    """Few frames a second keep the encoders' work small; more than one segment's length does not."""
    landscape, phone, sound = (folder / name for name in ("landscape.mp4", "rotated-and-silent.mov", "sound.m4a"))
    make_clip(landscape, 8, size=(1280, 720), rate=10)
    make_clip(phone, 2, size=(960, 540), rate=10, sound=False, rotation=-90)
    make_clip(sound, 2, size=None)
    return [landscape, phone, sound]


def _host_app() -> HostApp:
    described = json.loads(Path(os.environ["LOCAL_CLOUD"]).read_text())
    key = described["hostApp"]
    session = boto3.Session(key["accessKeyId"], key["secretAccessKey"], region_name=described["region"])
    return HostApp(session, described["endpointUrl"], described["outputs"])


def _finished(app: HostApp, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (row := app.row(job_id)).get("status") not in TERMINAL:
        if time.monotonic() > deadline:
            raise SystemExit(f"job {job_id} does not end: {row}")
        time.sleep(0.2)
    return row


def _problem(app: HostApp, case: Case, folder: Path) -> str:
    """What is wrong with the outcome; empty if nothing is."""
    promise, source = promises.promise_of(case.profile), probe(str(case.source))
    row = _finished(app, case.job_id)
    if row["status"] != "COMPLETE":
        return f"{row['status']}: {row.get('errorCode')} {row.get('errorMessage')}"
    try:
        promises.check(promise, row, app.download(row, folder), folder, source)
    except (MissingFileError, promises.BrokenPromiseError) as error:
        return str(error)
    return ""


def main() -> int:
    """Exit status 0 only if every case went as its profile promises."""
    app = _host_app()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        uploaded = {source: app.upload(source) for source in _sources(folder)}
        cases = [
            Case(profile, source, app.submit({"input": uri, "profile": profile})["jobId"])
            for source, uri in uploaded.items()
            for profile in promises.profiles()
        ]
        failed = 0
        for case in cases:
            problem = _problem(app, case, folder / case.job_id)
            failed += bool(problem)
            console.print(f" {'[red]✗[/]' if problem else '[green]✓[/]'} {case}", soft_wrap=True)
            if problem:
                console.print(f"   {problem}", markup=False, soft_wrap=True)
    print(f"profiles: {len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
