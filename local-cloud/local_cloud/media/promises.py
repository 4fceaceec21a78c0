"""An oracle apart from the simulator: what a profile promises, read from its own file, and whether a job kept it.

It shares no line with what makes the outputs, so that one mistake can't hide in both.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..harness.tools import ROOT
from .files import Media, NotMediaError, decode, probe
from .playlists import references

_FOLDER = ROOT / "profiles"
# ffprobe's names and the usual extensions, where they are not MediaConvert's in lower case.
_CODECS = {"H_264": "h264", "H_265": "hevc", "FRAME_CAPTURE": "mjpeg"}
_CONTAINERS = {"M3U8": "hls", "CMFC": "hls"}
_EXTENSIONS = {"M3U8": "m3u8", "CMFC": "m3u8", "FRAME_CAPTURE": "jpg"}

Size = tuple[int, int]
# What MediaConvert shows where an output wants video and the input has none.
_BLACK: Size = (540, 360)


class BrokenPromiseError(Exception):
    """The outputs are not what the profile promises."""


@dataclass(frozen=True)
class Rendition:
    """One output of a profile."""

    modifier: str
    container: str
    video: dict[str, Any] | None
    audio: str | None

    @property
    def codec(self) -> str | None:
        """MediaConvert's name of its video codec."""
        return self.video and self.video["CodecSettings"]["Codec"]

    @property
    def is_capture(self) -> bool:
        """Whether it is stills, and not a stream."""
        return self.codec == "FRAME_CAPTURE"

    @property
    def extension(self) -> str:
        """Of its file, or of its playlist."""
        kind = self.codec if self.is_capture else self.container
        return _EXTENSIONS.get(kind, kind.lower())

    def size(self, source: Size) -> Size:
        """What becomes of an upright source of that size."""
        width, height = self.video.get("Width"), self.video.get("Height")
        if self.video.get("ScalingBehavior") == "FIT_NO_UPSCALE":
            shrink = min(1, (width or source[0]) / source[0], (height or source[1]) / source[1])
            return round(source[0] * shrink), round(source[1] * shrink)
        return width or source[0], height or source[1]


@dataclass(frozen=True)
class Group:
    """One output group of a profile."""

    type: str
    settings: dict[str, Any]
    renditions: list[Rendition]
    max_renditions: int | None

    def manifests(self, base: str) -> list[str]:
        """The names of the manifests that list its renditions."""
        dash = self.type == "CMAF_GROUP_SETTINGS" and self.settings["WriteDashManifest"] == "ENABLED"
        return [] if self.type == "FILE_GROUP_SETTINGS" else [f"{base}.m3u8", *([f"{base}.mpd"] if dash else [])]


@dataclass(frozen=True)
class Promise:
    """What a profile makes of a video."""

    groups: list[Group]
    upright: bool


def profiles() -> list[str]:
    """All profiles' names."""
    return sorted(file.stem for file in _FOLDER.glob("*.json"))


def promise_of(profile: str) -> Promise:
    """Reads the profile's file, a console export or the bare settings."""
    export = json.loads((_FOLDER / f"{profile}.json").read_text())
    settings = export.get("Settings", export)
    rotate = settings["Inputs"][0].get("VideoSelector", {}).get("Rotate")
    return Promise([_group(group) for group in settings["OutputGroups"]], upright=rotate == "AUTO")


def _group(group: dict[str, Any]) -> Group:
    settings = dict(group["OutputGroupSettings"])
    group_type = settings.pop("Type")
    [settings] = settings.values()
    automated = group.get("AutomatedEncodingSettings", {}).get("AbrSettings")
    return Group(
        group_type,
        settings,
        [_rendition(output) for output in group["Outputs"]],
        automated and automated.get("MaxRenditions", 15),
    )


def _rendition(output: dict[str, Any]) -> Rendition:
    audio = output.get("AudioDescriptions")
    return Rendition(
        output.get("NameModifier", ""),
        output["ContainerSettings"]["Container"],
        output.get("VideoDescription"),
        audio[0]["CodecSettings"]["Codec"] if audio else None,
    )


def check(promise: Promise, row: dict[str, Any], files: list[Path], folder: Path, source: Media | None) -> None:
    """Raises if a file is missing, or is not what the profile's settings make of the source."""
    base = row["input"].rpartition("/")[2].rpartition(".")[0]
    check = _Check(promise, {str(file.relative_to(folder)): file for file in files}, base, source)
    for group in promise.groups:
        check.group(group)
    check.row(row)
    if check.problems:
        raise BrokenPromiseError("the outputs are not what the profile promises:\n  " + "\n  ".join(check.problems))


