"""HostAppPolicy lets a host application do what it is for, and holds nothing that none of these needs.

Each permission is taken away from a user made for it; the stack stays as it is.
"""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError
from host_uses import USES
from local_cloud.harness.access_key import AccessKey
from local_cloud.harness.description import Description
from local_cloud.host_app import HostApp
from policy_documents import Document, Permission, permissions


def _document(cloud: Description) -> Document:
    iam, arn = cloud.client("iam", cloud.administrator), cloud.outputs["HostAppPolicyArn"]
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each permission that the deployed policy holds."""
    if "permission" in metafunc.fixturenames:
        metafunc.parametrize("permission", list(permissions(_document(Description.here()))), ids=str)


@pytest.fixture(scope="module", autouse=True)
def paused_queue(cloud: Description) -> None:
    """The stack's extra queue, of which the template has only the ARN."""
    mediaconvert = cloud.client("mediaconvert", cloud.administrator)
    with suppress(mediaconvert.exceptions.ConflictException):
        mediaconvert.create_queue(Name="paused", Status="PAUSED")


@pytest.fixture
def app_without(cloud: Description) -> Callable[[Permission], HostApp]:
    """A host application that lacks one permission."""

    def without(permission: Permission) -> HostApp:
        iam, name = cloud.client("iam", cloud.administrator), f"host-app-{uuid.uuid4()}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="rest", PolicyDocument=json.dumps(permission.without()))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return HostApp(cloud, AccessKey(made["AccessKeyId"], made["SecretAccessKey"]))

    return without


def _is_denied(use: Callable[[HostApp, Path], None], app: HostApp, tone: Path) -> bool:
    """Whether IAM stops it; whatever else goes wrong is raised."""
    try:
        use(app, tone)
    except (ClientError, S3UploadFailedError) as error:
        if "AccessDenied" not in str(error):
            raise
        return True
    return False


@pytest.mark.parametrize("use", USES, ids=lambda use: use.__name__)
def test_a_host_application(use: Callable[[HostApp, Path], None], host_app: HostApp, tone: Path) -> None:
    use(host_app, tone)


def test_a_permission_is_needed(
    permission: Permission, app_without: Callable[[Permission], HostApp], tone: Path
) -> None:
    app = app_without(permission)
    assert any(_is_denied(use, app, tone) for use in USES), f"nobody misses {permission}"
