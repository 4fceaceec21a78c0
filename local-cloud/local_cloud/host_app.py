"""The deployed stack as the host application uses it, with the stack's HostAppPolicy and nothing more."""

import json
import posixpath
import uuid
from pathlib import Path
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from .media.playlists import references

TERMINAL = ("COMPLETE", "CANCELED", "ERROR")


class RefusedError(Exception):
    """submit-job refused the request."""


class MissingFileError(Exception):
    """The job's row, or a playlist of its outputs, names a file that is not there."""


class HostApp:
    """Submits jobs, follows their rows, fetches their outputs."""

    def __init__(self, session: boto3.Session, endpoint_url: str, outputs: dict[str, str]) -> None:
        self._s3, self._lambda, self._dynamodb = (
            session.client(service, endpoint_url=endpoint_url) for service in ("s3", "lambda", "dynamodb")
        )
        self._outputs = outputs

    def upload(self, path: Path) -> str:
        """Uploads a file under a key of its own; answers its URI."""
        bucket, key = self._outputs["MediaBucket"], f"uploads/{uuid.uuid4()}/{path.name}"
        self._s3.upload_file(str(path), bucket, key)
        return f"s3://{bucket}/{key}"

    def submit(self, request: dict[str, Any]) -> dict[str, Any]:
        """submit-job's answer."""
        answer = self._lambda.invoke(FunctionName=self._outputs["SubmitJobFunction"], Payload=json.dumps(request))
        payload = json.load(answer["Payload"])
        if "FunctionError" in answer:
            raise RefusedError(f"submit-job refused: {payload.get('errorType')}: {payload.get('errorMessage')}")
        return payload

    def row(self, job_id: str) -> dict[str, Any]:
        """The job's row; empty while there is none."""
        found = self._dynamodb.get_item(
            TableName=self._outputs["JobsTable"], Key={"jobId": {"S": job_id}}, ConsistentRead=True
        )
        read = TypeDeserializer().deserialize
        return {name: _plain(read(value)) for name, value in found.get("Item", {}).items()}

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
            self._s3.download_file(bucket, key, str(file))
        except ClientError as error:
            raise MissingFileError(f"{named_by} names {uri}: {error}") from error
        return file


def _plain(value: Any) -> Any:
    """DynamoDB's decimals and sets as the numbers and lists that JSON has."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, set):
        return sorted(_plain(item) for item in value)
    if hasattr(value, "as_integer_ratio"):
        return int(value) if value == int(value) else float(value)
    return value
