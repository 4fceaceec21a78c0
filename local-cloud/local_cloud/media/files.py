"""What the demo knows about media files: making one, probing one, decoding one."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..harness.tools import ffmpeg, ffprobe


class NotMediaError(Exception):
    """The file cannot be read as media."""


@dataclass(frozen=True)
class Media:
    """What ffprobe says of one file. The size is the one a viewer sees, rotation applied."""

    containers: frozenset[str]
    video: str | None
    audio: str | None
    stored_size: tuple[int, int] | None
    rotation: int
    seconds: float

    def container(self, wanted: str) -> str:
        """The wanted container if the file is one; ffprobe names all that share a format."""
        return wanted if wanted in self.containers else ",".join(sorted(self.containers))

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height as seen."""
        if self.stored_size and self.rotation % 180:
            return self.stored_size[1], self.stored_size[0]
        return self.stored_size


def make_clip(
    path: Path,
    seconds: int = 10,
    *,
    size: tuple[int, int] | None = (640, 360),
    rate: int = 30,
    sound: bool = True,
    rotation: int = 0,
) -> None:
    """Writes a test picture with a moving clock, if it has a size, and a tone.

    `rotation` is what a phone held upright writes: how many degrees counterclockwise a player turns the picture.
    """
    command = [ffmpeg(), "-v", "error", "-y"]
    if size:
        command += ["-f", "lavfi", "-i", f"testsrc2=size={size[0]}x{size[1]}:rate={rate}:duration={seconds}"]
    if sound:
        command += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}", "-c:a", "aac"]
    if size:
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    subprocess.run([*command, str(path)], check=True)
    if rotation:
        # ffmpeg writes the rotation when it copies, and applies it when it encodes.
        upright = path.rename(path.with_stem(f"{path.stem}-stored"))
        turn = [ffmpeg(), "-v", "error", "-display_rotation", str(rotation), "-i", str(upright)]
        subprocess.run([*turn, "-c", "copy", str(path)], check=True)
        upright.unlink()


def probe(source: str) -> Media:
    """Reads a file's streams."""
    command = [ffprobe(), "-v", "error", "-show_format", "-show_streams", "-of", "json", *_opening(source)]
    probed = subprocess.run(command, capture_output=True, text=True)
    if probed.returncode:
        raise NotMediaError(probed.stderr.strip() or f"{source} is not media")
    found = json.loads(probed.stdout)
    video = _first(found, "video")
    audio = _first(found, "audio")
    return Media(
        containers=frozenset(found["format"]["format_name"].split(",")),
        video=video.get("codec_name"),
        audio=audio.get("codec_name"),
        stored_size=(video["width"], video["height"]) if video else None,
        rotation=next((int(side["rotation"]) for side in video.get("side_data_list", []) if "rotation" in side), 0),
        seconds=float(found["format"].get("duration", 0)),
    )


def _opening(source: str) -> list[str]:
    """The input with what it takes to open it: segments may be named as MediaConvert does."""
    options = {".m3u8": ["-allowed_extensions", "ALL", "-extension_picky", "0"], ".mpd": ["-allowed_extensions", "ALL"]}
    return [*options.get(Path(source).suffix, []), "-i", source]


def _first(found: dict, kind: str) -> dict:
    return next((stream for stream in found["streams"] if stream.get("codec_type") == kind), {})


def decode(path: Path) -> str:
    """Decodes a file from end to end, all renditions of a playlist; answers what went wrong, or nothing."""
    command = [ffmpeg(), "-v", "error", "-xerror", *_opening(str(path)), "-map", "0", "-f", "null", "-"]
    decoded = subprocess.run(command, capture_output=True, text=True)
    return decoded.stderr.strip() or ("" if decoded.returncode == 0 else f"ffmpeg ended with {decoded.returncode}")
