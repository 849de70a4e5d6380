"""Options that mean nothing for what is written: said and not refused, since in a folder other files may take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from ...core.adapter.streams import Reader
from ..image import PictureReader, PixelConversion
from .settings import VideoConversion

_ENCODING = ("codec", "crf", "preset", "profile", "chroma", "immediate")


def noted(picture: Reader, options: VideoConversion) -> Reader:
    """A single picture that was opened, with a note on what it has no use for."""
    shared = {field.name for field in fields(PixelConversion)}
    assert isinstance(picture, PictureReader)
    picture.notes.extend(_aside(options, "footage", (each.name for each in fields(options) if each.name not in shared)))
    return picture


def unused(options: VideoConversion, from_pictures: bool, from_clip: bool, to_pictures: bool) -> Iterator[str]:
    """What footage has no use for, by whether it comes from numbered pictures or a clip (else an animation), and
    whether it becomes numbered pictures: one sentence each."""
    if to_pictures:
        yield from _aside(options, "clips", _ENCODING)
    if from_pictures or not to_pictures:
        yield from _aside(options, "clips that become numbered pictures", ["first_number"])
    if not from_pictures:
        yield from _aside(options, "numbered pictures", ["missing"] if from_clip else ["missing", "rate"])
    if not from_clip:
        yield from _aside(options, "HDR clips", ["sdr"])


def _aside(options: VideoConversion, what: str, names: Iterable[str]) -> Iterator[str]:
    usual = VideoConversion()
    given = [name.replace("_", " ") for name in names if getattr(options, name) != getattr(usual, name)]
    if given:
        listed = " and ".join([", ".join(given[:-1]), given[-1]] if len(given) > 1 else given)
        yield f"{listed} {'are' if len(given) > 1 else 'is'} for {what}, and left aside here"
