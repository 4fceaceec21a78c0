"""What `template.yaml` becomes with a set of parameters, asked without deploying it.

ministack's own CloudFormation resolves it, so that a value is refused here where a deployment to the
local cloud would refuse it.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from local_cloud.harness.tools import ROOT
from ministack.services.cloudformation import engine

JOBS = "arn:aws:mediaconvert:us-east-1:000000000000:jobs/*"
QUEUES = "arn:aws:mediaconvert:us-east-1:000000000000:queues"
BUCKET = "arn:aws:s3:::media"


@functools.cache
def _template() -> dict[str, Any]:
    return engine._parse_template((ROOT / "template.yaml").read_text())


class Stack:
    """The template with its parameters put in; raises ValueError where CloudFormation refuses them."""

    def __init__(self, **parameters: str) -> None:
        template = _template()
        parameters = {"MediaBucketName": "media"} | parameters
        provided = [{"Key": name, "Value": value} for name, value in parameters.items()]
        self._parameters = engine._resolve_parameters(template, provided)
        self._conditions = engine._evaluate_conditions(template, self._parameters)
        engine._evaluate_rules(template, self._parameters, self._conditions)
        self._declared = template["Resources"]
        self.resources = {name: self._resolve(each) for name, each in self._declared.items() if self._is_made(each)}
        self.outputs = {name: each["Value"] for name, each in template["Outputs"].items() if self._is_made(each)}

    def _is_made(self, declared: dict[str, Any]) -> bool:
        return self._conditions.get(declared.get("Condition"), True)

    def _resolve(self, value: Any) -> Any:
        made = {name: {"Attributes": {"Arn": f"{name}.Arn"}} for name in self._declared}
        return engine._resolve_refs(value, made, self._parameters, self._conditions, {}, "stack", "")

    def properties(self, name: str) -> dict[str, Any]:
        """A resource's properties."""
        return self.resources[name]["Properties"]

    def variables(self, function: str) -> dict[str, str]:
        """A function's environment."""
        return self.properties(function)["Environment"]["Variables"]

    def statements(self, name: str) -> dict[str, dict[str, Any]]:
        """Every statement of a role, function or managed policy, by its Sid."""
        return {statement["Sid"]: statement for statement in _statements(self.properties(name))}


def _statements(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in properties.get("Policies", [properties]):
        yield from policy.get("PolicyDocument", policy)["Statement"]


@pytest.mark.parametrize("prefix", ["/", ""])
def test_the_whole_bucket_is_a_prefix_that_can_be_typed(prefix: str) -> None:
    stack = Stack(OutputPrefix=prefix)
    assert stack.variables("SubmitJobFunction")["OUTPUT_PREFIX"] == ""
    assert stack.statements("MediaConvertRole")["WriteUnderOutputPrefix"]["Resource"] == f"{BUCKET}/*"


def test_outputs_lie_under_their_prefix() -> None:
    stack = Stack(OutputPrefix="media/out/")
    assert stack.variables("SubmitJobFunction")["OUTPUT_PREFIX"] == "media/out/"
    assert stack.statements("MediaConvertRole")["WriteUnderOutputPrefix"]["Resource"] == f"{BUCKET}/media/out/*"


@pytest.mark.parametrize("prefix", ["out", "/out/", "out//", "*/", "${x}/", "../", ".out/", "a..b/", "//"])
def test_a_prefix_that_submit_job_or_iam_would_read_otherwise_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match="OutputPrefix"):
        Stack(OutputPrefix=prefix)


@pytest.mark.parametrize("prefix", ["out/", "out.d/", "a/b=c/_d-e/", "a./"])
def test_other_prefixes_are_taken(prefix: str) -> None:
    assert Stack(OutputPrefix=prefix).variables("SubmitJobFunction")["OUTPUT_PREFIX"] == prefix


@pytest.mark.parametrize("prefixes", [("in/", "in/"), ("in/", "/"), ("in/", ""), ("/", "out/")])
def test_uploads_and_outputs_never_share_a_prefix(prefixes: tuple[str, str]) -> None:
    uploads, outputs = prefixes
    with pytest.raises(ValueError, match="UploadPrefix"):
        Stack(UploadPrefix=uploads, OutputPrefix=outputs)


def test_submit_job_knows_both_prefixes_to_refuse_one_inside_the_other() -> None:
    variables = Stack(UploadPrefix="media/", OutputPrefix="media/out/").variables("SubmitJobFunction")
    assert (variables["UPLOAD_PREFIX"], variables["OUTPUT_PREFIX"]) == ("media/", "media/out/")


def test_undelivered_events_outlive_the_hosts_webhook() -> None:
    stack = Stack(HostWebhookUrl="")
    assert stack.properties("HostDeadLetterQueue")["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert "HostDeadLetterQueueUrl" in stack.outputs
    assert "HostRule" not in stack.resources


@pytest.mark.parametrize("queue", ["EventsDeadLetterQueue", "HostDeadLetterQueue", "SubmitDeadLetterQueue"])
def test_eventbridge_may_put_dead_letters_into_their_queue_and_from_its_rule_only(queue: str) -> None:
    rules = {"Events": "EventsRule", "Host": "HostRule", "Submit": "UploadsRule"}
    policies = Stack(HostWebhookUrl="https://host.example/", UploadPrefix="in/").resources.values()
    [statement] = [
        statement
        for policy in policies
        if policy["Type"] == "AWS::SQS::QueuePolicy" and policy["Properties"]["Queues"] == [queue]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", f"{queue}.Arn")
    rule = rules[queue.removesuffix("DeadLetterQueue")]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"{rule}.Arn"}}


