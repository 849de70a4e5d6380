"""How the frames of a clip are written: codec, settings, form of pixels, colour, and what is not as in the input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ....core.errors import ConfigError
from ....core.runtimes.cores import usable_cores
from ...containers.kinds import Container
from ...image import is_large
from ..frames.colour import RGB, UNKNOWN, Colour, Packer, stated
from ..frames.forms import Form, closest
from ..frames.side_data import Light
from ..reading.probe import ClipInfo
from ..settings import VideoConversion
from .codecs import CODECS, FFMPEG_NAMES, Codec, check, forms_for, holds_alpha, profile_for, settings_for

_HDR_DEPTH = 10
"""Bits that PQ and HLG are made for (BT.2100)."""
_LARGE_THREADS = 4
"""Frames that x264 works on at a time, where each takes 70 MB (4K): faster than any network is at that size."""


@dataclass(frozen=True)
class Plan:
    """Encoding of the frames of a clip."""

    name: str
    """Of the codec, as it is asked for."""
    codec: Codec
    form: Form
    """Of the pixels."""
    colour: Colour
    """Colour description in the file."""
    matrix: int
    """H.273 code point that the pixels are put together by, also where the file does not say."""
    options: Mapping[str, str]
    notes: tuple[str, ...] = ()
    """Notes on differences from the input, one sentence each."""
    dither: bool = True
    """Whether samples are rounded by a pattern."""
    without_alpha: str = ""
    """Note for transparency that comes and is not written; empty where it is."""
    at_once: bool = False
    """Whether each frame is to be given as soon as it is encoded."""
    threads: int = 0
    """Of the encoder; 0 leaves it to that."""

    def packer(self) -> Packer:
        """What makes the encoder's frames."""
        return Packer(self.form.name, self.colour, self.matrix, self.dither)


def plan(info: ClipInfo, height: int, width: int, options: VideoConversion, container: Container) -> Plan:
    """Choose codec, pixel format and settings for frames of `info` at a size.

    Raises:
        ConfigError: see `check`; or the chroma that is asked for does not go with the size.
    """
    name, kept = _codec(info, options, container)
    codec, settings = CODECS[name], settings_for(name, options)
    if width < codec.least[0] or height < codec.least[1]:
        least = "x".join(map(str, codec.least))
        raise ConfigError(
            f"{width}x{height} pixels are too few for {name}, which begins at {least}; set another --size"
        )
    form, notes = _form(info, height, width, options, name, holds_alpha(name, container))
    notes[:0] = kept
    profile = profile_for(name, options) or _usual_profile(codec, form)
    if profile:
        settings["profile"] = codec.profiles[profile].encoder_name or profile
    colour, matrix = _colour(info, height, form, codec.matrix)
    if colour.full and codec.limited and not form.rgb:
        colour = Colour(colour.matrix, colour.transfer, colour.primaries)
        notes.append(f"the input has full range; {name} knows limited range only")
    told = _of_light(info.light, name)
    if told:
        _add(settings, codec, *told)
    elif info.light:
        notes.append(f"what it was mastered on and how bright it gets (HDR10) is left out: {name} here cannot hold it, "
                     "h264, h265 and av1 can")  # fmt: skip
    if info.colour.high_dynamic_range and form.depth < _HDR_DEPTH:
        notes.append(f"HDR is written with {form.depth} bits, which shows bands; --depth 10 does not, nor does --sdr")
    if name == "ffv1" and form.alpha and form.depth == 12 and not form.rgb:
        notes.append("FFmpeg 5.1 cannot read FFV1 with an alpha channel in 12 bits; with --depth 10 it can")
    if container.constant_rate:
        notes.append(f"{container.name} knows a constant rate only: {float(info.rate):.3f} frames/s")
    if not container.reorders:
        settings["bf"] = "0"
        if name == "h264":  # says in the stream how long frames are shown, as such a file does not
            _add(settings, codec, "force-cfr=1")
    threads = _bound_memory(settings, codec) if name == "h264" and is_large(height, width) else 0
    if name == "vp9" and form.alpha:
        settings["auto-alt-ref"] = "0"  # libvpx knows no hidden frames of transparency
    without = "" if form.alpha else _without_alpha(name, container)
    return Plan(name, codec, form, colour, matrix, settings, tuple(notes), options.dither, without, options.immediate,
                threads)  # fmt: skip


def _codec(info: ClipInfo, options: VideoConversion, container: Container) -> tuple[str, list[str]]:
    """The codec that is asked for; without one, where the usual one of the file would leave transparency out, that of
    the input if it keeps it. Then a note says so."""
    name = check(options, container)
    own = next((each for each in CODECS if info.codec in (FFMPEG_NAMES.get(each, each), CODECS[each].encoder)), None)
    if options.codec != "auto" or not info.form.alpha or own is None or holds_alpha(name, container):
        return name, []
    try:
        check(replace(options, codec=own), container)
    except ConfigError:  # the file cannot hold it, or --crf and the like are meant for the usual one
        return name, []
    if not holds_alpha(own, container):
        return name, []
    return own, [f"written in {own}, as the input is, which keeps its transparency; --codec {name} leaves it out"]


