"""The deployed stack as the host application uses it, with the stack's HostAppPolicy and nothing more."""

import functools
import json
import posixpath
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from .harness.access_key import AccessKey
from .harness.description import Description
from .harness.waiting import wait_for
from .media.playlists import references

TERMINAL = ("COMPLETE", "CANCELED", "ERROR")


class RefusedError(Exception):
    """submit-job refused the request."""


class MissingFileError(Exception):
    """The job's row, or a playlist of its outputs, names a file that is not there."""


class HostApp:
    """Submits jobs, follows their rows, fetches their outputs."""

    def __init__(self, cloud: Description, key: AccessKey | None = None) -> None:
        """Without a key of its own it is the one that the cloud was brought up with."""
        self.outputs = cloud.outputs
        self.bucket = cloud.outputs["MediaBucket"]
        self.client: Callable[[str], Any] = functools.cache(
            lambda service: cloud.client(service, key or cloud.host_app)
        )

    def upload(self, path: Path) -> str:
        """Uploads a file under a key of its own; answers its URI."""
        bucket, key = self.bucket, f"uploads/{uuid.uuid4()}/{path.name}"
        self.client("s3").upload_file(str(path), bucket, key)
        return f"s3://{bucket}/{key}"

    def submit(self, request: dict[str, Any]) -> dict[str, Any]:
        """submit-job's answer."""
        answer = self.client("lambda").invoke(
            FunctionName=self.outputs["SubmitJobFunction"], Payload=json.dumps(request)
        )
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise RefusedError(f"submit-job refused: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload

    def enqueue(self, request: dict[str, Any]) -> None:
        """Leaves a request that may wait."""
        self.client("sqs").send_message(QueueUrl=self.outputs["SubmitQueueUrl"], MessageBody=json.dumps(request))

    def row(self, job_id: str) -> dict[str, Any]:
        """The job's row; empty while there is none."""
        found = self.client("dynamodb").get_item(
            TableName=self.outputs["JobsTable"], Key={"jobId": {"S": job_id}}, ConsistentRead=True
        )
        read = TypeDeserializer().deserialize
        return {name: plain(read(value)) for name, value in found.get("Item", {}).items()}

    def finished(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """The job's row once the job has ended, in whatever way."""

        def row_at_end() -> dict[str, Any] | None:
            row = self.row(job_id)
            return row if row.get("status") in TERMINAL else None

        return wait_for(f"the end of job {job_id}", row_at_end, seconds)

    def download(self, row: dict[str, Any], folder: Path) -> list[Path]:
        """Fetches what the row names, playlists first, and whatever those refer to."""
        named = [
            *row.get("playlists", []),
            *(path for output in row.get("outputs", []) for path in output.get("paths", [])),
        ]
        pending = [(path, "the job's row") for path in named]
        fetched: dict[str, Path] = {}
        while pending:
            uri, named_by = pending.pop(0)
            if uri in fetched:
                continue
            fetched[uri] = self._fetch(uri, named_by, row["destination"], folder)
            parent = uri.rpartition("/")[0]
            pending += [(f"{parent}/{reference}", uri) for reference in references(fetched[uri])]
        return list(fetched.values())

    def _fetch(self, uri: str, named_by: str, destination: str, folder: Path) -> Path:
        name = uri.removeprefix(destination)
        if name == uri or posixpath.normpath(name) != name or name.startswith("../"):
            raise MissingFileError(f"{named_by} names {uri}, which does not lie under {destination}")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.client("s3").download_file(bucket, key, str(file))
        except ClientError as error:
            raise MissingFileError(f"{named_by} names {uri}: {error}") from error
        return file


def plain(value: Any) -> Any:
    """DynamoDB's decimals and sets as the numbers and lists that JSON has."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, set):
        return sorted(plain(item) for item in value)
    if hasattr(value, "as_integer_ratio"):
        return int(value) if value == int(value) else float(value)
    return value
