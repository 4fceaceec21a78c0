"""mediaconvert-local, the project's own MediaConvert: built from the workspace, run beside the gateway."""

from pathlib import Path

from .access_key import AccessKey
from .gateway import ACCOUNT, REGION
from .processes import Child
from .tools import ROOT, environment, ffmpeg, ffprobe

_PROGRAM = ROOT / "target" / "debug" / "mediaconvert-local"


def build(logs: Path) -> Child:
    """Starts the build; the caller waits for it, and may build other things meanwhile."""
    # The place that `start` looks in, wherever the caller's cargo builds.
    variables = environment(CARGO_TARGET_DIR=str(ROOT / "target"))
    return Child("build-mediaconvert-local", ["cargo", "build", "-p", "mediaconvert-local"], variables, logs)


def start(port: int, gateway_url: str, key: AccessKey, logs: Path, work: Path, *flags: str) -> Child:
    """Starts it as the principal `key`, with further flags, and waits until it listens."""
    command = [str(_PROGRAM), "--listen", f"127.0.0.1:{port}", "--region", REGION, "--account-id", ACCOUNT]
    command += ["--ffmpeg", ffmpeg(), "--ffprobe", ffprobe(), "--work-dir", str(work / "mediaconvert-local")]
    # The quotas are there, and a test that reaches them is done soon.
    command += ["--quota-rate-factor", "10", *flags]
    variables = environment(AWS_REGION=REGION, AWS_ENDPOINT_URL=gateway_url, **key.variables())
    child = Child("mediaconvert-local", command, variables, logs)
    try:
        child.wait_for_line(r"listening on http://", seconds=20)
    except BaseException:
        child.stop()
        raise
    return child
