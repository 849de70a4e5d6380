"""Video: clips, folders of frames, and pictures among them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .domain import Video
    from .encode import CONTAINERS, Container
    from .settings import VideoConversion, VideoSettings
    from .tracks import Track, kept_tags, take_along

__all__ = [
    "CONTAINERS",
    "Container",
    "Track",
    "Video",
    "VideoConversion",
    "VideoSettings",
    "kept_tags",
    "take_along",
]

_HOMES = {
    "CONTAINERS": ".encode",
    "Container": ".encode",
    "Track": ".tracks",
    "Video": ".domain",
    "VideoConversion": ".settings",
    "VideoSettings": ".settings",
    "kept_tags": ".tracks",
    "take_along": ".tracks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
