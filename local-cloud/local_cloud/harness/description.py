"""A running local cloud as its users know it: the file that the variable LOCAL_CLOUD names."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .access_key import AccessKey


@dataclass(frozen=True)
class Description:
    """Where everything is, and the keys of the principals there are."""

    endpoint_url: str
    mediaconvert_url: str
    region: str
    account_id: str
    stack_name: str
    template: Path
    outputs: dict[str, str]
    administrator: AccessKey
    host_app: AccessKey
    mediaconvert: AccessKey
    logs: Path
    ffmpeg: str
    ffprobe: str

    @classmethod
    def here(cls) -> "Description":
        """That of the cloud this process was started on; `LookupError` if it was started on none."""
        if not (path := os.environ.get("LOCAL_CLOUD")):
            raise LookupError("LOCAL_CLOUD names no running local cloud: run `make test-e2e`")
        read = {_snake(name): value for name, value in json.loads(Path(path).read_text()).items()}
        for name in ("administrator", "host_app", "mediaconvert"):
            read[name] = AccessKey(read[name]["accessKeyId"], read[name]["secretAccessKey"])
        return cls(**{**read, "template": Path(read["template"]), "logs": Path(read["logs"])})

    def write(self, path: Path) -> None:
        """For `here` to read, and for programs in other languages."""
        written = {_camel(name): value for name, value in asdict(self).items()}
        for name in ("administrator", "hostApp", "mediaconvert"):
            written[name] = {"accessKeyId": written[name]["id"], "secretAccessKey": written[name]["secret"]}
        path.write_text(json.dumps(written, indent=2, default=str))
        path.chmod(0o600)

    def client(self, service: str, key: AccessKey, config: Config | None = None) -> Any:
        """A boto3 client of that principal."""
        session = boto3.Session(key.id, key.secret, region_name=self.region)
        return session.client(service, endpoint_url=self.endpoint_url, config=config)

    def resources(self) -> dict[str, str]:
        """The stack's resources, logical names to physical ones."""
        cloudformation = self.client("cloudformation", self.administrator)
        described = cloudformation.describe_stack_resources(StackName=self.stack_name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in described}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
