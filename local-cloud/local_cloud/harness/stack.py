"""The project's stack: `sam build` and `sam deploy` of the real template, as an operator runs them."""

from pathlib import Path

from .access_key import AccessKey
from .gateway import REGION, Gateway
from .parameters import for_sam
from .processes import run
from .tools import ROOT, environment

NAME = "mediaconvert-backend"


def build(logs: Path, work: Path) -> None:
    """Builds the functions into a folder of this run, so that runs do not disturb each other."""
    # SAM looks for the binaries in the workspace's own target directory.
    variables = environment(AWS_DEFAULT_REGION=REGION)
    variables.pop("CARGO_TARGET_DIR", None)
    command = ["sam", "build", "--config-env", "local", "--template-file", str(ROOT / "template.yaml")]
    run("sam-build", [*command, "--build-dir", str(built_template(work).parent)], variables, logs)


def built_template(work: Path) -> Path:
    """What `build` makes and `deploy` takes."""
    return work / "build" / "template.yaml"


def deploy(template: Path, variables: dict[str, str], parameters: dict[str, str], logs: Path) -> None:
    """Creates the stack, or updates it. `variables` say where, and as whom."""
    command = ["sam", "deploy", "--config-env", "local", "--template-file", str(template)]
    command += ["--config-file", str(ROOT / "samconfig.toml"), "--stack-name", NAME]
    if parameters:
        command += ["--parameter-overrides", *for_sam(parameters)]
    run("sam-deploy", command, environment(**{"AWS_DEFAULT_REGION": REGION, **variables}), logs)


def delete(variables: dict[str, str], logs: Path) -> None:
    """Deletes the stack, as an operator does."""
    command = ["sam", "delete", "--no-prompts", "--stack-name", NAME, "--region", REGION]
    run("sam-delete", command, environment(**{"AWS_DEFAULT_REGION": REGION, **variables}), logs)


def outputs(gateway: Gateway, administrator: AccessKey) -> dict[str, str]:
    """The stack's outputs by name."""
    [stack] = gateway.client("cloudformation", administrator).describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
