"""SQS's batch operations, which have no permission of their own.

On AWS, whoever is allowed `SendMessage` is allowed `SendMessageBatch`, and so on. ministack asks for an action
of each operation's own name, which no policy can grant.
"""

from typing import Any

from ministack.core import iam_actions

_BATCHES = ("sqs:SendMessageBatch", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch")


def fill() -> None:
    """Asks for the action of a single message."""
    extract = iam_actions.extract_iam_action

    def single_action(*request: Any, **named: Any) -> str | None:
        action = extract(*request, **named)
        return action.removesuffix("Batch") if action in _BATCHES else action

    iam_actions.extract_iam_action = single_action
