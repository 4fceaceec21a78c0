"""An oracle apart from the simulator: every file a player would fetch for an HLS playlist or a DASH manifest."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

PLAYLISTS = frozenset({".m3u8", ".mpd"})
_MPD = "{urn:mpeg:dash:schema:mpd:2011}"
_SECONDS = re.compile(r"PT(?:(?P<h>[\d.]+)H)?(?:(?P<m>[\d.]+)M)?(?:(?P<s>[\d.]+)S)?")


def references(file: Path) -> list[str]:
    """The relative paths a playlist names; none of a file that is not a playlist."""
    if file.suffix not in PLAYLISTS:
        return []
    text = file.read_text()
    found = _in_hls(text) if file.suffix == ".m3u8" else _in_dash(ElementTree.fromstring(text))
    return [unquote(uri) for uri in found]


def _in_hls(text: str) -> Iterator[str]:
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            yield from re.findall(r'URI="([^"]+)"', line)
        else:
            yield line


def _in_dash(mpd: ElementTree.Element) -> Iterator[str]:
    for adaptation_set in mpd.iter(f"{_MPD}AdaptationSet"):
        for representation in adaptation_set.iter(f"{_MPD}Representation"):
            templates = [
                found for parent in (adaptation_set, representation) if (found := _template(parent)) is not None
            ]
            if templates:
                yield from _segments(mpd, representation, templates)
            else:
                yield from (url.text or "" for url in representation.iter(f"{_MPD}BaseURL"))


def _template(parent: ElementTree.Element) -> ElementTree.Element | None:
    return parent.find(f"{_MPD}SegmentTemplate")


def _segments(
    mpd: ElementTree.Element, representation: ElementTree.Element, templates: list[ElementTree.Element]
) -> Iterator[str]:
    """A Representation's template completes that of its AdaptationSet."""
    settings = {name: value for template in templates for name, value in template.attrib.items()}
    timelines = [found for template in templates if (found := template.find(f"{_MPD}SegmentTimeline")) is not None]
    values = {"RepresentationID": representation.get("id"), "Bandwidth": int(representation.get("bandwidth", 0))}
    if "initialization" in settings:
        yield _filled(settings["initialization"], values)
    if timelines:
        starts = list(_starts(timelines[-1]))
    else:
        length = int(settings["duration"]) / int(settings.get("timescale", 1))
        starts = [0] * math.ceil(_seconds(mpd.get("mediaPresentationDuration", "")) / length)
    for number, start in enumerate(starts, int(settings.get("startNumber", 1))):
        yield _filled(settings["media"], {**values, "Number": number, "Time": start})


def _starts(timeline: ElementTree.Element) -> Iterator[int]:
    start = 0
    for run in timeline:
        start = int(run.get("t", start))
        for _ in range(int(run.get("r", 0)) + 1):
            yield start
            start += int(run.attrib["d"])


def _seconds(duration: str) -> float:
    found = _SECONDS.fullmatch(duration)
    hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    return hours * 3600 + minutes * 60 + seconds


def _filled(template: str, values: dict) -> str:
    def value(found: re.Match[str]) -> str:
        return (found["format"] or "%s") % values[found["name"]]

    return re.sub(r"\$(?P<name>\w+)(?P<format>%\d+d)?\$", value, template)
