"""Makes what the fuzzers start from out of events/: a corpus for each target, and a dictionary of words."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FUZZ = Path(__file__).parent
EVENTS = FUZZ.parent / "events"
KEY = "the-right-key"  # as in fuzz_targets/function_url_payload.rs


def requests(event: str) -> Iterator[dict[str, Any]]:
    """Function URL requests with the event as their body: as EventBridge sends it, and short ones."""
    whole = json.loads((EVENTS / "job-events" / "complete.json").read_text())
    whole["headers"]["x-api-key"] = KEY
    yield {**whole, "body": event}
    short = {"headers": {"x-api-key": KEY}, "requestContext": {"http": {"method": "POST"}}}
    yield {**short, "body": event, "isBase64Encoded": False}
    yield {**short, "body": base64.b64encode(event.encode()).decode(), "isBase64Encoded": True}


def large() -> Iterator[tuple[str, str]]:
    """Events past every bound, in the run lengths of fuzz_targets/run_lengths.rs."""
    path, text, deep = '"s3://bucket/a.mp4",\x14', "x\x08", "[\x03]\x03"
    output = f'{{"outputFilePaths":[{path}""]}}'
    members = {
        "paths": ("COMPLETE", f'"outputGroupDetails":[{{"outputDetails":[{",".join([output] * 50)}]}}]'),
        "playlists": ("COMPLETE", f'"outputGroupDetails":[{{"playlistFilePaths":[{path * 3}""]}}]'),
        "message": ("ERROR", f'"errorCode":1,"errorMessage":"{text}"'),
        "inputs": ("INPUT_INFORMATION", f'"inputDetails":[{{"uri":"{text}"}},{deep},{path * 9}10\x04]'),
        "metadata": ("PROGRESSING", f'"userMetadata":{{"":1,"text":"{text}","deep":{deep},"number":10\x04}}'),
        "warning": ("NEW_WARNING", f'"warningCode":1,"warningMessage":"{text}"'),
    }
    for name, (status, member) in members.items():
        yield name, f'{{"detail":{{"jobId":"1-a","status":"{status}","timestamp":1,{member}}}}}'


def words(value: Any) -> Iterator[str]:
    """Every name and text in a JSON value, and the scalars as JSON writes them."""
    match value:
        case dict():
            for name, member in value.items():
                yield name
                yield from words(member)
        case list():
            for entry in value:
                yield from words(entry)
        case str():
            yield value
        case _:
            yield json.dumps(value)


def write(target: str, name: str, seed: str) -> None:
    """Adds one file to a target's corpus."""
    corpus = FUZZ / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / f"seed-{name}").write_text(seed)


def main() -> None:
    """Writes all of it."""
    found: set[str] = {KEY, "x-api-key", "requestContext", "http", "method", "POST", "isBase64Encoded"}
    for path in sorted((EVENTS / "mediaconvert").glob("*.json")):
        event = json.loads(path.read_text())
        short = json.dumps(event, separators=(",", ":"))
        found.update(word for word in words(event) if word and len(word) <= 64)
        write("event_body", path.name, short)
        write("function_url_payload", path.name, short)
        for number, request in enumerate(requests(short)):
            write("function_url_payload", f"request-{number}-{path.name}", json.dumps(request))
    for name, event in large():
        write("event_body", f"large-{name}", event)
        write("function_url_payload", f"large-{name}", event)
    # libFuzzer reads a C string a line, in bytes.
    lines = sorted("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in found)
    (FUZZ / "mediaconvert.dict").write_text("".join(f'"{line}"\n' for line in lines))


if __name__ == "__main__":
    main()
