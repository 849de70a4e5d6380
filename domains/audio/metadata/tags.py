"""Tags, pictures and chapters by FFmpeg: read from any kind of file, and written into those that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from ....core.errors import MediaError
from ...containers.opening import open_container
from .labels import FRONT_COVER, Chapter, Labels, Picture

_PICTURES = ("Other", "32x32 pixels 'file icon'", "Other file icon", "Cover (front)", "Cover (back)", "Leaflet page",
             "Media (e.g. label side of CD)", "Lead artist/lead performer/soloist", "Artist/performer", "Conductor",
             "Band/Orchestra", "Composer", "Lyricist/text writer", "Recording Location", "During recording",
             "During performance", "Movie/video screen capture", "A bright coloured fish", "Illustration",
             "Band/artist logotype", "Publisher/Studio logotype")  # fmt: skip
"""Kinds of pictures, numbered as ID3 and FLAC number them, in FFmpeg's words."""
_MIME = {"mjpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "bmp": "image/bmp",
         "tiff": "image/tiff"}  # fmt: skip
_OF_THE_FILE = re.compile(
    r"encoder|duration|bps|number_of_|_statistics|major_brand|minor_version|compatible_brands|handler_name|vendor_id|"
    r"encoding params|encoding_params|gapless_playback|itunnorm|itunsmpb|pgap|tlen|tsse|encoding_tool|"
    r"waveformatextensible_channel_mask|id3v2_priv|metadata_block_picture|chapter\d",
    re.IGNORECASE,
)
"""Tags that describe how the input is stored, or that other parts of `Labels` hold."""


def labels_of(path: Path) -> Labels:
    """Tags and pictures of a file; none if FFmpeg does not know its kind."""
    try:
        container = open_container(path, "sound")
    except MediaError:
        return Labels()
    with container:
        tags: dict[str, str] = {}
        sources: tuple[Any, ...] = (*container.streams.audio[:1], container)
        for source in sources:
            tags |= {_name_of(name): value for name, value in source.metadata.items() if _belongs(name, value)}
        return Labels(tags, tuple(_pictures(container)), tuple(_chapters(container)))


def _name_of(name: str) -> str:
    """FFmpeg adds the language to the name of ID3's lyrics."""
    small = name.lower()
    return "lyrics" if small.startswith("lyrics-") else small


def _belongs(name: str, value: str) -> bool:
    return bool(value.strip()) and not _OF_THE_FILE.match(name) and (name, value) != ("language", "und")


def _pictures(container: Any) -> Iterator[Picture]:
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic or stream.codec_context is None:
            continue
        mime = _MIME.get(stream.codec_context.name)
        packet = next((packet for packet in container.demux(stream) if packet.size), None)
        if mime is None or packet is None:
            continue
        said = stream.metadata.get("comment", "")
        kind = _PICTURES.index(said) if said in _PICTURES else FRONT_COVER
        size = stream.codec_context.width, stream.codec_context.height
        yield Picture(mime, bytes(packet), kind, stream.metadata.get("title", ""), *size)


def _chapters(container: Any) -> Iterator[Chapter]:
    for chapter in container.chapters():
        base = Fraction(chapter["time_base"])
        start, end = chapter["start"] * base, chapter["end"] * base
        yield Chapter(start, max(start, end), chapter["metadata"].get("title", ""))


# -- into files that FFmpeg writes ------------------------------------------------------------------
class Attached:
    """Labels on their way into a file that FFmpeg writes: given before its header, pictures follow right after it."""

    def __init__(self, labels: Labels, container: Any) -> None:
        self._container = container
        self._waiting: list[tuple[Any, Picture]] = []
        container.metadata.update(labels.tags)
        if labels.chapters:
            container.set_chapters([_as_ffmpeg(number, each) for number, each in enumerate(labels.chapters)])
        for number, picture in enumerate(labels.pictures):
            if container.format.name == "matroska":
                ending = picture.mime.partition("/")[2]
                container.add_attachment(f"cover{number or ''}.{ending}", picture.mime, picture.data)
            elif container.format.name in ("mp4", "mov"):
                self._add(picture)

    def _add(self, picture: Picture) -> None:
        codec = {mime: name for name, mime in _MIME.items()}[picture.mime]
        if codec not in ("mjpeg", "png", "bmp"):
            return  # no others in MP4
        stream = self._container.add_mux_stream(codec, width=picture.width, height=picture.height)
        stream.disposition = Disposition.attached_pic
        self._waiting.append((stream, picture))

    def after_header(self) -> None:
        """Write the pictures."""
        for stream, picture in self._waiting:
            packet = av.Packet(picture.data)
            packet.stream, packet.pts, packet.dts = stream, 0, 0
            packet.time_base, packet.is_keyframe = Fraction(1, 90_000), True
            self._container.mux(packet)
        self._waiting.clear()


def _as_ffmpeg(number: int, chapter: Chapter) -> dict[str, Any]:
    base = Fraction(1, 1000)
    return {
        "id": number,
        "start": round(chapter.start / base),
        "end": round(chapter.end / base),
        "time_base": base,
        "metadata": {"title": chapter.title},
    }
