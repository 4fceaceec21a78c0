"""IAM policy documents, and what is left of one when a single permission is taken away."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True)
class Permission:
    """One action on one resource, in one statement of a document."""

    document: Document
    statement: int
    action: str
    resource: str

    def __str__(self) -> str:
        return f"{self.action} on {self.resource.rsplit(':', 1)[-1]}"

    def without(self) -> Document:
        """The document with this permission taken out."""
        document = copy.deepcopy(self.document)
        whole = document["Statement"].pop(self.statement)
        for action in _list(whole["Action"]):
            for resource in _list(whole["Resource"]):
                if (action, resource) != (self.action, self.resource):
                    document["Statement"].append({**whole, "Action": action, "Resource": resource})
        # A policy may not be empty: what is left allows nothing.
        document["Statement"] = document["Statement"] or [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]
        return document


def permissions(document: Document) -> Iterator[Permission]:
    """Each one that a document gives."""
    for index, statement in enumerate(_list(document["Statement"])):
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                yield Permission(document, index, action, resource)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
