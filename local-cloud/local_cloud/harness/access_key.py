"""Credentials of a principal of the local cloud, made for one run."""

import secrets
import string
from dataclasses import dataclass


@dataclass(frozen=True)
class AccessKey:
    """An access key and its secret."""

    id: str
    secret: str

    @classmethod
    def generate(cls) -> "AccessKey":
        """A key nobody had before."""
        alphabet = string.ascii_uppercase + string.digits
        return cls("AKIA" + "".join(secrets.choice(alphabet) for _ in range(16)), secrets.token_urlsafe(30))

    def variables(self) -> dict[str, str]:
        """The key as the SDKs read it."""
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret}
