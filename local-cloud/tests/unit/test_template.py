"""What `template.yaml` becomes with a set of parameters."""

import re
from typing import Any

import pytest
from template_stack import Stack, statements_of

JOBS = "arn:aws:mediaconvert:us-east-1:000000000000:jobs/*"
QUEUES = "arn:aws:mediaconvert:us-east-1:000000000000:queues"
BUCKET = "arn:aws:s3:::media"


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
        for statement in statements_of(stack.properties(name)):
            assert isinstance(statement["Action"], str), (name, statement)
            assert re.fullmatch(r"[A-Z][A-Za-z]+", statement["Sid"]), (name, statement)
