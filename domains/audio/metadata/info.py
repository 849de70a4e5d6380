"""Facts about a recording from its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BLOCK = 1 << 16
"""Samples of a block that is read."""


@dataclass(frozen=True)
class SoundInfo:
    """A recording as its header has it."""

    name: str
    """Its path, for messages."""
    container: str
    """Kind of file, as libsndfile (WAV, FLAC ...) or FFmpeg (mov,mp4 ... ) calls it."""
    codec: str
    """Sample format in libsndfile's words (PCM_16, FLOAT, VORBIS ...), or FFmpeg's codec (aac, alac ...)."""
    rate: int
    channels: int
    samples: int | None
    """Number of samples where the header says; it may lie."""
    bits: int
    """Bits of a sample; 0 where samples are not stored as such (MP3, AAC ...)."""
    layout: str
    """FFmpeg's name of the channel layout; empty where unknown."""
    bit_rate: int
    """Bits a second of a compressed track; 0 where unknown."""
    picture: bool
    """Whether there is footage beside the sound."""
    tags: Mapping[str, str] = field(default_factory=dict)
