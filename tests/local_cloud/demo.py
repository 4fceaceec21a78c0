"""`make demo`: one video through the whole backend, watched, downloaded and checked.

It acts as the host application does, with the stack's HostAppPolicy and nothing more.
"""

import argparse
import json
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from boto3.dynamodb.types import TypeDeserializer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from . import media
from .cloud import LocalCloud, running
from .progress import console, step
from .tools import STATE

_POLL_SECONDS = 0.25
_TERMINAL = ("COMPLETE", "CANCELED", "ERROR")
# The row's attributes as a reader wants them: outcome, request, times, results, the rest.
_ORDER = [
    *("jobId", "status", "errorCode", "errorMessage", "percentComplete", "currentPhase"),
    *("input", "profile", "destination", "submittedAt", "startedAt", "finishedAt"),
    *("outputs", "playlists", "warnings", "warningCounts", "inputDetails"),
]


@dataclass(frozen=True)
class Promise:
    """What a profile's outputs must be."""

    container: str
    video: str
    audio: str
    upright: bool


PROMISES = {
    "mp4": Promise("mp4", "h264", "aac", upright=True),
    # The job that wagtailmedia submits does not ask for rotation.
    "webm": Promise("webm", "vp8", "opus", upright=False),
}


class WrongVideoError(Exception):
    """VIDEO names nothing that can be submitted."""


class JobFailedError(Exception):
    """The backend refused the request, or the job did not complete."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The demo's command line."""
    parser.add_argument("--video", default="", help="path or URL of a video; without it a clip is made")
    parser.add_argument("--profile", default="mp4", choices=PROMISES, help="what to make of it (default: mp4)")
    parser.add_argument("--json", action="store_true", help="print the job's row and the files as JSON")


def run(arguments: argparse.Namespace, logs: Path) -> int:
    """Exit status 0 only if the job completed and its outputs are what the profile promises."""
    video = arguments.video
    parameters = ["AllowHttpInputs=true"] if video.startswith("http://") else []
    with running(parameters, logs) as cloud:
        try:
            row, files = _transcode(cloud, video, arguments.profile)
        except JobFailedError as failed:
            console.print(f"✗ {failed}", style="red", markup=False, soft_wrap=True)
            return 1
    if arguments.json:
        print(json.dumps({"job": row, "files": [str(file) for file in files]}, indent=2, default=str))
    else:
        console.print(f"\nThe files, checked and playable:\n  {_lines(files)}", markup=False, soft_wrap=True)
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
    if not video:
        video = str(cloud.logs / "clip.mp4")
        with step("Make a clip of 10 s with sound"):
            media.make_clip(Path(video))
    source = video if "://" in video else _upload(cloud, Path(video))
    console.print()
    submitted = _submit(cloud, {"input": source, "profile": profile})
    row = _follow(cloud, submitted["jobId"])
    _show(row)
    if row["status"] != "COMPLETE":
        code, message = row.get("errorCode", ""), row.get("errorMessage", "")
        raise JobFailedError(f"the job ended as {row['status']}: {code} {message}")
    files = _download(cloud, row)
    _verify(files, row, _probe_source(video), PROMISES[profile])
    return row, files


def _upload(cloud: LocalCloud, path: Path) -> str:
    bucket, key = cloud.outputs["MediaBucket"], f"uploads/{uuid.uuid4()}/{path.name}"
    with step(f"Upload {path.name}"):
        cloud.gateway.client("s3", cloud.host_app).upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{key}"


def _submit(cloud: LocalCloud, request: dict[str, str]) -> dict[str, Any]:
    console.print(f"Submit {json.dumps(request)}", markup=False, soft_wrap=True)
    answer = cloud.gateway.client("lambda", cloud.host_app).invoke(
        FunctionName=cloud.outputs["SubmitJobFunction"], Payload=json.dumps(request)
    )
    payload = json.load(answer["Payload"])
    if "FunctionError" in answer:
        raise JobFailedError(f"submit-job refused: {payload.get('errorType')}: {payload.get('errorMessage')}")
    return payload


