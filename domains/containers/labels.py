"""Labels of a file and its tracks: titles, languages, chapters, and those that a container does not support."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import av

from .kinds import Container

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

# Statistics and leftovers of the writer of the input: they would be wrong, or the new writer adds its own.
_STALE_TAGS = ("encoder", "duration", "bps", "number_of_", "_statistics", "major_brand", "minor_version",
               "compatible_brands", "rotate", "alpha_mode")  # fmt: skip
_OF_WRITERS = ("language", "handler_name", "vendor_id", "creation_time", "timecode")
_HANDLERS = ("VideoHandler", "SoundHandler", "SubtitleHandler", "DataHandler")
# FFmpeg writes the language of a QuickTime track as a number, and finds it by these codes of ISO 639-2 alone.
_QUICKTIME_LANGUAGES = {
    "sqi": "alb", "hye": "arm", "eus": "baq", "mya": "bur", "zho": "chi", "cze": "ces", "nld": "dut", "fre": "fra",
    "kat": "geo", "deu": "ger", "ell": "gre", "isl": "ice", "mkd": "mac", "msa": "may", "fas": "per", "rum": "ron",
    "slo": "slk", "swe": "sve", "cym": "wel", "bod": "tib",
}  # fmt: skip


def content_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Metadata without what describes the input file rather than its content."""
    return {name: value for name, value in tags.items() if not name.lower().startswith(_STALE_TAGS)}


def label(target: Any, source: Any) -> None:
    """Give a new track what is written on the one it comes from, or stands for."""
    tags = content_tags(source.metadata)
    family = target.container.format.name
    nameless = tags.get("handler_name", _HANDLERS[0]) in _HANDLERS
    if family in ("mp4", "mov", "3gp") and nameless and "title" in tags:
        tags["handler_name"] = tags["title"]  # the only name that a track has there
    if family == "mov" and (language := tags.get("language")) is not None:
        tags["language"] = _QUICKTIME_LANGUAGES.get(language, language)
    target.metadata.update(tags)
    target.disposition = source.disposition


def attach_cover(container: OutputContainer, source: Any) -> bool:
    """Put a picture that belongs to the whole into a Matroska file, where it is no track but an attachment.

    Returns:
        Whether it could be had: it has to be read before the tracks are, from a file of its own.
    """
    form = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}.get(source.codec_context.name)
    name = source.container.name
    if form is None or not name.startswith("file:"):
        return False
    with av.open(name, format=source.container.format.name.split(",")[0], metadata_errors="ignore") as again:
        data = next((bytes(packet) for packet in again.demux(again.streams[source.index]) if packet.size), b"")
    if data:
        container.add_attachment(source.metadata.get("filename", form[0]), form[1], data)
    return bool(data)


def lost(kind: Container, source: InputContainer, tracks: Iterable[Any]) -> str | None:
    """Labels of a file and its kept tracks that a kind of container does not support."""
    tracks = list(tracks)
    found = []
    if "chapters" not in kind.keeps and source.chapters():
        found.append("chapters")
    if "tags" not in kind.keeps and any(_tell(source.metadata)):
        found.append("tags")
    if "languages" not in kind.keeps and any(t.metadata.get("language", "und") != "und" for t in tracks):
        found.append("languages of tracks")
    if "titles" not in kind.keeps and any(t.metadata.get("title") for t in tracks):
        found.append("titles of tracks")
    return f"{kind.name} files have no room for {' and '.join(found)}: left out" if found else None


def _tell(tags: Mapping[str, str]) -> Iterable[str]:
    return (name for name in content_tags(tags) if not name.lower().startswith(_OF_WRITERS))
