"""The closing line of `make test`: no broken suite leaves it at `0 failed`."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from local_cloud.suites import without_ignored_errors

_SUITES = f"{sys.executable} -m local_cloud.suites"
_CARGO = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s"
_CARGO_BEGINS = "running 2 tests"
_CARGO_RED = "test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs targets that each have one command, as `make test` does."""

    def run(**commands: str) -> subprocess.CompletedProcess[str]:
        rules = "".join(f"{target}:\n\t@{command}\n" for target, command in commands.items())
        (tmp_path / "Makefile").write_text(f".PHONY: {' '.join(commands)}\n{rules}")
        variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "TEST_LEDGER"))}
        variables["PYTHONPATH"] = str(Path(__file__).parents[2])
        command = [*_SUITES.split(), "run", *commands]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)

    return run


def _cargo(script: str) -> str:
    return f"{_SUITES} count cargo sh -c '{script}'"


def _pytest(tests: Path, text: str) -> str:
    tests.write_text(text)
    return f"{_SUITES} count pytest {sys.executable} -m pytest -q {tests}"


def _closing_line(ran: subprocess.CompletedProcess[str]) -> str:
    return ran.stdout.splitlines()[-1]


def test_adds_up_what_the_runners_report(run: Run, tmp_path: Path) -> None:
    tests = "import pytest\ndef test_one(): pass\n@pytest.mark.skip\ndef test_two(): pass\n"
    ran = run(
        rust=_cargo(f"echo {_CARGO!r}; echo {_CARGO!r}".replace("'", '"')),
        python=_pytest(tmp_path / "test_a.py", tests),
    )
    assert _closing_line(ran) == "5 passed, 0 failed, 1 skipped"
    assert ran.returncode == 0


def test_a_red_suite_hides_none_of_the_others(run: Run, tmp_path: Path) -> None:
    tests = "def test_one(): assert False\ndef test_two(): pass\n"
    ran = run(
        first=_cargo(f'echo "{_CARGO_RED}"; exit 101'),
        second=_pytest(tmp_path / "test_a.py", tests),
        third=_cargo(f'echo "{_CARGO}"'),
    )
    assert _closing_line(ran) == "4 passed, 2 failed, 1 skipped"
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("script", "closing_line", "because"),
    [
        (f'echo "{_CARGO}"; exit 1', "2 passed, 1 failed", "ended with status 1 without a failed test"),
        ('echo "2 passed, 0 failed"; exit 1', "0 passed, 1 failed", "ended with status 1 without a failed test"),
        (f'echo "{_CARGO}"; kill -9 $$$$', "2 passed, 1 failed", "was killed by signal 9 without a failed test"),
        ("exit 101", "0 passed, 1 failed", "ended with status 101 without a failed test"),
        ("true", "0 passed, 1 failed", "ran no test"),
        (
            f'echo "{_CARGO_BEGINS}"; echo "{_CARGO}"; echo "{_CARGO_BEGINS}"',
            "2 passed, 1 failed",
            "1 of its programs ended without a result",
        ),
        (f'echo "{_CARGO_RED}"', "1 passed, 1 failed, 1 skipped", ""),
    ],
    ids=[
        "all passed and status 1",
        "own words and status 1",
        "killed",
        "did not build",
        "nothing",
        "one ends itself with status 0",
        "failed and status 0",
    ],
)
def test_a_broken_runner_counts_as_failed(run: Run, script: str, closing_line: str, because: str) -> None:
    ran = run(suite=_cargo(script))
    assert _closing_line(ran) == closing_line
    assert because in ran.stdout
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("tests", "closing_line"),
    [
        ("import os\ndef test_one(): os._exit(0)\n", "0 passed, 1 failed"),
        ("import nothing_of_this_name\n", "0 passed, 1 failed"),
        ("", "0 passed, 1 failed"),
        ("import pytest\n@pytest.fixture\ndef f(): yield; assert 0\ndef test_one(f): pass\n", "0 passed, 1 failed"),
        ("def test_one(): pass\ndef test_two(): import os; os.kill(os.getpid(), 9)\n", "0 passed, 1 failed"),
    ],
    ids=["ends itself with status 0", "does not import", "empty", "breaks while tidying up", "killed"],
)
def test_a_broken_pytest_counts_as_failed(run: Run, tmp_path: Path, tests: str, closing_line: str) -> None:
    ran = run(suite=_pytest(tmp_path / "test_a.py", tests))
    assert _closing_line(ran) == closing_line
    assert ran.returncode == 1


def test_a_target_that_breaks_beside_its_runners_counts_as_failed(run: Run) -> None:
    ran = run(suite=_cargo(f'echo "{_CARGO}"') + "; exit 3")
    assert _closing_line(ran) == "2 passed, 1 failed"
    assert "make suite ended with status 2 without a failed test: counted as one failed" in ran.stdout


def test_a_target_without_a_runner_is_one_test(run: Run) -> None:
    green = run(lint="true", suite=_cargo(f'echo "{_CARGO}"'))
    assert (_closing_line(green), green.returncode) == ("3 passed, 0 failed", 0)
    red = run(lint="false", suite=_cargo(f'echo "{_CARGO}"'))
    assert (_closing_line(red), red.returncode) == ("2 passed, 1 failed", 1)


@pytest.mark.parametrize(
    ("of_the_whole", "of_a_part"), [("i", ""), ("ik", "k"), ("ik -- IGNORED=i", "k -- IGNORED=i"), ("", "")]
)
def test_errors_that_the_whole_ignores_count_all_the_same(
    of_the_whole: str, of_a_part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKEFLAGS", of_the_whole)
    assert without_ignored_errors()["MAKEFLAGS"] == of_a_part


def test_suites_within_a_suite_are_counted_once(run: Run) -> None:
    ran = run(outer=f"{_SUITES} run inner broken", inner=_cargo(f'echo "{_CARGO}"'), broken="kill -9 $$$$")
    assert _closing_line(ran) == "4 passed, 2 failed"


def test_only_what_was_skipped_is_no_success(run: Run, tmp_path: Path) -> None:
    tests = "import pytest\n@pytest.mark.skip\ndef test_one(): pass\n"
    ran = run(suite=_pytest(tmp_path / "test_a.py", tests))
    assert (_closing_line(ran), ran.returncode) == ("0 passed, 0 failed, 1 skipped", 1)
