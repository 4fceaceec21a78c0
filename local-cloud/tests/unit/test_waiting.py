"""Waiting ends with the first true answer, or tells the last one."""

import pytest
from local_cloud.harness.waiting import wait_for


def test_the_first_true_answer_ends_it() -> None:
    answers = iter([None, [], "yes", "too late"])
    assert wait_for("an answer", lambda: next(answers), seconds=5, pause=0) == "yes"


def test_out_of_time_the_last_answer_is_told() -> None:
    with pytest.raises(TimeoutError, match=r"an answer: not within 0 s, but \[\]"):
        wait_for("an answer", list, seconds=0)
