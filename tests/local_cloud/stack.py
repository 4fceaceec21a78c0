"""The project's stack: `sam build` and `sam deploy` of the real template, as an operator runs them."""

from pathlib import Path

from .gateway import REGION, AccessKey, Gateway
from .processes import run
from .tools import ROOT, environment

NAME = "mediaconvert-backend"


def build(logs: Path, work: Path) -> None:
    """Builds the functions into a folder of this run, so that runs do not disturb each other."""
    # SAM looks for the binaries in the workspace's own target directory.
    variables = environment(AWS_DEFAULT_REGION=REGION)
    variables.pop("CARGO_TARGET_DIR", None)
    command = ["sam", "build", "--config-env", "local", "--template-file", str(ROOT / "template.yaml")]
    run("sam-build", [*command, "--build-dir", str(work / "build")], variables, logs)


def deploy(gateway: Gateway, administrator: AccessKey, parameters: list[str], logs: Path, work: Path) -> None:
    """Creates the stack, or updates it."""
    variables = environment(AWS_ENDPOINT_URL=gateway.url, AWS_DEFAULT_REGION=REGION, **administrator.variables())
    command = ["sam", "deploy", "--config-env", "local", "--template-file", str(work / "build" / "template.yaml")]
    command += ["--config-file", str(ROOT / "samconfig.toml"), "--stack-name", NAME]
    if parameters:
        command += ["--parameter-overrides", *parameters]
    run("sam-deploy", command, variables, logs)


def outputs(gateway: Gateway, administrator: AccessKey) -> dict[str, str]:
    """The stack's outputs by name."""
    [stack] = gateway.client("cloudformation", administrator).describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