def test_the_host_application_has_what_a_site_with_its_files_in_the_bucket_needs() -> None:
    queue = f"{QUEUES}/Default"
    granted = {
        "PassMediaConvertRole": ("iam:PassRole", "MediaConvertRole.Arn"),
        "GetMediaConvertRole": ("iam:GetRole", "MediaConvertRole.Arn"),
        "GetQueue": ("mediaconvert:GetQueue", [queue]),
        "CreateJob": ("mediaconvert:CreateJob", [queue]),
        "GetJob": ("mediaconvert:GetJob", JOBS),
        "CancelJob": ("mediaconvert:CancelJob", JOBS),
        "ListMedia": ("s3:ListBucket", BUCKET),
        "UploadMedia": ("s3:PutObject", f"{BUCKET}/*"),
        "DownloadMedia": ("s3:GetObject", f"{BUCKET}/*"),
        "SubmitJob": ("lambda:InvokeFunction", "SubmitJobFunction.Arn"),
        "QueueRequest": ("sqs:SendMessage", "SubmitQueue.Arn"),
        "ReadJob": ("dynamodb:GetItem", "JobsTable.Arn"),
        "ReadJobs": ("dynamodb:BatchGetItem", "JobsTable.Arn"),
    }
    assert _granted(Stack()) == granted
    deletes = {"DeleteMedia": ("s3:DeleteObject", f"{BUCKET}/*")}
    assert _granted(Stack(HostMayDelete="true")) == granted | deletes


def _granted(stack: Stack) -> dict[str, tuple[str, Any]]:
    statements = stack.statements("HostAppPolicy").items()
    return {sid: (statement["Action"], statement["Resource"]) for sid, statement in statements}


def test_an_asynchronous_request_that_lambda_gives_up_is_kept() -> None:
    [config] = [
        each["Properties"] for each in Stack().resources.values() if each["Type"] == "AWS::Lambda::EventInvokeConfig"
    ]
    assert (config["FunctionName"], config["Qualifier"]) == ("SubmitJobFunction", "$LATEST")
    assert (config["MaximumEventAgeInSeconds"], config["MaximumRetryAttempts"]) == (6 * 3600, 2)
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": "SubmitDeadLetterQueue.Arn"}}
    dead_letters = Stack().statements("SubmitJobFunction")["KeepDeadLetters"]
    assert (dead_letters["Action"], dead_letters["Resource"]) == ("sqs:SendMessage", "SubmitDeadLetterQueue.Arn")


def test_a_queue_outlives_its_name_in_the_template() -> None:
    queue = Stack(CreateQueue="true", QueueName="films").resources["TranscodingQueue"]
    assert (queue["UpdateReplacePolicy"], queue["DeletionPolicy"]) == ("Retain", "RetainExceptOnCreate")


def test_submit_job_waits_for_its_queue() -> None:
    made = Stack(CreateQueue="true", QueueName="films")
    assert made.variables("SubmitJobFunction")["MEDIACONVERT_QUEUE_ARN"] == "TranscodingQueue.Arn"
    assert Stack().variables("SubmitJobFunction")["MEDIACONVERT_QUEUE_ARN"] == f"{QUEUES}/Default"


def test_a_claim_is_searched_for_in_the_queue_it_names_whatever_the_stacks_queues_are_now() -> None:
    assert Stack().statements("SubmitJobFunction")["FindJobs"]["Resource"] == f"{QUEUES}/*"


def test_every_statement_is_one_action_with_a_sid() -> None:
    stack = Stack(HostMayDelete="true", InputBucketNames="further", UploadPrefix="in/", HostWebhookUrl="https://a.b/")
    holders = [name for name, each in stack.resources.items() if {"Policies", "PolicyDocument"} & {*each["Properties"]}]
    assert len(holders) >= 8, holders
    for name in holders:
        for statement in _statements(stack.properties(name)):
            assert isinstance(statement["Action"], str), (name, statement)
            assert re.fullmatch(r"[A-Z][A-Za-z]+", statement["Sid"]), (name, statement)


def test_the_key_gets_another_one_by_itself_and_none_by_a_deployment() -> None:
    schedule = Stack().properties("ApiKeyRotation")
    assert schedule == {
        "SecretId": "ApiKeySecret",
        "RotationLambdaARN": "RotateApiKeyFunction.Arn",
        "RotationRules": {"AutomaticallyAfterDays": "90"},
        "RotateImmediatelyOnUpdate": False,
    }
    assert (
        Stack(KeyRotationDays="1000").properties("ApiKeyRotation")["RotationRules"]["AutomaticallyAfterDays"] == "1000"
    )


def test_without_a_schedule_the_key_can_still_be_rotated_by_hand() -> None:
    stack = Stack(KeyRotationDays="0")
    assert "ApiKeyRotation" not in stack.resources
    permission = stack.properties("RotateApiKeyPermission")
    assert (permission["Principal"], permission["SourceArn"]) == ("secretsmanager.amazonaws.com", "ApiKeySecret")


@pytest.mark.parametrize("days", ["", "-1", "1001", "9999", "00", "7d"])
def test_days_that_secrets_manager_would_refuse_are_refused(days: str) -> None:
    with pytest.raises(ValueError, match="KeyRotationDays"):
        Stack(KeyRotationDays=days)


def test_the_key_is_rolled_where_it_is_sent_and_asked_for_where_it_is_taken() -> None:
    variables = Stack().variables("RotateApiKeyFunction")
    assert variables["API_KEY_SECRET_ARN"] == Stack().variables("JobEventsFunction")["API_KEY_SECRET_ARN"]
    assert variables["EVENTS_CONNECTION_NAME"] == "EventsConnection"
    assert "JOB_EVENTS_URL" in variables
