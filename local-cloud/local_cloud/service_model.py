"""`make service-model`: AWS's model of MediaConvert's requests, from the pinned botocore."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

from .harness.tools import ROOT

_FILE = ROOT / "crates" / "mediaconvert-model" / "service-model.json"
_REQUESTS = ("CreateJobRequest", "CreateJobTemplateRequest", "CreateQueueRequest", "UpdateQueueRequest")
# They describe, and hold nobody to anything.
_LEFT_OUT = ("deprecated", "deprecatedMessage", "documentation", "idempotencyToken")


def _shapes(model: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    todo = list(_REQUESTS)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = _without_words(model["shapes"][name])
            todo += _references(found[name])
    return dict(sorted(found.items()))


def _references(shape: dict[str, Any]) -> list[str]:
    parts = (shape[part] for part in ("member", "key", "value") if part in shape)
    return [reference["shape"] for reference in (*shape.get("members", {}).values(), *parts)]


def _without_words(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _without_words(value) for name, value in part.items() if name not in _LEFT_OUT}
    return part


def _text() -> str:
    shapes = _shapes(Loader().load_service_model("mediaconvert", "service-2"))
    lines = (f"{json.dumps(name)}: {json.dumps(shape, separators=(',', ':'))}" for name, shape in shapes.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> int:
    """Writes the file; with --check only says whether it is as botocore has it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    file: Path = _FILE
    if not parser.parse_args().check:
        file.write_text(_text())
        return 0
    if file.read_text() == _text():
        return 0
    print(f"{file.relative_to(ROOT)} is not what the pinned botocore has: run `make service-model`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
