"""Video: clips, folders of frames, and pictures among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lazy import lazy_names

if TYPE_CHECKING:
    from ..containers.kinds import CONTAINERS
    from .domain import Video
    from .evaluation.clips import ClipScores, clips_among, score_clip, score_table, write_clip_scores
    from .ffmpeg_options import ffmpeg_option
    from .frames.side_data import take_attachments
    from .reading.decode import Frame, decode
    from .reading.glance import Glance
    from .reading.probe import ClipInfo
    from .settings import VideoConversion, VideoSettings

__all__ = [
    "CONTAINERS",
    "ClipInfo",
    "ClipScores",
    "Frame",
    "Glance",
    "Video",
    "VideoConversion",
    "VideoSettings",
    "clips_among",
    "decode",
    "ffmpeg_option",
    "score_clip",
    "score_table",
    "take_attachments",
    "write_clip_scores",
]

__getattr__ = lazy_names(__name__, {
    "..containers.kinds": ["CONTAINERS"],
    ".domain": ["Video"],
    ".evaluation.clips": ["ClipScores", "clips_among", "score_clip", "score_table", "write_clip_scores"],
    ".ffmpeg_options": ["ffmpeg_option"],
    ".frames.side_data": ["take_attachments"],
    ".reading.decode": ["Frame", "decode"],
    ".reading.glance": ["Glance"],
    ".reading.probe": ["ClipInfo"],
    ".settings": ["VideoConversion", "VideoSettings"],
})  # fmt: skip
