"""What `template.yaml` becomes with a set of parameters."""

import json
import re
from typing import Any

import pytest
from local_cloud.harness.tools import ROOT
from local_cloud.template import EVERYTHING, Stack, statements_of

JOBS = "arn:aws:mediaconvert:us-east-1:000000000000:jobs/*"
QUEUES = "arn:aws:mediaconvert:us-east-1:000000000000:queues"
BUCKET = "arn:aws:s3:::media"
PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


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


@pytest.mark.parametrize("parameters", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_what_nobody_has_handled_yet_outlives_the_stack(parameters: dict[str, str]) -> None:
    stack = Stack(**parameters)
    # With their policies, which would leave a kept queue open to plain HTTP.
    for name in (*stack.of_type("AWS::SQS::Queue"), *stack.of_type("AWS::SQS::QueuePolicy")):
        policies = [stack.resources[name].get(policy) for policy in ("UpdateReplacePolicy", "DeletionPolicy")]
        assert policies == ["Retain", "RetainExceptOnCreate"], name


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
        if statement["Effect"] == "Allow"
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", f"{queue}.Arn")
    rule = rules[queue.removesuffix("DeadLetterQueue")]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": f"{rule}.Arn"}}


@pytest.mark.parametrize("parameters", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_every_queue_has_one_policy_which_refuses_plain_http(parameters: dict[str, str]) -> None:
    stack = Stack(**parameters)
    policies = stack.of_type("AWS::SQS::QueuePolicy").values()
    # A second one would overwrite the first, and one that goes would take the other's statements along.
    assert sorted(queue for each in policies for queue in each["Queues"]) == sorted(stack.of_type("AWS::SQS::Queue"))
    for policy in policies:
        [queue] = policy["Queues"]
        assert _denied(policy) == [("*", "sqs:*", f"{queue}.Arn", PLAIN_HTTP)]


def test_every_queue_and_the_bucket_it_creates_are_encrypted_at_rest() -> None:
    stack = Stack(**EVERYTHING, MediaBucketName="")
    assert all(queue.get("SqsManagedSseEnabled") is True for queue in stack.of_type("AWS::SQS::Queue").values())
    [encryption] = stack.properties("MediaBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_the_bucket_it_creates_refuses_plain_http_and_goes_on_doing_so_without_the_stack() -> None:
    stack = Stack(MediaBucketName="")
    [policy] = stack.of_type("AWS::S3::BucketPolicy").values()
    assert _denied(policy) == [("*", "s3:*", ["MediaBucket.Arn", "MediaBucket.Arn/*"], PLAIN_HTTP)]
    declared = stack.resources["MediaBucketPolicy"]
    assert (declared["UpdateReplacePolicy"], declared["DeletionPolicy"]) == ("Retain", "RetainExceptOnCreate")


def test_an_existing_buckets_policy_stays_its_owners() -> None:
    assert Stack(MediaBucketName="media").of_type("AWS::S3::BucketPolicy") == {}


def _denied(policy: dict[str, Any]) -> list[tuple[Any, ...]]:
    statements = policy["PolicyDocument"]["Statement"]
    members = ("Principal", "Action", "Resource", "Condition")
    return [tuple(each[name] for name in members) for each in statements if each["Effect"] == "Deny"]


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
    config = Stack().properties("SubmitJobEventInvokeConfig")
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


def test_the_schedule_sends_what_recover_jobs_is_tested_with() -> None:
    target = Stack().resources["SilentJobsSchedule"]["Properties"]["Target"]
    sample = json.loads((ROOT / "events/recover-jobs/schedule.json").read_text())
    assert json.loads(target["Input"]) == sample


def test_a_service_becomes_a_role_for_this_account_only() -> None:
    stack = Stack(**EVERYTHING)
    for name, role in stack.of_type("AWS::IAM::Role").items():
        for statement in role["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Sid"].isalnum(), name
            assert statement["Action"] == "sts:AssumeRole", name
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "000000000000"}, name


def test_every_statement_is_one_action_with_a_sid() -> None:
    stack = Stack(**EVERYTHING)
    holders = [name for name, each in stack.resources.items() if {"Policies", "PolicyDocument"} & {*each["Properties"]}]
    assert len(holders) >= 8, holders
    for name in holders:
        for statement in statements_of(stack.properties(name)):
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
    assert (permission["Principal"], permission["SourceAccount"]) == ("secretsmanager.amazonaws.com", "000000000000")


@pytest.mark.parametrize("days", ["", "-1", "1001", "9999", "00", "7d"])
def test_days_that_secrets_manager_would_refuse_are_refused(days: str) -> None:
    with pytest.raises(ValueError, match="KeyRotationDays"):
        Stack(KeyRotationDays=days)


def test_a_host_that_refuses_the_key_deauthorizes_no_connection_but_its_own() -> None:
    stack = Stack(HostWebhookUrl="https://a.b/")
    connections = {name: each["ConnectionArn"] for name, each in stack.of_type("AWS::Events::ApiDestination").items()}
    assert connections == {"EventsDestination": "EventsConnection.Arn", "HostDestination": "HostConnection.Arn"}
    [mine, host] = stack.of_type("AWS::Events::Connection").values()
    assert mine["AuthParameters"] == host["AuthParameters"]


def test_the_key_is_rolled_where_it_is_sent_and_asked_for_where_it_is_taken() -> None:
    variables = Stack().variables("RotateApiKeyFunction")
    assert variables["API_KEY_SECRET_ARN"] == Stack().variables("JobEventsFunction")["API_KEY_SECRET_ARN"]
    assert variables["CONNECTION_NAMES"] == "EventsConnection"
    assert Stack(HostWebhookUrl="https://a.b/").variables("RotateApiKeyFunction")["CONNECTION_NAMES"] == (
        "EventsConnection,HostConnection"
    )
    assert "JOB_EVENTS_URL" in variables
