"""Video codecs that are written: the encoder of each, what it can be told, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import av

from ....core.errors import ConfigError, show
from ....core.registry import suggestion
from ....core.runtimes.machine import cpu_flags
from ...containers.kinds import Container
from ..ffmpeg_options import codec_option
from ..frames.forms import Form, written_forms
from ..settings import VideoConversion

_X26X = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")


@dataclass(frozen=True)
class Profile:
    """A profile of a codec: the form of pixels that it prescribes."""

    chroma: str
    depths: tuple[int, ...]
    encoder_name: str = ""
    """What the encoder calls it, where that is another name."""


@dataclass(frozen=True)
class Codec:
    """A video codec: the encoder that writes it and what it can be told."""

    encoder: str
    presets: tuple[str, ...] = ()
    preset: str = ""
    """The usual one."""
    preset_option: str = "preset"
    crf: float | None = None
    """Constant quality by default; None where the encoder has none."""
    worst_crf: float = 51
    options: Mapping[str, str] = field(default_factory=dict)
    at_once: Mapping[str, str] = field(default_factory=dict)
    """Further options that keep it from looking ahead."""
    even: bool = False
    """Whether sizes must be even where chroma is halved."""
    limited: bool = False
    """Whether it knows no full range."""
    rgb: bool = False
    """Whether RGB is kept as such."""
    alpha: Literal["no", "within", "beside"] = "no"
    """Whether transparency is kept: within its packets, or (4:2:0 alone) beside them where the file has room for it."""
    matrix: int | None = None
    """The matrix that decoders take its Y'CbCr for, whatever it is (H.273); None where it says which."""
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    profile: str = ""
    """The usual one, where the encoder must be told one."""
    parameters: str = ""
    """Option that takes further parameters, NAME=VALUE:NAME=VALUE."""
    least: tuple[int, int] = (1, 1)
    """Width and height of its smallest frames."""
    captions: bool = False
    """Whether captions within the pictures are written."""


def _steady_x264() -> dict[str, str]:
    """x264's code for AVX-512 (core 165) takes how much later frames build upon a macroblock in part from memory that
    nobody has written, unless the width is a multiple of 256: equal frames then become unequal files. Its code for AVX2
    does not, and every CPU that has the one has the other."""
    return {"x264-params": "asm=SSE2Fast,AVX2"} if "avx2" in cpu_flags() else {}


_H264_PROFILES = {
    "high": Profile("420", (8,)),
    "high10": Profile("420", (10,)),
    "high422": Profile("422", (8, 10)),
    "high444": Profile("444", (8, 10)),
}
_H265_PROFILES = {
    "main": Profile("420", (8,)),
    "main10": Profile("420", (10,)),
    "main12": Profile("420", (12,)),
    "main422-10": Profile("422", (10,)),
    "main422-12": Profile("422", (12,)),
    "main444-8": Profile("444", (8,)),
    "main444-10": Profile("444", (10,)),
    "main444-12": Profile("444", (12,)),
}
_PRORES_PROFILES = dict.fromkeys(("proxy", "lt", "standard", "hq"), Profile("422", (10,))) | dict.fromkeys(
    ("4444", "4444xq"), Profile("444", (10,))
)
_DNXHR_PROFILES = {name: Profile("422", (8,), f"dnxhr_{name}") for name in ("lb", "sq", "hq")} | {
    "hqx": Profile("422", (10,), "dnxhr_hqx"),
    "444": Profile("444", (10,), "dnxhr_444"),
}
_CINEFORM = ("film3+", "film3", "film2+", "film2", "film1.5", "film1+", "film1", "high+", "high", "medium+", "medium",
             "low+", "low")  # fmt: skip