def _bound_memory(settings: dict[str, str], codec: Codec) -> int:
    """Keep x264 from holding more large frames than it needs; the threads that it is given."""
    # The thread that looks ahead keeps four frames more, 25 MB each in 4K, and finds nothing else.
    _add(settings, codec, "sync-lookahead=0")
    return min(usable_cores(), _LARGE_THREADS)


def _add(settings: dict[str, str], codec: Codec, *parameters: str) -> None:
    """Tell the encoder further parameters of its own."""
    settings[codec.parameters] = ":".join(filter(None, [settings.get(codec.parameters), *parameters]))


def _without_alpha(name: str, container: Container) -> str:
    """Why transparency is left out, and what keeps it."""
    held = [each for each in CODECS if FFMPEG_NAMES.get(each, each) in container.pictures]
    able = [f"--profile 4444 of {each}" if each == "prores" else each for each in held if holds_alpha(each, container)]
    instead = " or ".join(able) if able else "vp9 in .webm, prores or png in .mov, or ffv1 in .mkv"
    return f"the transparency is left out: {name} is written without; {instead} can hold it"


def _usual_profile(codec: Codec, form: Form) -> str:
    """The profile of an encoder that must be told one: the usual one, or the first that has such pixels."""
    fitting = [
        name for name, each in codec.profiles.items() if each.chroma == form.chroma and form.depth in each.depths
    ]
    return next((name for name in (codec.profile, *fitting) if name in fitting), "") if codec.profile else ""


def _form(
    info: ClipInfo, height: int, width: int, options: VideoConversion, name: str, alpha: bool
) -> tuple[Form, list[str]]:
    """The form of pixels that is written, and what is not as in the input."""
    codec, source = CODECS[name], info.form
    forms = [form for form in forms_for(name, options) if alpha or not form.alpha]
    profile, odd = profile_for(name, options), codec.even and bool(width % 2 or height % 2)
    free = options.chroma is None and profile is None
    if odd:
        whole = ["444"] if width % 2 else ["422", "444"]
        forms, all_forms = [form for form in forms if form.chroma in whole], forms
        if not forms:
            asked = ":".join(all_forms[0].chroma)
            odd_size = f"{width}x{height} pixels are odd, and {name} wants even ones in {asked}"
            raise ConfigError(f"{odd_size}; choose --chroma 444 or another --size")
    elif source.rgb and free and not (codec.rgb or codec.profile):
        forms = [form for form in forms if form.chroma == "420"]
    wanted = replace(source, depth=options.depth or source.depth, chroma=str(options.chroma or source.chroma),
                     rgb=source.rgb and options.chroma in (None, 444), alpha=source.alpha and alpha)  # fmt: skip
    form = closest(wanted, forms)
    notes = []
    if form.chroma == "420" and source.rgb and free:
        notes.append(
            f"the input is RGB; {name} is written in 4:2:0, which players take but which halves the resolution of "
            "colour: --chroma 444 or another codec (ffv1, prores) keeps it"
        )
    elif form.chroma != wanted.chroma and not form.rgb:
        why = f"{width}x{height} pixels are odd, and {name} wants even ones in 4:2:0"
        why = why if odd and source.chroma == "420" else f"{profile} is so" if profile else "there is no other"
        if form.alpha and closest(replace(wanted, alpha=False), forms).chroma != form.chroma:
            why = f"{name} holds transparency so alone"
        notes.append(f"chroma is written in {':'.join(form.chroma)} instead of {':'.join(source.chroma)}: {why}")
    if form.depth < wanted.depth:
        # DPX of 10 bits with 16, for one; ProRes 4444 with 12, whatever went in, which the file does not say.
        has = "is read with" if info.container == "pictures" or info.codec == "prores" else "has"
        notes.append(f"the input {has} {source.depth} bits; {profile or name} here takes {form.depth}")
    return form, notes


def _colour(info: ClipInfo, height: int, form: Form, known_matrix: int | None) -> tuple[Colour, int]:
    """An input that does not state its matrix makes an output that does not, as long as players take the same one."""
    labels = info.colour.transfer, info.colour.primaries
    if form.rgb:
        return Colour(RGB, *labels, full=True), stated(UNKNOWN, height)
    if known_matrix is not None or info.form.rgb:
        matrix = stated(UNKNOWN, height) if known_matrix is None else known_matrix
        return Colour(matrix, *labels, full=info.colour.full and not info.form.rgb), matrix
    stored = info.width if info.orientation.transpose else info.height
    matrix = stated(info.colour.matrix, stored)
    known = info.colour.matrix == matrix
    label = matrix if known or matrix != stated(UNKNOWN, height) else UNKNOWN
    return Colour(label, *labels, info.colour.full), matrix


def _of_light(light: Light, name: str) -> list[str]:
    if name == "av1":
        return light.svt()
    names = {"h264": ("mastering-display", "cll"), "h265": ("master-display", "max-cll")}.get(name)
    return light.x26x(*names) if names else []
