"""The deployed dashboard can be drawn, every widget of it, and small enough for the docs."""

import subprocess
import sys
from pathlib import Path

from local_cloud.harness.tools import ROOT

_MOST_BYTES = 300_000


def test_the_dashboard_is_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "dashboard.png"
    command = [sys.executable, "-m", "local_cloud.dashboard", str(picture), "--minutes", "10"]
    ran = subprocess.run(command, cwd=ROOT / "local-cloud", capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 10_000 < picture.stat().st_size < _MOST_BYTES