CODECS: dict[str, Codec] = {
    "h264": Codec("libx264", _X26X, "veryfast", crf=18, options=_steady_x264(), at_once={"tune": "zerolatency"},
                  even=True, parameters="x264-params", captions=True, profiles=_H264_PROFILES),
    "h265": Codec("libx265", _X26X, "veryfast", crf=20, options={"x265-params": "log-level=none", "a53cc": "1"},
                  at_once={"tune": "zerolatency"}, even=True, parameters="x265-params", captions=True,
                  profiles=_H265_PROFILES),
    "vp9": Codec("libvpx-vp9", tuple("0123456789"), "6", "cpu-used", 24, 63,
                 {"deadline": "good", "row-mt": "1", "b": "0"}, {"deadline": "realtime", "lag-in-frames": "0"},
                 alpha="beside"),
    "av1": Codec("libsvtav1", tuple(str(n) for n in range(14)), "9", crf=26, worst_crf=63,
                 at_once={"svtav1-params": "pred-struct=1:lookahead=0"}, parameters="svtav1-params"),
    "ffv1": Codec("ffv1", options={"level": "3", "slicecrc": "1"}, rgb=True, alpha="within"),
    "prores": Codec("prores_ks", limited=True, profiles=_PRORES_PROFILES, profile="hq", alpha="within"),
    "dnxhr": Codec("dnxhd", profiles=_DNXHR_PROFILES, profile="hq", least=(256, 120), matrix=1),
    "cineform": Codec("cfhd", _CINEFORM, "film3+", "quality", limited=True, rgb=True, alpha="within"),
    "png": Codec("png", rgb=True, alpha="within"),
    "qtrle": Codec("qtrle", rgb=True, alpha="within"),
}  # fmt: skip
"""Codecs that can be selected."""
FFMPEG_NAMES = {"h265": "hevc", "dnxhr": "dnxhd", "cineform": "cfhd"}
"""FFmpeg's names of those that it calls otherwise."""


def check(options: VideoConversion, container: Container) -> str:
    """The name of the codec, where it goes with the other options and with the kind of file.

    Raises:
        ConfigError: it does not; or the codec is unknown or not part of this PyAV, or its crf, preset, profile, depth
            or chroma is none of its own.
    """
    name = container.codec if options.codec == "auto" else options.codec
    if name not in CODECS:
        meant = codec_option(name)
        raise ConfigError(
            f"codec is {name!r}; that is {meant} here" if meant else
            f"codec is {name!r}; expected auto or one of {', '.join(CODECS)}{suggestion(name, list(CODECS))}"
        )  # fmt: skip
    held = [each for each in CODECS if FFMPEG_NAMES.get(each, each) in container.pictures]
    if name not in held:
        usable = " or ".join([", ".join(held[:-1]), held[-1]] if len(held) > 1 else held)
        raise ConfigError(
            f"codec is {name!r}, which a {container.name} file cannot hold; choose {usable}, or another ending"
        )
    settings_for(name, options)
    forms_for(name, options)
    return name


def holds_alpha(name: str, container: Container) -> bool:
    """Whether transparency can be written with a codec into a kind of file."""
    return CODECS[name].alpha == "within" or (CODECS[name].alpha == "beside" and container.alpha_beside)


def profile_for(name: str, options: VideoConversion) -> str | None:
    """The profile that is asked for, by its own option or, of a codec without presets, by that. Raises ConfigError."""
    codec = CODECS[name]
    as_preset = options.preset if codec.profiles and not codec.presets else None
    asked = options.profile if options.profile is not None else as_preset
    if asked is None:
        return None
    if options.profile is not None and as_preset not in (None, options.profile):
        raise ConfigError(f"profile is {show(options.profile)} and preset {show(as_preset)}; {name} takes one of them")
    if asked not in codec.profiles:
        word = "profile" if options.profile is not None else "preset"
        others = [each for each, other in CODECS.items() if asked in other.profiles]
        here = f"one of {', '.join(codec.profiles)}" if codec.profiles else "nothing: it has none"
        hint = suggestion(asked, list(codec.profiles)) if codec.profiles else ""
        theirs = f"; for this one, choose --codec {' or '.join(others)}" if others else hint
        raise ConfigError(f"{word} is {show(asked)}; {name} takes {here}{theirs}")
    return asked


