"""Options of the ffmpeg command in the words of this package. Nothing here imports more than the standard library."""

from __future__ import annotations

import re

_CODECS = {
    "h264": "h.264 x264 libx264 avc avc1 libopenh264 h264_nvenc",
    "h265": "h.265 x265 libx265 hevc hvc1 hev1 hevc_nvenc",
    "vp9": "vp09 libvpx libvpx-vp9",
    "av1": "av01 svtav1 libsvtav1 libaom libaom-av1 librav1e",
    "prores": "prores_ks prores_aw prores-ks",
    "dnxhr": "dnxhd avdnxhd avdnxhr dnx",
    "cineform": "cfhd gopro",
    "png": "apng",
    "qtrle": "animation rle",
}
_PROFILES = {
    "prores": {"422": "standard", "422hq": "hq", "422lt": "lt", "422proxy": "proxy", "apch": "hq", "apcn": "standard",
               "apcs": "lt", "apco": "proxy", "ap4h": "4444", "ap4x": "4444xq"}
    | {name: name for name in ("proxy", "lt", "standard", "hq", "4444", "4444xq")},
    "dnxhr": {name: name for name in ("lb", "sq", "hq", "hqx", "444")},
    "h265": {name: name for name in ("main", "main10", "main12")},
}  # fmt: skip
_PRORES_NUMBERS = ("proxy", "lt", "standard", "hq", "4444", "4444xq")
_PIXELS = re.compile(r"(?:yuv(a?)j?(420|422|444)p|(p0|p2|p4)|gbr(a?)p|(rgb|bgr|rgba|bgra|argb|abgr))(\d*)(?:le|be)?")
_DEPTHS = {"": 8, "24": 8, "32": 8, "48": 16, "64": 16}
_SEMI_PLANAR = {"p0": "420", "p2": "422", "p4": "444"}
_PLAIN = {
    "preset": "--preset", "crf": "--crf", "ss": "--start", "to": "--end", "s": "--size",
    "qp": "--crf", "q:v": "--crf", "qscale:v": "--crf",
}  # fmt: skip
_OTHERS = {
    "map": "every track is kept without being named",
    "c:a": "sound is copied where the container holds it",
    "acodec": "sound is copied where the container holds it",
    "b:v": "the quality is set by --crf",
    "vf": "--size scales and --start and --end cut",
}


def codec_option(name: str) -> str | None:
    """The options for a codec by another of its names, as in "--codec prores --profile 4444"; None for no such name."""
    name = name.lower().strip()
    for codec, names in _CODECS.items():
        if name in names.split():
            return f"--codec {codec}"
    for codec, profiles in _PROFILES.items():
        for known in (codec, *_CODECS[codec].split()):
            profile = profiles.get(re.sub(r"[\s_-]", "", name.removeprefix(known))) if name.startswith(known) else None
            if profile is not None:
                return f"--codec {codec} --profile {profile}"
    profile = _PROFILES["prores"].get(name) if name.startswith("ap") else None
    return f"--codec prores --profile {profile}" if profile else None


def pixel_option(name: str) -> str | None:
    """The options for a pixel format, as in "--depth 10 --chroma 422"; None for one that is not known here."""
    found = _PIXELS.fullmatch(name.lower())
    if found is None:
        return None
    _, chroma, semi_planar, _, packed, bits = found.groups()
    depth = _DEPTHS.get(bits) if packed else int(bits or 8)
    if depth not in (8, 10, 12, 16):
        return None
    chroma = chroma or (_SEMI_PLANAR[semi_planar] if semi_planar else "444")
    clear = " (transparency is kept where codec and container hold it)" if "a" in name.lower() else ""
    return f"--depth {depth} --chroma {chroma}{clear}"


def ffmpeg_option(option: str, value: str | None) -> str | None:
    """What stands here for an option of the ffmpeg command and its value; None for an option that is not known."""
    name = option.lstrip("-")
    if name in ("pix_fmt", "pix-fmt"):
        return pixel_option(value or "") or "--depth 8|10|12|16 --chroma 420|422|444"
    if name in ("c:v", "c", "vcodec", "codec:v", "c:v:0"):
        plain = "--codec " + value if value and value.isalnum() else "--codec NAME"
        return codec_option(value or "") or plain
    if name in ("profile:v", "vprofile"):
        number = int(value) if value and value.isascii() and value.isdigit() else len(_PRORES_NUMBERS)
        if number < len(_PRORES_NUMBERS):  # of prores_ks, which alone is told them by numbers that are no names
            return f"--codec prores --profile {_PRORES_NUMBERS[number]}"
        return f"--profile {re.sub('^dnxhr_', '', value) if value else 'NAME'}"
    if name in ("r", "framerate"):
        return f"--rate {value or 'VALUE'} for numbered pictures; a clip keeps its own times"
    if name in _PLAIN:
        return f"{_PLAIN[name]} {value or 'VALUE'}"
    return _OTHERS.get(name)
