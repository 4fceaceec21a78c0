"""job-events with faults between it and AWS; `make reliability` writes what is measured into the docs.

ministack runs without its gaps filled and without IAM: the proxy changes the Host header, so that no
signature fits any more.
"""

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from . import document
from .access_key import AccessKey
from .cloud import new_logs
from .gateway import REGION, free_port
from .processes import BrokenError, Child
from .progress import console, step
from .tools import ROOT, STATE, environment

_DOCUMENT = ROOT / "docs" / "reliability.md"
_TEST = ["cargo", "test", "--workspace", "--test", "faults"]


def _start(name: str, command: list[str], health: str, logs: Path, **variables: str) -> Child:
    """Starts a server of ours and waits until it answers."""
    child = Child(name, [sys.executable, "-m", *command], environment(**variables), logs)
    try:
        child.wait_for_url(health, seconds=60)
    except BaseException:
        child.stop()
        raise
    return child


def measured(logs: Path) -> str:
    """Runs the test; its table, in Markdown."""
    upstream, proxy = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    with ExitStack() as parts:
        work = Path(parts.enter_context(TemporaryDirectory(prefix="faults-", dir=STATE)))
        with step("Build the test"):
            subprocess.run([*_TEST, "--no-run", "--quiet"], check=True, cwd=ROOT)
        with step("Start AWS and the proxy before it"):
            port = upstream.rsplit(":", 1)[1]
            ministack = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port, "SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"}
            health = f"{upstream}/_ministack/health"
            child = _start("ministack", ["ministack"], health, logs, TMPDIR=str(work), **ministack)
            parts.callback(child.stop)
            command = ["microburst", "--host", "127.0.0.1", "--port", proxy.rsplit(":", 1)[1], "--upstream", upstream]
            child = _start("microburst", command, f"{proxy}/_microburst/health", logs)
            parts.callback(child.stop)
        table = work / "table.md"
        variables = {
            "AWS_ENDPOINT_URL": proxy,
            "UPSTREAM_ENDPOINT_URL": upstream,
            "AWS_REGION": REGION,
            "FAULTS_TABLE": str(table),
            **AccessKey.generate().variables(),
        }
        with step("Break it in every way"):
            subprocess.run([*_TEST, "--quiet"], check=True, cwd=ROOT, env=environment(**variables))
        return table.read_text()


def main() -> int:
    """The exit status: 1 if a fault was not answered as promised, or the local AWS broke."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    logs = new_logs()
    try:
        table = measured(logs)
    except BrokenError as broken:
        console.print(f"\n{broken.last_lines()}\n\n{broken}; its whole log: {broken.log}", markup=False)
        return 1
    except subprocess.CalledProcessError as failed:
        console.print(f"Logs of every part: {logs}", markup=False)
        return failed.returncode
    print(table)
    document.write(_DOCUMENT, "make reliability", table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