def settings_for(name: str, options: VideoConversion) -> dict[str, str]:
    """What the encoder is told, but for the profile. Raises ConfigError."""
    codec = CODECS[name]
    settings = dict(codec.options) | (dict(codec.at_once) if options.immediate else {})
    if options.crf is not None:
        if codec.crf is None:
            raise ConfigError(f"crf is {options.crf}, but {name} has no such setting; leave it out")
        if not 0 <= options.crf <= codec.worst_crf:
            raise ConfigError(f"crf is {options.crf}; {name} takes 0 (best) to {codec.worst_crf:g}")
    crf = options.crf if options.crf is not None else codec.crf
    if crf is not None:
        settings["crf"] = f"{crf:g}"
    if codec.presets:
        if options.preset is not None and options.preset not in codec.presets:
            raise ConfigError(f"preset is {options.preset!r}; {name} takes one of {', '.join(codec.presets)}")
        settings[codec.preset_option] = options.preset or codec.preset
    elif options.preset is not None and not codec.profiles:
        raise ConfigError(f"preset is {options.preset!r}; {name} takes nothing: it has none")
    return settings


def forms_for(name: str, options: VideoConversion) -> list[Form]:
    """Forms of pixels that the codec is written in, of the profile, depth and chroma that are asked for.

    Raises:
        ConfigError: there is none, or the codec is not part of this PyAV.
    """
    codec, asked = CODECS[name], profile_for(name, options)
    try:
        forms = written_forms(each.name for each in av.codec.Codec(codec.encoder, "w").video_formats or ())
    except (av.FFmpegError, ValueError) as error:
        usable = [each for each, other in CODECS.items() if other.encoder in av.codec.codecs_available]
        raise ConfigError(f"codec is {name!r}, which this PyAV cannot write; it has {', '.join(usable)}") from error
    # RGB is another matter than Y'CbCr in 4:4:4, and codecs that have profiles have none for it.
    alphas = {"no": (), "within": ("420", "422", "444"), "beside": ("420",)}[codec.alpha]
    forms = [form for form in forms if (codec.rgb or not form.rgb) and (not form.alpha or form.chroma in alphas)]
    who = name
    if asked is not None:
        profile, who = codec.profiles[asked], f"profile {asked} of {name}"
        forms = [form for form in forms if form.chroma == profile.chroma and form.depth in profile.depths]
    if options.chroma is not None:
        found = [form for form in forms if form.chroma == str(options.chroma)]
        _require(found, who, "chroma", options.chroma, sorted({int(form.chroma) for form in forms}))
        forms = found
    if options.depth is not None:
        found = [form for form in forms if form.depth == options.depth]
        who += "" if options.chroma is None else f" in {':'.join(str(options.chroma))}"
        _require(found, who, "depth", options.depth, sorted({form.depth for form in forms}))
        forms = found
    return forms


def _require(found: Sequence[Form], who: str, what: str, asked: int, there: Sequence[int]) -> None:
    if not found:
        unit, others = (" bits" if what == "depth" else ""), [each for each in CODECS if _has(each, what, asked)]
        theirs = f"; {asked} is for --codec {' or '.join(others)}" if others else ""
        raise ConfigError(f"{what} is {asked}; {who} takes {' or '.join(map(str, there))}{unit}{theirs}")


def _has(name: str, what: str, asked: int) -> bool:
    codec = CODECS[name]
    usable = codec.encoder in av.codec.codecs_available
    forms = (
        written_forms(each.name for each in av.codec.Codec(codec.encoder, "w").video_formats or ()) if usable else []
    )
    return any(int(getattr(form, what)) == asked and (codec.rgb or not form.rgb) for form in forms)
