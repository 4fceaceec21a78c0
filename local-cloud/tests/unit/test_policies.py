"""What `make lint` asks of the policies would be noticed if it were missing."""

from typing import Any

import pytest
from local_cloud.policies import findings
from local_cloud.template import EVERYTHING, Stack


def test_the_template_is_clean() -> None:
    assert list(findings(Stack(**EVERYTHING))) == []


@pytest.mark.parametrize(
    ("changes", "issue"),
    [
        ({"Action": "dynamodb:UpdateItems"}, "UNKNOWN_ACTION"),
        ({"Resource": "SubmitQueue.Arn"}, "RESOURCE_MISMATCH"),
        ({"Resource": "*"}, "RESOURCE_STAR"),
        ({"Condition": {"StringEquals": {"sqs:Nothing": "x"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Action": "iam:PutRolePolicy", "Resource": "MediaConvertRole.Arn"}, "PERMISSIONS_MANAGEMENT_ACTIONS"),
    ],
)
def test_a_statement_is_refused(changes: dict[str, Any], issue: str) -> None:
    stack = Stack(**EVERYTHING)
    stack.statements("JobEventsFunction")["ApplyEvent"].update(changes)
    [line] = findings(stack)
    assert line.startswith(f"JobEventsFunction: {issue} ")
