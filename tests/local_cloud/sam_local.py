"""`sam local invoke` of the built functions, on the resources of the deployed stack."""

import json
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
        build = cloud.description.parent / "build"
        template = build / "sam-local.json"
        template.write_text(json.dumps(_with_endpoint_declared((build / "template.yaml").read_text())))
        variables = build / "env.json"
        variables.write_text(json.dumps(_variables(cloud.outputs)))
        environment = {**cloud.environment(), "AWS_ENDPOINT_URL": endpoint_url}
        return cls(template, variables, environment, cloud.logs / "sam-local-invoke.log")

    def invoke(self, function: str, event: Path | dict[str, Any]) -> Any:
        """What the function answers; a function error is an answer too."""
        source, text = (str(event), None) if isinstance(event, Path) else ("-", json.dumps(event))
        command = ["sam", "local", "invoke", function, "--event", source, "--skip-pull-image"]
        command += ["--template", str(self.template), "--env-vars", str(self.variables), "--region", REGION]
        command += ["--layer-cache-basedir", str(STATE / "sam" / "layers")]
        with self.log.open("ab") as log:
            done = subprocess.run(
                command, cwd=ROOT, env=self.environment, input=text, stdout=subprocess.PIPE, stderr=log, text=True
            )
        if done.returncode:
            raise BrokenError(f"`sam local invoke {function}` ended with status {done.returncode}", self.log)
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            raise BrokenError(f"`sam local invoke {function}` printed no answer", self.log) from error


def _with_endpoint_declared(template: str) -> dict[str, Any]:
    """SAM hands on the variables that a template declares and no other; in AWS there is no endpoint to declare."""
    parsed = yaml_parse(template)
    environment = parsed["Globals"]["Function"].setdefault("Environment", {})
    environment.setdefault("Variables", {})["AWS_ENDPOINT_URL"] = ""
    return parsed


def _variables(outputs: dict[str, str]) -> dict[str, dict[str, str]]:
    """The `env.json` that events/README.md describes."""
    return {
        "JobEventsFunction": {
            "JOBS_TABLE": outputs["JobsTable"],
            "API_KEY_SECRET_ARN": outputs["ApiKeySecretArn"],
        },
        "SubmitJobFunction": {
            "JOBS_TABLE": outputs["JobsTable"],
            "OUTPUT_BUCKET": SAMPLE_BUCKET,
            "MEDIACONVERT_ROLE_ARN": outputs["MediaConvertRoleArn"],
            "MEDIACONVERT_QUEUE_ARN": f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/Default",
        },
    }