class _Check:
    def __init__(self, promise: Promise, files: dict[str, Path], base: str, source: Media | None) -> None:
        self.problems: list[str] = []
        self._files = files
        self._base = base
        self._source = source
        size = source and (source.size if promise.upright else source.stored_size)
        self._source_size = size or (source and _BLACK)
        self._sizes: list[Size] = []

    def group(self, group: Group) -> None:
        """Every manifest and every rendition of a group."""
        for name in group.manifests(self._base):
            if file := self._file(name):
                self._dash(file) if file.suffix == ".mpd" else self._playable(file)
        named = self._named_by_manifest(group)
        for rendition in group.renditions:
            if rendition.video and group.max_renditions:
                self._automated(rendition, group, named or [])
            else:
                name = f"{self._base}{rendition.modifier}.{rendition.extension}"
                name = self._last_capture(name) if rendition.is_capture else name
                if named is not None and name not in named:
                    self.problems.append(f"{self._base}.m3u8 does not name {name}")
                if file := self._file(name):
                    self._rendition(file, rendition)

    def row(self, row: dict[str, Any]) -> None:
        """The row tells the sizes that the files have."""
        told = sorted((output["width"], output["height"]) for output in row["outputs"] if "width" in output)
        if told != sorted(self._sizes):
            self.problems.append(f"the row tells the sizes {told}, the files have {sorted(self._sizes)}")

    def _named_by_manifest(self, group: Group) -> list[str] | None:
        playlist = self._files.get(f"{self._base}.m3u8")
        return references(playlist) if playlist and group.manifests(self._base) else None

    def _automated(self, rendition: Rendition, group: Group, named: list[str]) -> None:
        """MediaConvert chooses the renditions: some, not too many, and none larger than the source."""
        others = {f"{self._base}{other.modifier}.m3u8" for other in group.renditions if not other.video}
        chosen = set(named) - others
        if not 1 <= len(chosen) <= group.max_renditions:
            self.problems.append(f"automated ABR made {len(chosen)} renditions, not 1 to {group.max_renditions}")
        for name in chosen:
            if file := self._file(name):
                self._rendition(file, rendition, size_is_chosen=True)

    def _last_capture(self, name: str) -> str:
        """The one that the row names: captures carry their number, of seven digits."""
        stem, _, extension = name.rpartition(".")
        numbered = re.compile(rf"{re.escape(stem)}\.\d{{7}}\.{extension}")
        return next(filter(numbered.fullmatch, self._files), name)

    def _file(self, name: str) -> Path | None:
        if name not in self._files:
            self.problems.append(f"{name} is missing")
        return self._files.get(name)

    def _dash(self, file: Path) -> None:
        """A DASH manifest opens and names the segments of the HLS playlists, which are decoded there.

        ffmpeg's DASH demuxer plays a single segment that fits into its buffer twice.
        """
        self._opened(file)
        playlists = [self._files[name] for name in self._files if name.endswith(".m3u8")]
        segments = {name for playlist in playlists for name in references(playlist)} - {file.name for file in playlists}
        if set(references(file)) != segments:
            self.problems.append(f"{file.name} names other segments than the HLS playlists")

    def _opened(self, file: Path) -> Media | None:
        try:
            return probe(str(file))
        except NotMediaError as error:
            self.problems.append(f"{file.name}: not playable: {error}")
            return None

    def _playable(self, file: Path) -> Media | None:
        found = self._opened(file)
        if not found:
            return None
        if broken := decode(file):
            self.problems.append(f"{file.name}: does not decode: {broken}")
        return found

    def _rendition(self, file: Path, rendition: Rendition, *, size_is_chosen: bool = False) -> None:
        if not (found := self._playable(file)):
            return
        if found.size:
            self._sizes.append(found.size)
        self.problems += [f"{file.name}: {problem}" for problem in self._differences(found, rendition, size_is_chosen)]

    def _differences(self, found: Media, rendition: Rendition, size_is_chosen: bool) -> Iterator[str]:
        expected = {
            "video codec": (_ffprobe_name(rendition.codec), found.video),
            # An input without sound gives silence.
            "audio codec": (_ffprobe_name(rendition.audio), found.audio),
        }
        if not rendition.is_capture:
            container = _CONTAINERS.get(rendition.container, rendition.container.lower())
            expected["container"] = (container, found.container(container))
        if self._source and not rendition.is_capture:
            expected["difference in seconds"] = (0, round(found.seconds - self._source.seconds))
        for name, (should, is_) in expected.items():
            if should != is_:
                yield f"{name} is {is_} instead of {should}"
        if self._source_size and rendition.video:
            largest = self._source_size if size_is_chosen else rendition.size(self._source_size)
            if not (_smaller(found.size, largest) if size_is_chosen else _alike(found.size, largest)):
                yield f"size is {found.size} instead of {'at most ' if size_is_chosen else ''}{largest}"


def _ffprobe_name(codec: str | None) -> str | None:
    return codec and _CODECS.get(codec, codec.lower())


def _alike(found: Size | None, expected: Size) -> bool:
    """Sizes are even, for the codecs store pairs of pixels; which way they are rounded is the encoder's business."""
    return found is not None and all(abs(is_ - should) < 2 for is_, should in zip(found, expected, strict=True))


def _smaller(found: Size | None, largest: Size) -> bool:
    """Not larger, and of the same shape."""
    if found is None or found[0] > largest[0] or found[1] > largest[1]:
        return False
    return _alike(found, (found[0], round(found[0] * largest[1] / largest[0])))
