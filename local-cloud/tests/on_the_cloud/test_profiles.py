"""Every profile, on every kind of input: what comes out is what the profile's file promises."""

from pathlib import Path

import pytest
from local_cloud.host_app import HostApp
from local_cloud.media.files import make_clip, probe
from local_cloud.media.promises import check, profiles, promise_of

# Few frames a second keep the encoders' work small; more than one segment's length does not.
_SOURCES = {
    "landscape.mp4": {"seconds": 8, "size": (1280, 720), "rate": 10},
    "rotated-and-silent.mov": {"seconds": 2, "size": (960, 540), "rate": 10, "sound": False, "rotation": -90},
    "sound.m4a": {"seconds": 2, "size": None},
}
_PATIENCE_SECONDS = 600

Jobs = dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind."""
    folder = tmp_path_factory.mktemp("sources")
    for name, recipe in _SOURCES.items():
        make_clip(folder / name, **recipe)
    return {name: folder / name for name in _SOURCES}


@pytest.fixture(scope="module")
def jobs(host_app: HostApp, sources: dict[str, Path]) -> Jobs:
    """A job of each profile on each source, all submitted before the first is waited for."""
    uploaded = {name: host_app.upload(path) for name, path in sources.items()}
    return {
        (profile, source): host_app.submit({"input": uri, "profile": profile})["jobId"]
        for source, uri in uploaded.items()
        for profile in profiles()
    }


@pytest.mark.parametrize("source", _SOURCES)
@pytest.mark.parametrize("profile", profiles())
def test_a_profile_keeps_its_promise(
    profile: str, source: str, host_app: HostApp, jobs: Jobs, sources: dict[str, Path], tmp_path: Path
) -> None:
    row = host_app.finished(jobs[profile, source], _PATIENCE_SECONDS)
    assert row["status"] == "COMPLETE", (row.get("errorCode"), row.get("errorMessage"))
    check(promise_of(profile), row, host_app.download(row, tmp_path), tmp_path, probe(str(sources[source])))
