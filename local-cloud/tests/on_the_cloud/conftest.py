"""The local cloud that `make test-e2e` starts, and the deployed stack's host application."""

from pathlib import Path

import pytest
from local_cloud.harness.description import Description
from local_cloud.host_app import HostApp
from local_cloud.media.files import make_clip

# They change the stack: whoever needs it whole goes first, and nothing is left after the last.
_LAST = ("test_permissions", "test_lifecycle")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what changes the stack at the end."""
    items.sort(key=lambda item: _LAST.index(item.path.stem) if item.path.stem in _LAST else -1)


@pytest.fixture(scope="session")
def cloud() -> Description:
    """The cloud this run was started on."""
    return Description.here()


@pytest.fixture(scope="session")
def host_app(cloud: Description) -> HostApp:
    """With the stack's HostAppPolicy and nothing more."""
    return HostApp(cloud)


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of sound."""
    path = tmp_path_factory.mktemp("tone") / "tone.m4a"
    make_clip(path, 2, size=None)
    return path
