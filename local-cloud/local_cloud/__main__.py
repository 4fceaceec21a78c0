"""`python -m local_cloud`: run a command, a demo or nothing in particular on a local cloud."""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import demo, job_event
from .harness import parameters
from .harness.cloud import LocalCloud, Options, new_logs, running
from .harness.processes import BrokenError
from .harness.progress import console


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local_cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    takes_parameters = argparse.ArgumentParser(add_help=False)
    takes_parameters.add_argument(
        "--parameter-overrides", nargs="*", default=[], metavar="KEY=VALUE", help="template parameters"
    )
    run = commands.add_parser("exec", parents=[takes_parameters], help="run a command on a fresh local cloud")
    run.add_argument("argv", nargs="+", metavar="CMD", help="the command, after --")
    commands.add_parser("up", parents=[takes_parameters], help="keep a local cloud running until Ctrl-C")
    demo.add_arguments(commands.add_parser("demo", help="transcode one video and check the result"))
    job_event.add_arguments(commands.add_parser("event", help="print an event as a Function URL request"))
    return parser.parse_args()


def _exec(cloud: LocalCloud, argv: list[str]) -> int:
    console.print()
    command = subprocess.Popen(argv, env=cloud.environment())
    try:
        return command.wait()
    except BaseException:
        # Ctrl-C reached the command too, as it shares the terminal; a signal sent to us alone did not.
        command.terminate()
        command.wait()
        raise


def _up(cloud: LocalCloud) -> int:
    console.print("\nThe local cloud is up until Ctrl-C. To use it from another terminal:\n")
    for name, value in cloud.variables().items():
        print(f"export {name}={value}", flush=True)
    console.print(f"\nStack outputs: {cloud.path}\nLogs:          {cloud.description.logs}")
    try:
        while True:
            cloud.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print()
        return 0


def _on_a_local_cloud(arguments: argparse.Namespace, logs: Path) -> int:
    if arguments.command == "demo":
        return demo.run(arguments, logs)
    with running(Options(arguments.parameters), logs) as cloud:
        return _exec(cloud, arguments.argv) if arguments.command == "exec" else _up(cloud)


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """The exit status: the command's own; 1 if the cloud broke; 2 for a wrong call."""
    arguments = _arguments()
    if arguments.command == "event":
        return job_event.run(arguments)
    try:
        if arguments.command == "demo":
            arguments.video = demo.checked(arguments.video)
        if arguments.command in ("up", "exec"):
            arguments.parameters = parameters.checked(arguments.parameter_overrides)
    except demo.WrongVideoError as wrong:
        console.print(f"VIDEO: {wrong}", style="red", markup=False, soft_wrap=True)
        return 2
    except parameters.WrongParameterError as wrong:
        console.print(f"PARAMETERS: {wrong}", style="red", markup=False, soft_wrap=True)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    logs = new_logs()
    status = 1
    try:
        status = _on_a_local_cloud(arguments, logs)
    except BrokenError as broken:
        console.print(f"\n{broken.last_lines()}\n", markup=False)
        console.print(f"[red]{broken}[/]; its whole log: {broken.log}")
    except KeyboardInterrupt:
        status = 128 + signal.SIGINT
    finally:
        if status:
            console.print(f"Logs of every part: {logs}")
    return status


if __name__ == "__main__":
    sys.exit(main())
