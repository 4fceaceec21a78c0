"""The life of one local cloud: up in order, down in reverse, whatever happens in between."""

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import simulator, stack
from .access_key import AccessKey
from .description import Description
from .gateway import ACCOUNT, REGION, Gateway, free_port
from .processes import Child
from .progress import step
from .tools import STATE, environment, ffmpeg, ffprobe

_KEPT_LOGS = 10


@dataclass(frozen=True)
class Options:
    """How a cloud differs from the usual one."""

    # Of the template.
    parameters: dict[str, str] = field(default_factory=dict)
    # Flags of the simulator.
    simulator: tuple[str, ...] = ()
    # Variables of ministack.
    ministack: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LocalCloud:
    """A deployed stack and how to reach it."""

    description: Description
    children: list[Child]
    # Where the description is written, for others to read.
    path: Path

    def check(self) -> None:
        """Raises if a part of the cloud has ended."""
        for child in self.children:
            child.check()

    def variables(self) -> dict[str, str]:
        """What a command needs to use this cloud as its administrator."""
        return {
            "AWS_ENDPOINT_URL": self.description.endpoint_url,
            "AWS_REGION": self.description.region,
            "AWS_DEFAULT_REGION": self.description.region,
            **self.description.administrator.variables(),
            "LOCAL_CLOUD": str(self.path),
        }

    def environment(self) -> dict[str, str]:
        """The whole environment of such a command."""
        return environment(**self.variables())


def new_logs() -> Path:
    """A fresh folder for the logs of one run; the oldest of the earlier ones go."""
    STATE.mkdir(exist_ok=True)
    for old in sorted(STATE.glob("logs-*"))[: -_KEPT_LOGS + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime("logs-%Y%m%d-%H%M%S-"), dir=STATE))


@contextmanager
def running(options: Options, logs: Path) -> Iterator[LocalCloud]:
    """Builds, starts and deploys everything; takes it down again when the block ends."""
    with ExitStack() as parts:
        work = Path(tempfile.mkdtemp(prefix="run-", dir=STATE))
        parts.callback(shutil.rmtree, work, ignore_errors=True)
        try:
            yield _bring_up(options, logs, work, parts)
        finally:
            _ignore_signals()
            with step("Take the local cloud down"):
                parts.close()


def _bring_up(options: Options, logs: Path, work: Path, parts: ExitStack) -> LocalCloud:
    simulator_build = simulator.build(logs)
    parts.callback(simulator_build.stop)
    with step("Build the functions (sam build)"):
        stack.build(logs, work)
    with step("Build the simulator (mediaconvert-local)"):
        simulator_build.finish()

    key = AccessKey.generate()
    port = free_port()
    mediaconvert_url = f"http://127.0.0.1:{port}"
    gateway = Gateway(logs, work, mediaconvert_url, key, **options.ministack)
    with step("Start the AWS endpoints (ministack)"):
        children = [gateway.start()]
        parts.callback(children[0].stop)
        administrator = gateway.create_administrator()
    with step("Start the simulator"):
        children.append(simulator.start(port, gateway.url, key, logs, work, *options.simulator))
        parts.callback(children[1].stop)
    with step("Deploy the stack (sam deploy)"):
        variables = {"AWS_ENDPOINT_URL": gateway.url, **administrator.variables()}
        stack.deploy(stack.built_template(work), variables, options.parameters, logs)
        outputs = stack.outputs(gateway, administrator)
    description = Description(
        endpoint_url=gateway.url,
        mediaconvert_url=mediaconvert_url,
        region=REGION,
        account_id=ACCOUNT,
        stack_name=stack.NAME,
        template=stack.built_template(work),
        outputs=outputs,
        administrator=administrator,
        host_app=gateway.create_user("host-app", outputs["HostAppPolicyArn"]),
        mediaconvert=key,
        logs=logs,
        ffmpeg=ffmpeg(),
        ffprobe=ffprobe(),
    )
    path = work / "local-cloud.json"
    description.write(path)
    return LocalCloud(description, children, path)


def _ignore_signals() -> None:
    """Taking down is short and must be whole: a second Ctrl-C does not interrupt it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
