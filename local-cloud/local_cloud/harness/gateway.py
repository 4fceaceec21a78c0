"""ministack with its gaps filled: every AWS endpoint of the local cloud on one port of 127.0.0.1."""

import socket
import sys
from pathlib import Path
from typing import Any

import boto3

from .access_key import AccessKey
from .processes import Child
from .tools import environment

REGION = "us-east-1"
ACCOUNT = "000000000000"
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class Gateway:
    """The running gateway. Every request is authenticated and authorised by IAM."""

    def __init__(
        self, logs: Path, work: Path, mediaconvert_url: str, mediaconvert_key: AccessKey, **variables: str
    ) -> None:
        """With further variables for ministack."""
        self.url = f"http://127.0.0.1:{free_port()}"
        self._root = AccessKey.generate()
        self._logs = logs
        self._work = work
        self._mediaconvert_url = mediaconvert_url
        self._mediaconvert_key = mediaconvert_key
        self._variables = variables

    def start(self) -> Child:
        """Starts it and waits until it answers."""
        (self._work / "tmp").mkdir(parents=True)
        variables = {
            **self._root.variables(),
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": self.url.rsplit(":", 1)[1],
            "AWS_ENDPOINT_URL": self.url,
            "MINISTACK_REGION": REGION,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "TMPDIR": str(self._work / "tmp"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LOCAL_CLOUD_LOGS": str(self._logs),
            "LOCAL_CLOUD_MEDIACONVERT_URL": self._mediaconvert_url,
            "LOCAL_CLOUD_MEDIACONVERT_ACCESS_KEY_ID": self._mediaconvert_key.id,
            "LOCAL_CLOUD_MEDIACONVERT_SECRET_ACCESS_KEY": self._mediaconvert_key.secret,
            **self._variables,
        }
        command = [sys.executable, "-m", "local_cloud.ministack_gaps"]
        child = Child("ministack", command, environment(**variables), self._logs)
        try:
            child.wait_for_url(f"{self.url}/_ministack/health", seconds=30)
        except BaseException:
            child.stop()
            raise
        return child

    def client(self, service: str, key: AccessKey) -> Any:
        """A boto3 client of that principal, pointed here."""
        return boto3.Session(key.id, key.secret, region_name=REGION).client(service, endpoint_url=self.url)

    def create_user(self, name: str, policy_arn: str) -> AccessKey:
        """An IAM user that holds one managed policy and nothing else."""
        iam = self.client("iam", self._root)
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])

    def create_administrator(self) -> AccessKey:
        """The user who deploys."""
        return self.create_user("administrator", _ADMINISTRATOR)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
