"""Kinds of video files: by what their names end in, and for those that are written, what each gives back as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core.errors import MediaError


@dataclass(frozen=True)
class Container:
    """A kind of file that is written."""

    name: str
    """FFmpeg's name of it."""
    copied: frozenset[str] = frozenset()
    """Sound codecs, by FFmpeg's names, whose packets may be copied into it. This is measured
    (tests/domains/containers/test_sound_by_container.py): muxers also take what no demuxer finds again in its place."""
    sound: tuple[str, ...] = ("aac",)
    """Encoders for all other sound, the best first."""
    lossless: tuple[str, ...] = ()
    """Encoders that go before them where the sound was stored without loss."""
    pictures: frozenset[str] = frozenset(("h264",))
    """Video codecs, by FFmpeg's names, that may be written into it: of those that this package writes, all."""
    swallows: bool = False
    """Whether it takes the packets of any codec, and gives back those alone that are named here."""
    covers: bool = False
    """Whether it knows pictures that belong to the whole from footage."""
    codec: str = "h264"
    """Video codec that `auto` takes."""
    options: Mapping[str, str] = field(default_factory=dict)
    constant_rate: bool = False
    """Whether it counts frames and packets of sound and stores no times of them."""
    keeps: frozenset[str] = frozenset(("chapters", "tags", "languages", "titles"))
    """The labels that it has room for."""
    alpha_beside: bool = False
    """Whether it holds the transparency that VP9 has beside its packets."""
    reorders: bool = True
    """Whether it knows when a frame is shown as well as when it is decoded."""


def _names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_PCM = "pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le "
_BIG_ENDIAN = "pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be "
_LAW = "pcm_u8 pcm_alaw pcm_mulaw "
_FILM = "aac mp3 mp2 ac3 eac3 "
# Otherwise every frame is moved by the time that the sound's encoder needed to start; in AVI, by a whole frame.
_OWN_TIMES = {"avoid_negative_ts": "disabled"}
# Otherwise Matroska takes an identifier by chance.
_MATROSKA = {**_OWN_TIMES, "fflags": "+bitexact"}
_FAST_START = {"movflags": "+faststart"}

_MP4 = Container(
    "mp4",
    _names(_FILM + "dts opus vorbis flac alac " + _PCM + _BIG_ENDIAN),
    pictures=_names("h264 hevc vp9 av1 ffv1"),
    covers=True,
    options=_FAST_START,
)
_MOV = Container(
    "mov",
    _names(_FILM + "dts alac amr_nb adpcm_ima_qt " + _PCM + _BIG_ENDIAN + _LAW),
    lossless=("alac",),
    pictures=_names("h264 hevc prores dnxhd cfhd png qtrle"),
    options=_FAST_START,
)
_MKV = Container(
    "matroska",
    # Not TTA, which is read back by a length that the picture may spoil.
    _names(_FILM + "dts truehd opus vorbis flac alac wavpack pcm_u8 pcm_s16be pcm_s24be pcm_s32be " + _PCM),
    lossless=("flac",),
    pictures=_names("h264 hevc vp9 av1 ffv1 prores"),
    alpha_beside=True,
    options=_MATROSKA,
)
_WEBM = Container(
    "webm",
    _names("opus vorbis"),
    ("libopus",),
    codec="vp9",
    pictures=_names("vp9 av1"),
    alpha_beside=True,
    options=_MATROSKA,
)
_TS = Container(
    "mpegts",
    _names(_FILM + "dts opus"),
    pictures=_names("h264 hevc mpeg1video mpeg2video dvb_subtitle dvb_teletext hdmv_pgs_subtitle"),
    swallows=True,
    keeps=_names("languages"),
)
_AVI = Container(
    "avi",
    # What comes from AVI: without times of packets, no other sound keeps its beginning and its pauses.
    _names("mp3 mp2 " + _PCM + _LAW),
    ("pcm_s16le",),
    pictures=_names("h264 vp9 av1 ffv1 png"),
    options=_OWN_TIMES,
    constant_rate=True,
    keeps=_names("tags titles"),
    reorders=False,
)
_FLV = Container(
    "flv",
    _names("aac mp3 ac3 eac3 opus flac"),
    pictures=_names("h264 hevc vp9 av1"),
    keeps=_names("tags"),
)
_3GP = Container("3gp", _names("aac amr_nb"), options=_FAST_START, keeps=_names("chapters languages titles"))
_ASF = Container(
    "asf",
    _names("mp3 mp2 ac3 eac3 dts wmav1 wmav2 vorbis adpcm_ms adpcm_ima_wav " + _PCM + _LAW),
    ("libmp3lame", "ac3", "pcm_s16le"),
    pictures=_names("h264 vp9 av1 ffv1"),
    keeps=_names("chapters tags languages"),
    options=_OWN_TIMES,
    reorders=False,
)
_NUT = Container(
    "nut",
    _names("aac mp3 mp2 ac3 dts opus vorbis flac wavpack amr_nb adpcm_ms " + _PCM + _BIG_ENDIAN + _LAW),
    lossless=("flac",),
    pictures=_names("h264 hevc vp9 av1 ffv1"),
)

CONTAINERS: dict[str, Container] = {
    ".mp4": _MP4, ".m4v": _MP4, ".mov": _MOV, ".qt": _MOV, ".mkv": _MKV, ".webm": _WEBM, ".ts": _TS, ".m2ts": _TS,
    ".mts": _TS, ".avi": _AVI, ".flv": _FLV, ".3gp": _3GP, ".wmv": _ASF, ".asf": _ASF, ".nut": _NUT,
}  # fmt: skip
"""Kinds of file by the ending of their names."""

VIDEO_SUFFIXES = frozenset(CONTAINERS) | {
    ".3g2", ".amv", ".divx", ".dv", ".f4v", ".mpeg", ".mpg", ".mxf", ".ogm", ".ogv", ".rm", ".rmvb", ".swf", ".vob",
}  # fmt: skip
"""Endings of the names of videos, which are read for their footage or for their sound."""
FRAME_STREAM_SUFFIXES = frozenset({
    ".264", ".265", ".h264", ".h265", ".hevc", ".ivf", ".m1v", ".m2v", ".mjpeg", ".mjpg", ".mpv", ".obu", ".y4m",
})  # fmt: skip
"""Endings of the names of files that hold encoded frames alone, without sound."""

PIPE = _MKV
"""The kind that goes into a pipe."""


def container_of(name: str) -> Container:
    """The kind of file that a name asks for by its ending. Raises MediaError naming those that are written."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 (a name, not a path)
    if suffix == ".mxf":
        raise MediaError(f"{name}: MXF is not written; end the name with .mov, and add --codec dnxhr or --codec prores")
    if suffix not in CONTAINERS:
        raise MediaError(
            f"{name}: videos of this kind cannot be written; end the name with one of {', '.join(sorted(CONTAINERS))}, "
            "or name numbered pictures by a pattern (out_%04d.png)"
        )
    return CONTAINERS[suffix]
