"""What a file is by its name alone, without the libraries that read it."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path

from unpaired.apps.web.facts import Kind
from unpaired.apps.web.forms import MEDIA
from unpaired.domains.video import CONTAINERS

_FURTHER: Mapping[str, str] = {
    **dict.fromkeys((*CONTAINERS, ".3g2", ".mxf", ".rm", ".vob"), "video"),
    **dict.fromkeys((".flac", ".opus", ".m4a", ".ogg", ".aif", ".aiff", ".ape", ".wma"), "audio"),
    **dict.fromkeys((".webp", ".avif", ".heic", ".exr", ".tif", ".tiff", ".dng"), "image"),
}
"""Endings that not every system knows, or that it takes for those of recordings."""
_KINDS: Mapping[str, Kind] = {"image": "picture", "video": "clip", "audio": "sound"}


def medium_of(path: Path) -> str:
    """The medium that a file is of, by its name; empty where that tells nothing."""
    known = _FURTHER.get(path.suffix.lower())
    if known is None:
        kind = mimetypes.guess_type(path.name)[0] or ""
        known = "" if kind.startswith("image/svg") else kind.partition("/")[0]
    return known if known in MEDIA else ""


def kind_by_name(name: str) -> Kind:
    """The same, as the page speaks of a file."""
    return _KINDS.get(medium_of(Path(name)), "unknown")
