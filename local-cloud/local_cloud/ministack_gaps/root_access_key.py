"""Who is root.

On AWS, whoever holds the account's own key, and a request signed with an unknown key is refused.
ministack also takes `test` and any twelve digits for root's key, unsigned and unchecked, so that
code which lost its role's credentials would pass every check.
"""

import os

from ministack.core import iam_evaluator


def _is_root(access_key_id: str) -> bool:
    # Without a key at all ministack means itself; requests without one are refused before.
    return not access_key_id or access_key_id == os.environ["AWS_ACCESS_KEY_ID"]


def fill() -> None:
    """Leaves the key made for this run."""
    iam_evaluator.is_root_access_key = _is_root
