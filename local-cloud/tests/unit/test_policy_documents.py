"""Taking one permission away leaves all others."""

from policy_documents import permissions

_DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["a", "b"]},
        {"Sid": "B", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "c"},
    ],
}


def _pairs(document: dict) -> set[tuple[str, str]]:
    return {(each.action, each.resource) for each in permissions(document)}


def test_without_takes_one_away_and_no_other() -> None:
    assert len(_pairs(_DOCUMENT)) == 5
    for each in permissions(_DOCUMENT):
        assert _pairs(each.without()) == _pairs(_DOCUMENT) - {(each.action, each.resource)}


def test_without_the_only_one_nothing_is_allowed() -> None:
    [only] = permissions({"Statement": [_DOCUMENT["Statement"][1]]})
    assert [statement["Effect"] for statement in only.without()["Statement"]] == ["Deny"]
