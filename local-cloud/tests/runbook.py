"""The commands of `docs/operations.md`, to be run as they stand there."""

import re
import subprocess
from pathlib import Path

from local_cloud.harness.description import Description
from local_cloud.harness.tools import ROOT, environment

# Version 1 of the CLI, which pip has, takes SQS's endpoint from nowhere else.
_AWS = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'


def commands(heading: str) -> list[str]:
    """The shell blocks of a section, without those of the sections in it."""
    runbook = (ROOT / "docs" / "operations.md").read_text()
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", runbook, re.DOTALL | re.MULTILINE)
    assert found, f"docs/operations.md has no section {heading!r}"
    return re.findall(r"^```sh\n(.*?)^```", found[1], re.DOTALL | re.MULTILINE)


def run(script: str, cloud: Description, folder: Path) -> str:
    """What an operator's shell prints, who has run the page's first block."""
    variables = environment(
        AWS_ENDPOINT_URL=cloud.endpoint_url,
        AWS_DEFAULT_REGION=cloud.region,
        AWS_REGION=cloud.region,
        **cloud.administrator.variables(),
    )
    [first] = commands("Operations")
    shell = ["bash", "-euo", "pipefail", "-c", "\n".join([_AWS, first, script])]
    ran = subprocess.run(shell, cwd=folder, env=variables, capture_output=True, text=True)
    assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
    return ran.stdout
