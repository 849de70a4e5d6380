"""Video: clips, folders of frames, and pictures among them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domain import Video
    from .frames.side_data import take_attachments
    from .settings import VideoConversion, VideoSettings

__all__ = [
    "Video",
    "VideoConversion",
    "VideoSettings",
    "take_attachments",
]

_HOMES = {
    "Video": ".domain",
    "VideoConversion": ".settings",
    "VideoSettings": ".settings",
    "take_attachments": ".frames.side_data",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
