"""What parliament finds in the policies of `template.yaml`: for `make lint`.

    python -m local_cloud.policies

parliament knows AWS's actions, the resources and condition keys that each takes, and so tells a
statement that can never match. It reads policies and not templates, so each is resolved first, with
ARNs as AWS makes them. Roles' trust policies it can't read, as they name no resource; checkov does.
"""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import parliament

from .template import EVERYTHING, Stack

# Whoever creates a job passes it the service role: the statement names that one role, and has a condition that lets it
# be passed to MediaConvert alone. parliament looks at the action only. Its own list of exceptions matches nothing.
_EXCEPTED = ("PERMISSIONS_MANAGEMENT_ACTIONS", ["iam:passrole"])

# What `Fn::GetAtt Arn` gives.
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:us-east-1:000000000000:table/{}",
    "AWS::Events::ApiDestination": "events:us-east-1:000000000000:api-destination/{}/id",
    "AWS::Events::Connection": "events:us-east-1:000000000000:connection/{}/id",
    "AWS::Events::Rule": "events:us-east-1:000000000000:rule/{}",
    "AWS::IAM::Role": "iam::000000000000:role/{}",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SecretsManager::Secret": "secretsmanager:us-east-1:000000000000:secret:{}-AbCdEf",
    "AWS::Serverless::Function": "lambda:us-east-1:000000000000:function:{}",
    "AWS::SNS::Topic": "sns:us-east-1:000000000000:{}",
    "AWS::SQS::Queue": "sqs:us-east-1:000000000000:{}",
}
# Of these `Ref` is the ARN.
_REFERRED_BY_ARN = ("AWS::SecretsManager::Secret", "AWS::SNS::Topic")


def findings(stack: Stack) -> Iterator[str]:
    """A line for each, but for what is excepted."""
    for name, document in _documents(stack):
        text = _with_arns(json.dumps(document), stack)
        for finding in parliament.analyze_policy_string(text, include_community_auditors=True).findings:
            if (finding.issue, finding.location.get("actions")) != _EXCEPTED:
                yield f"{name}: {finding.issue} {finding.detail or finding.location}"


def _documents(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in stack.resources.items():
        properties = resource["Properties"]
        for policy in properties.get("Policies", [properties] if "PolicyDocument" in properties else []):
            yield name, policy.get("PolicyDocument", policy)


def _with_arns(text: str, stack: Stack) -> str:
    def arn(found: re.Match[str]) -> str:
        name = found["attribute"] or found["reference"]
        resource_type = stack.resources[name]["Type"]
        if found["reference"]:
            return f'"arn:aws:{_ARNS[resource_type].format(name)}"' if resource_type in _REFERRED_BY_ARN else found[0]
        return f"arn:aws:{_ARNS[resource_type].format(name)}"

    names = "|".join(stack.resources)
    return re.sub(rf'\b(?P<attribute>{names})\.Arn\b|"(?P<reference>{names})"', arn, text)


if __name__ == "__main__":
    # With a bucket of its own and without, as only the first has a policy.
    found = {line for bucket in ("", "media") for line in findings(Stack(**EVERYTHING, MediaBucketName=bucket))}
    sys.exit("\n".join(sorted(found)) or None)
