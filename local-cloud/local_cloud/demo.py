"""`make demo`: one video through the whole backend, watched, downloaded and checked.

It acts as the host application does, with the stack's HostAppPolicy and nothing more.
"""

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from .harness.cloud import LocalCloud, Options, running
from .harness.progress import console, step
from .harness.tools import STATE
from .host_app import TERMINAL, HostApp, MissingFileError, RefusedError
from .media import promises
from .media.files import Media, NotMediaError, make_clip, probe

_POLL_SECONDS = 0.25
_SEGMENTS = (".ts", ".aac", ".cmfv", ".cmfa", ".m4s")
# The row's attributes as a reader wants them: outcome, request, times, results, the rest.
_ORDER = [
    *("jobId", "status", "errorCode", "errorMessage", "percentComplete", "currentPhase"),
    *("input", "profile", "destination", "submittedAt", "startedAt", "finishedAt"),
    *("outputs", "playlists", "warnings", "warningCounts", "inputDetails"),
]


class WrongVideoError(Exception):
    """VIDEO names nothing that can be submitted."""


class JobFailedError(Exception):
    """The job did not complete."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The demo's command line."""
    parser.add_argument("--video", default="", help="path or URL of a video; without it a clip is made")
    profiles = promises.profiles()
    parser.add_argument("--profile", default="mp4", choices=profiles, help="what to make of it (default: mp4)")
    parser.add_argument("--json", action="store_true", help="print the job's row and the files as JSON")


def run(arguments: argparse.Namespace, logs: Path) -> int:
    """Exit status 0 only if the job completed and its outputs are what the profile promises."""
    video = arguments.video
    parameters = {"AllowHttpInputs": "true"} if video.startswith("http://") else {}
    with running(Options(parameters), logs) as cloud:
        try:
            row, files = _transcode(cloud, video, arguments.profile)
        except (JobFailedError, RefusedError, MissingFileError, promises.BrokenPromiseError) as failed:
            console.print(f"✗ {failed}", style="red", markup=False, soft_wrap=True)
            return 1
    if arguments.json:
        print(json.dumps({"job": row, "files": [str(file) for file in files]}, indent=2, default=str))
    else:
        console.print(f"\nThe files, checked and playable:\n  {_listing(files)}", markup=False, soft_wrap=True)
    return 0


def checked(video: str) -> str:
    """The video as an absolute path or a URL; empty if a clip is to be made.

    Raises `WrongVideoError` before anything is built or started for it.
    """
    if not video:
        return ""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", video):
        url = urlsplit(video)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise WrongVideoError(f"{video} is neither a file nor an http(s) URL")
        return video
    path = Path(video).expanduser()
    if not path.exists():
        raise WrongVideoError(f"{video} does not exist")
    if not path.is_file():
        raise WrongVideoError(f"{video} is not a file")
    if path.stat().st_size == 0:
        raise WrongVideoError(f"{video} is empty")
    try:
        path.open("rb").close()
    except OSError as error:
        raise WrongVideoError(f"{video} cannot be read: {error.strerror}") from error
    return str(path.resolve())


def _transcode(cloud: LocalCloud, video: str, profile: str) -> tuple[dict[str, Any], list[Path]]:
    app = HostApp(cloud.description)
    if not video:
        video = str(cloud.description.logs / "clip.mp4")
        with step("Make a clip of 10 s with sound"):
            make_clip(Path(video))
    source = video if "://" in video else _upload(app, Path(video))
    request = {"input": source, "profile": profile}
    console.print(f"\nSubmit {json.dumps(request)}", markup=False, soft_wrap=True)
    row = _follow(cloud, app, app.submit(request)["jobId"])
    _show(row)
    if row["status"] != "COMPLETE":
        code, message = row.get("errorCode", ""), row.get("errorMessage", "")
        raise JobFailedError(f"the job ended as {row['status']}: {code} {message}")
    folder = STATE / "demo" / row["jobId"]
    with step("Download the outputs"):
        files = app.download(row, folder)
    with step("Check the files (ffprobe, full decode)"):
        promises.check(promises.promise_of(profile), row, files, folder, _probe_source(video))
    return row, files


def _upload(app: HostApp, path: Path) -> str:
    with step(f"Upload {path.name}"):
        return app.upload(path)


def _follow(cloud: LocalCloud, app: HostApp, job_id: str) -> dict[str, Any]:
    """Shows the row as it changes, until it is final."""
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("SUBMITTED", total=100)
        while True:
            row = app.row(job_id)
            phase = row.get("currentPhase", "")
            description = f"{row.get('status', 'SUBMITTED')} {phase}".strip()
            bar.update(task, description=description, completed=row.get("percentComplete", 0))
            if row.get("status") in TERMINAL:
                return row
            cloud.check()
            time.sleep(_POLL_SECONDS)


def _show(row: dict[str, Any]) -> None:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name in sorted(row, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)):
        table.add_row(name, Text(_readable(name, row[name])))
    console.print()
    console.print(table)


def _readable(name: str, value: Any) -> str:
    if name.endswith(("At", "Timestamp")) and value:
        seconds = value if name == "expiresAt" else value / 1000
        return f"{value}  ({time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))} UTC)"
    if name == "outputs":
        return "\n".join(map(_output, value))
    if isinstance(value, list):
        return "\n".join(_readable("", item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _output(output: dict[str, Any]) -> str:
    size = f"{output['width']}x{output['height']}" if "width" in output else ""
    length = f"{output['durationMs'] / 1000:.1f} s" if "durationMs" in output else ""
    rate = f"{output['averageBitrate'] // 1000} kbit/s" if "averageBitrate" in output else ""
    figures = ", ".join(filter(None, (output["group"], size, length, rate)))
    return "\n".join((figures, *output.get("paths", [])))


def _probe_source(video: str) -> Media | None:
    """The source's own figures; none for a URL that this machine's ffprobe cannot open."""
    try:
        return probe(video)
    except NotMediaError:
        if "://" in video:
            return None
        raise


def _listing(files: list[Path]) -> str:
    """The files as the row names them, playlists first; segments are only counted."""
    segments = [file for file in files if file.suffix in _SEGMENTS]
    lines = [str(file) for file in files if file not in segments]
    return "\n  ".join([*lines, *([f"and {len(segments)} segments"] if segments else [])])
