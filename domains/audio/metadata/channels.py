"""Loudspeakers of channels: one order inside the program, that of the kind of file outside.

Inside, channels stand as in WAV, FLAC and FFmpeg's own layouts: front left, right, centre, bass, then those behind and
beside. Vorbis and Opus put the centre between left and right, ALAC in front of them; CAF and AIFF may have any order.
libsndfile gives samples as they stand in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import av

from .chunks import ChunkedFile, wave64_name
from .comments import comments_in

WAVE = ("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC",
        "TBR")  # fmt: skip
"""Loudspeakers by their bits in WAVEFORMATEXTENSIBLE's mask, in FFmpeg's words."""
_FLAC = {1: "FC", 2: "FL FR", 3: "FL FR FC", 4: "FL FR BL BR", 5: "FL FR FC BL BR", 6: "FL FR FC LFE BL BR",
         7: "FL FR FC LFE BC SL SR", 8: "FL FR FC LFE BL BR SL SR"}  # fmt: skip
"""RFC 9639, 9.1.3; what a file is taken for, too, that does not say."""
_VORBIS = {1: "FC", 2: "FL FR", 3: "FL FC FR", 4: "FL FR BL BR", 5: "FL FC FR BL BR", 6: "FL FC FR BL BR LFE",
           7: "FL FC FR SL SR BC LFE", 8: "FL FC FR SL SR BL BR LFE"}  # fmt: skip
"""Vorbis I, 4.3.9; Opus, RFC 7845, 5.1.1.2."""
_ALAC = {1: "FC", 2: "FL FR", 3: "FC FL FR", 4: "FC FL FR BC", 5: "FC FL FR BL BR", 6: "FC FL FR BL BR LFE",
         7: "FC FL FR BL BR BC LFE", 8: "FC FLC FRC FL FR BL BR LFE"}  # fmt: skip
_APPLE = {
    1: "FL", 2: "FR", 3: "FC", 4: "LFE", 5: "BL", 6: "BR", 7: "FLC", 8: "FRC", 9: "BC", 10: "SL", 11: "SR", 12: "TC",
    13: "TFL", 14: "TFC", 15: "TFR", 16: "TBL", 17: "TBC", 18: "TBR", 33: "BL", 34: "BR", 42: "FC",
}  # fmt: skip
"""Loudspeakers by Apple's labels (CoreAudioBaseTypes.h)."""
_BEHIND, _BESIDE = {33, 34}, {5: "SL", 6: "SR"}
"""Labels of the rear ones of two pairs of surround loudspeakers; those that else are behind are then beside."""
_TAGS = {
    100: "FC", 101: "FL FR", 108: "FL FR BL BR", 109: "FL FR BL BR FC", 111: "FL FR BL BR FC BC",
    113: "FL FR FC", 114: "FC FL FR", 115: "FL FR FC BC", 116: "FC FL FR BC", 117: "FL FR FC BL BR",
    118: "FL FR BL BR FC", 119: "FL FC FR BL BR", 120: "FC FL FR BL BR", 121: "FL FR FC LFE BL BR",
    122: "FL FR BL BR FC LFE", 123: "FL FC FR BL BR LFE", 124: "FC FL FR BL BR LFE", 125: "FL FR FC LFE BL BR BC",
    126: "FL FR FC LFE BL BR FLC FRC", 127: "FC FLC FRC FL FR BL BR LFE", 128: "FL FR FC LFE SL SR BL BR",
    131: "FL FR BC", 132: "FL FR BL BR", 133: "FL FR LFE", 134: "FL FR LFE BC", 135: "FL FR LFE BL BR",
    136: "FL FR FC LFE", 137: "FL FR FC LFE BC", 142: "FC FL FR BL BR BC LFE",
}  # fmt: skip
"""Orders by the upper half of Apple's layout tags; the lower half is their number."""
_BY_BITS, _BY_LABELS = 1, 0
_SIDE = {"SL": "BL", "SR": "BR", "BL": "SL", "BR": "SR"}

Speakers = tuple[str, ...]


def speakers_of(path: Path, kind: str, codec: str, channels: int) -> Speakers | None:
    """The loudspeakers of a file's channels, in its order; None where it does not say.

    kind, codec: the file's in libsndfile's words.
    """
    if codec in ("VORBIS", "OPUS"):
        return _look_up(_VORBIS, channels) if codec == "VORBIS" or _opus_family(path) < 2 else None
    if codec.startswith("ALAC"):
        return _look_up(_ALAC, channels)
    if kind == "FLAC":
        masks = (value for name, value in comments_in(path) if name.upper() == "WAVEFORMATEXTENSIBLE_CHANNEL_MASK")
        return _check(_of_mask(_number(next(masks, ""))), channels) or _look_up(_FLAC, channels)
    return _check(_of_chunks(ChunkedFile(path)), channels)


def ordered(speakers: Speakers) -> Speakers:
    """Loudspeakers in the order of this package, which is WAV's."""
    return tuple(sorted(speakers, key=WAVE.index))


