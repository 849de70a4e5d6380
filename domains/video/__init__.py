"""Video: clips, folders of frames, and pictures among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

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

__getattr__ = lazy_names(__name__, {
    ".domain": ["Video"],
    ".frames.side_data": ["take_attachments"],
    ".settings": ["VideoConversion", "VideoSettings"],
})  # fmt: skip
