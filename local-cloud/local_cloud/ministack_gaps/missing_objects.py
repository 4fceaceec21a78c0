"""What S3 tells of an object that does not exist.

AWS answers 404 only to callers who may list the bucket (`s3:ListBucket`); to all others a missing
object looks like a forbidden one, 403. ministack answers 404 to everybody who may read objects.
"""

from typing import Any

from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_region
from ministack.services import s3

_ACTION = "s3:ListBucket"


def fill() -> None:
    """Asks for `s3:ListBucket` before a 404 leaves."""
    handle = s3.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict) -> Any:
        answer = await handle(method, path, headers, body, query_params)
        bucket, _, key = path.lstrip("/").partition("/")
        reads_object = method in ("GET", "HEAD") and key and bucket in s3._buckets and "uploadId" not in query_params
        if answer[0] != 404 or not reads_object:
            return answer
        caller = router.extract_access_key_id(headers, query_params)
        bucket_arn = f"arn:aws:s3:::{bucket}"
        denial = iam_evaluator.enforce(caller, "s3:ListBucket", "s3", get_region(), resource_arn=bucket_arn)
        if denial is None or isinstance(denial, iam_evaluator.AuthError):
            return answer
        return iam_actions.access_denied_response(
            "s3", "s3:ListBucket", denial.principal_arn, "", resource_arn=bucket_arn
        )

    s3.handle_request = handle_request
