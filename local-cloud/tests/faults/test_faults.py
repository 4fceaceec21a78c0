"""The fault matrix of job-events, which is written in Rust, between a local AWS and the proxy that breaks it."""

import subprocess

import pytest
from local_cloud.harness.cloud import new_logs
from local_cloud.harness.faults import measured
from local_cloud.harness.processes import BrokenError


def test_a_fault_is_answered_in_time_and_a_redelivery_cures_it(capfd: pytest.CaptureFixture[str]) -> None:
    logs = new_logs()
    # It takes minutes, so it shows how far it is.
    with capfd.disabled():
        try:
            table = measured(logs)
        except BrokenError as broken:
            pytest.fail(f"{broken}; its whole log: {broken.log}\n{broken.last_lines()}", pytrace=False)
        except subprocess.CalledProcessError as failed:
            pytest.fail(f"{failed}; logs of every part: {logs}", pytrace=False)
        print(table)