def _row(client: Any, table: str, job_id: str) -> dict[str, Any]:
    found = client.get_item(TableName=table, Key={"jobId": {"S": job_id}}, ConsistentRead=True)
    read = TypeDeserializer().deserialize
    return {name: _plain(read(value)) for name, value in found.get("Item", {}).items()}


def _plain(value: Any) -> Any:
    """DynamoDB's decimals and sets as the numbers and lists that JSON has."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(_plain(item) for item in value)
    if hasattr(value, "as_integer_ratio"):
        return int(value) if value == int(value) else float(value)
    return value


def _follow(cloud: LocalCloud, job_id: str) -> dict[str, Any]:
    """Shows the row as it changes, until it is final."""
    client = cloud.gateway.client("dynamodb", cloud.host_app)
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("SUBMITTED", total=100)
        while True:
            row = _row(client, cloud.outputs["JobsTable"], job_id)
            phase = row.get("currentPhase", "")
            description = f"{row.get('status', 'SUBMITTED')} {phase}".strip()
            bar.update(task, description=description, completed=row.get("percentComplete", 0))
            if row.get("status") in _TERMINAL:
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


def _download(cloud: LocalCloud, row: dict[str, Any]) -> list[Path]:
    folder = STATE / "demo" / row["jobId"]
    s3 = cloud.gateway.client("s3", cloud.host_app)
    files = []
    with step("Download the outputs"):
        for path in [path for output in row.get("outputs", []) for path in output.get("paths", [])]:
            bucket, _, key = path.removeprefix("s3://").partition("/")
            files.append(folder / path.removeprefix(row["destination"]))
            files[-1].parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, key, str(files[-1]))
    if not files:
        raise JobFailedError("the job is COMPLETE but its row names no output file")
    return files


def _probe_source(video: str) -> media.Media | None:
    """The source's own figures; none for a URL that this machine's ffprobe cannot open."""
    try:
        return media.probe(video)
    except media.NotMediaError:
        if "://" in video:
            return None
        raise


def _verify(files: list[Path], row: dict[str, Any], source: media.Media | None, promise: Promise) -> None:
    with step("Check the files (ffprobe, full decode)"):
        outputs = [output for output in row["outputs"] for _ in output["paths"]]
        wrong = [
            f"{file.name}: {problem}"
            for file, output in zip(files, outputs, strict=True)
            for problem in _problems(file, output, source, promise)
        ]
    if wrong:
        raise JobFailedError("the outputs are not what the profile promises:\n  " + _lines(wrong))


def _problems(file: Path, output: dict[str, Any], source: media.Media | None, promise: Promise) -> list[str]:
    try:
        found = media.probe(str(file))
    except media.NotMediaError as error:
        return [f"not playable: {error}"]
    expected: dict[str, tuple[Any, Any]] = {
        "container": (promise.container, found.container(promise.container)),
        "video codec": (promise.video, found.video),
        "size in the row": ((output.get("width"), output.get("height")), found.size),
    }
    if source is None or source.audio or found.audio:
        expected["audio codec"] = (promise.audio, found.audio)
    if source:
        expected["size"] = (_even(source.size if promise.upright else source.stored_size), found.size)
        expected["difference in seconds"] = (0, round(found.seconds - source.seconds))
    problems = [f"{name} is {is_} instead of {should}" for name, (should, is_) in expected.items() if should != is_]
    if broken := media.decode(file):
        problems.append(f"does not decode: {broken}")
    return problems


def _even(size: tuple[int, int] | None) -> tuple[int, int] | None:
    """The codecs here store pairs of pixels: an odd edge loses one."""
    return size and (size[0] // 2 * 2, size[1] // 2 * 2)


def _lines(items: list[Any]) -> str:
    return "\n  ".join(map(str, items))
