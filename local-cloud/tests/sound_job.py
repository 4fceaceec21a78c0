"""The smallest job there is: sound alone, as AAC in an MP4."""

from typing import Any


def settings(file: str, destination: str) -> dict[str, Any]:
    """CreateJob's `Settings` of it."""
    audio = {"Codec": "AAC", "AacSettings": {"Bitrate": 96000, "CodingMode": "CODING_MODE_2_0", "SampleRate": 48000}}
    output = {"ContainerSettings": {"Container": "MP4"}, "AudioDescriptions": [{"CodecSettings": audio}]}
    group = {"Type": "FILE_GROUP_SETTINGS", "FileGroupSettings": {"Destination": destination}}
    return {"Inputs": [{"FileInput": file}], "OutputGroups": [{"OutputGroupSettings": group, "Outputs": [output]}]}
