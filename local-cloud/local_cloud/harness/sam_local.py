"""`sam local invoke` of the built functions, on the resources of the deployed stack."""

import json
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from .cloud import LocalCloud
from .gateway import ACCOUNT, REGION
from .processes import BrokenError
from .tools import ROOT, STATE

# The bucket that the requests in events/submit-job name.
SAMPLE_BUCKET = "media-bucket"


@dataclass(frozen=True)
class SamLocal:
    """What the command needs, written out as files."""

    template: Path
    variables: Path
    environment: dict[str, str]
    log: Path

    @classmethod
    def prepare(cls, cloud: LocalCloud, endpoint_url: str) -> "SamLocal":
        """Writes the files beside the build that was deployed."""
        built = cloud.description.template
        template = built.with_name("sam-local.json")
        template.write_text(json.dumps(_for_containers(built.read_text())))
        variables = built.with_name("env.json")
        variables.write_text(json.dumps(_variables(cloud.description.outputs)))
        environment = {**cloud.environment(), "AWS_ENDPOINT_URL": endpoint_url}
        return cls(template, variables, environment, cloud.description.logs / "sam-local-invoke.log")

    def invoke(self, function: str, event: Path | dict[str, Any]) -> Any:
        """What the function answers; a function error is an answer too."""
        source, text = (str(event), None) if isinstance(event, Path) else ("-", json.dumps(event))
        command = ["sam", "local", "invoke", function, "--event", source, "--skip-pull-image"]
        command += ["--template", str(self.template), "--env-vars", str(self.variables), "--region", REGION]
        command += ["--layer-cache-basedir", str(STATE / "sam" / "layers")]
        status, printed = self._run(command, text)
        if status:
            raise BrokenError(f"`sam local invoke {function}` ended with status {status}", self.log)
        try:
            return json.loads(printed)
        except ValueError as error:
            raise BrokenError(f"`sam local invoke {function}` printed no answer", self.log) from error

    def _run(self, command: list[str], text: str | None) -> tuple[int, str]:
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            ) as sam,
        ):
            try:
                printed, _ = sam.communicate(text)
            except BaseException:
                # The one signal on which SAM takes its container down, once and not from the terminal as well.
                sam.send_signal(signal.SIGINT)
                sam.wait()
                raise
            return sam.returncode, printed


def _for_containers(template: str) -> dict[str, Any]:
    """The built template with what only a container on this machine needs."""
    parsed = yaml_parse(template)
    # SAM hands on the variables that a template declares and no other.
    environment = parsed["Globals"]["Function"].setdefault("Environment", {})
    environment.setdefault("Variables", {})["AWS_ENDPOINT_URL"] = ""
    for resource in parsed["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # SAM counts the container's own start as the function's time.
            resource["Properties"]["Timeout"] = 60
    return parsed


def _variables(outputs: dict[str, str]) -> dict[str, dict[str, str]]:
    """The `env.json` that events/README.md describes."""
    return {
        "JobEventsFunction": {
            "JOBS_TABLE": outputs["JobsTable"],
            "API_KEY_SECRET_ARN": outputs["ApiKeySecretArn"],
        },
        "RecoverJobsFunction": {
            "JOBS_TABLE": outputs["JobsTable"],
        },
        "SubmitJobFunction": {
            "JOBS_TABLE": outputs["JobsTable"],
            "OUTPUT_BUCKET": SAMPLE_BUCKET,
            "MEDIACONVERT_ROLE_ARN": outputs["MediaConvertRoleArn"],
            "MEDIACONVERT_QUEUE_ARN": f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/Default",
        },
    }