def layout_of(speakers: Speakers) -> str:
    """FFmpeg's name of a set of loudspeakers."""
    joined = "+".join(ordered(speakers))
    name: str = av.AudioLayout(joined).name
    return joined if "channels" in name else name


def mask_of(speakers: Speakers) -> int:
    """WAVEFORMATEXTENSIBLE's number of a set of loudspeakers."""
    return sum(1 << WAVE.index(each) for each in speakers)


def speakers_in(layout: str) -> Speakers | None:
    """The loudspeakers of FFmpeg's name of a layout; None of one that names none, or others than WAV can."""
    try:
        names = tuple(channel.name for channel in av.AudioLayout(layout).channels) if layout else ()
    except ValueError:
        return None
    return names if names and set(names) <= set(WAVE) else None


# -- in a new file ----------------------------------------------------------------------------------
def usual(channels: int) -> Speakers | None:
    """Default loudspeakers for a number of channels."""
    return _look_up(_FLAC, channels)


def is_usual(speakers: Speakers) -> bool:
    """Whether they are; behind and beside pass for each other where a layout has only one of the two."""
    return _match(usual(len(speakers)) or (), speakers) is not None


def order_in(codec: str, speakers: Speakers | None, channels: int) -> tuple[int, ...] | None:
    """The channel, of those in this package's order, that stands at each place of VORBIS, OPUS or ALAC; None where its
    layouts are others."""
    places = places_in(codec, channels)
    return None if places is None else _match(places, ordered(speakers or places))


def places_in(codec: str, channels: int) -> Speakers | None:
    """The loudspeakers that VORBIS, OPUS or ALAC take so many channels for."""
    return _look_up(_ALAC if codec.startswith("ALAC") else _VORBIS, channels)


def moved(speakers: Speakers, found: Speakers | None, suffix: str) -> str | None:
    """Note on a new file that names other loudspeakers than the input; None if it names the same."""
    lost = [each for each in speakers if each not in (found or ())]
    if not lost:
        return None
    new = [each for each in found or () if each not in speakers]
    named = f"are called {', '.join(new)}" if new else "are not named"
    return f"its loudspeakers {', '.join(lost)} {named}: {suffix} files know no other {len(speakers)} channels"


def apple_chunk(speakers: Speakers) -> bytes:
    """The content of AIFF's and CAF's chunk about loudspeakers in this package's order."""
    return struct.pack(">III", _BY_BITS << 16, mask_of(speakers), 0)


def _match(places: Speakers, speakers: Speakers) -> tuple[int, ...] | None:
    """Where in `speakers` each of `places` is; a single one is anywhere."""
    if len(places) == len(speakers) == 1:
        return (0,)
    for names in (speakers, tuple(_SIDE.get(each, each) for each in speakers)):
        if sorted(places) == sorted(names):
            return tuple(names.index(each) for each in places)
    return None


# -- in a file --------------------------------------------------------------------------------------
def _look_up(orders: Mapping[int, str], number: int) -> Speakers | None:
    return tuple(orders[number].split()) if number in orders else None


def _check(speakers: Speakers | None, channels: int) -> Speakers | None:
    return speakers if speakers and len(speakers) == channels == len(set(speakers)) else None


def _of_mask(mask: int) -> Speakers | None:
    return tuple(name for bit, name in enumerate(WAVE) if mask >> bit & 1) or None


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        return 0


def _opus_family(path: Path) -> int:
    """Mapping family: 0 and 1 are Vorbis's orders, others are ambisonic, or have no loudspeakers."""
    with path.open("rb") as file:
        head = file.read(4096)
    place = head.find(b"OpusHead")
    return head[place + 18] if 0 <= place < len(head) - 18 else 0


def _of_chunks(file: ChunkedFile) -> Speakers | None:
    if file.family in ("RIFF", "RIFX", "W64"):
        chunk = file.find(b"fmt " if file.family != "W64" else wave64_name(b"fmt "))
        content = file.content(chunk) if chunk is not None else b""
        order: Literal["big", "little"] = "big" if file.family == "RIFX" else "little"
        extensible = len(content) >= 40 and int.from_bytes(content[:2], order) == 0xFFFE
        return _of_mask(int.from_bytes(content[20:24], order)) if extensible else None
    chunk = file.find(b"CHAN") or file.find(b"chan")
    return _of_apple(file.content(chunk)) if chunk is not None else None


def _of_apple(content: bytes) -> Speakers | None:
    if len(content) < 12:
        return None
    tag, bits, count = struct.unpack(">III", content[:12])
    if tag >> 16 == _BY_BITS:
        return _of_mask(bits)
    if tag >> 16 != _BY_LABELS:
        return _look_up(_TAGS, tag >> 16)
    labels = [int.from_bytes(content[at : at + 4], "big") for at in range(12, min(len(content), 12 + 20 * count), 20)]
    names = _APPLE | _BESIDE if set(labels) & _BEHIND else _APPLE
    return tuple(names[label] for label in labels) if set(labels) <= set(names) else None
