"""Frames into a file: which codec, with what settings, in which container, and in what form of pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import av
import torch

from ....core.errors import ConfigError, MediaError
from ...containers.kinds import Container
from ...containers.opening import reason
from ..frames.colour import RGB, UNKNOWN, Colour, Packer, Planes, stated
from ..frames.forms import Form, closest
from ..frames.side_data import Light
from ..reading.probe import ClipInfo
from ..settings import VideoConversion

if TYPE_CHECKING:
    from av.container import OutputContainer

# x265 (4.2) takes decoding times from the frames before: where there are none, from memory that nobody has written.
# One or two frames are decoded in the order they are shown in.
_SHORTER_THAN_THE_DELAY = 2
_X26X = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo")


@dataclass(frozen=True)
class Codec:
    """A video codec: the encoder that writes it and what it can be told."""

    encoder: str
    presets: tuple[str, ...]
    preset: str
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
    chroma_of: Mapping[str, str] = field(default_factory=dict)
    """Chroma of each preset, where it is a matter of them."""
    parameters: str = ""
    """Option that takes further parameters, NAME=VALUE:NAME=VALUE."""
    captions: bool = False
    """Whether captions within the pictures are written."""


def _steady_x264() -> dict[str, str]:
    """x264's code for AVX-512 (core 165) takes how much later frames build upon a macroblock in part from memory that
    nobody has written, unless the width is a multiple of 256: equal frames then become unequal files. Its code for AVX2
    does not, and every CPU that has the one has the other."""
    return {"x264-params": "asm=SSE2Fast,AVX2"} if torch.backends.cpu.get_cpu_capability().startswith("AVX") else {}


_PRORES = dict.fromkeys(("proxy", "lt", "standard", "hq"), "422") | dict.fromkeys(("4444", "4444xq"), "444")
CODECS: dict[str, Codec] = {
    "h264": Codec("libx264", _X26X, "veryfast", crf=18, options=_steady_x264(),
                  at_once={"tune": "zerolatency"}, even=True, parameters="x264-params", captions=True),
    "h265": Codec("libx265", _X26X, "veryfast", crf=20, options={"x265-params": "log-level=none", "a53cc": "1"},
                  at_once={"tune": "zerolatency"}, even=True, parameters="x265-params", captions=True),
    "vp9": Codec("libvpx-vp9", tuple("0123456789"), "6", "cpu-used", 24, 63,
                 {"deadline": "good", "row-mt": "1", "b": "0"}, {"deadline": "realtime", "lag-in-frames": "0"}),
    "av1": Codec("libsvtav1", tuple(str(n) for n in range(14)), "9", crf=26, worst_crf=63,
                 at_once={"svtav1-params": "pred-struct=1:lookahead=0"}, parameters="svtav1-params"),
    "ffv1": Codec("ffv1", (), "", options={"level": "3", "slicecrc": "1"}, rgb=True),
    "prores": Codec("prores_ks", tuple(_PRORES), "hq", "profile", limited=True, chroma_of=_PRORES),
}  # fmt: skip
"""Codecs that can be selected."""
_FFMPEG_NAMES = {"h265": "hevc"}


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
    at_once: bool = False
    """Whether each frame is to be given as soon as it is encoded."""


def check(options: VideoConversion, container: Container) -> str:
    """The name of the codec, where it goes with the other options and with the kind of file.

    Raises:
        ConfigError: it does not; or the codec is unknown or not part of this PyAV, or its crf or preset is none of its
            own.
    """
    name = container.codec if options.codec == "auto" else options.codec
    if name not in CODECS:
        raise ConfigError(f"codec is {name!r}; expected auto or one of {', '.join(CODECS)}")
    _formats(CODECS[name], name)
    _settings(name, CODECS[name], options)
    held = [each for each in CODECS if _FFMPEG_NAMES.get(each, each) in container.pictures]
    if name not in held:
        usable = " or ".join(held)
        raise ConfigError(
            f"codec is {name!r}, which a {container.name} file cannot hold; choose {usable}, or another ending"
        )
    return name


def plan(info: ClipInfo, height: int, width: int, options: VideoConversion, container: Container) -> Plan:
    """Choose codec, pixel format and settings for frames of `info` at a size.

    Raises:
        ConfigError: see `check`.
    """
    name = check(options, container)
    codec, settings = CODECS[name], _settings(name, CODECS[name], options)
    form, notes = _form(info, height, width, options, name)
    if options.preset is None and codec.chroma_of and codec.chroma_of[codec.preset] != form.chroma:
        settings[codec.preset_option] = next(each for each, has in codec.chroma_of.items() if has == form.chroma)
    colour, matrix = _colour(info, height, form)
    if colour.full and codec.limited:
        colour = Colour(colour.matrix, colour.transfer, colour.primaries)
        notes.append(f"the input has full range; {name} knows limited range only")
    told = _of_light(info.light, name)
    if told:
        settings[codec.parameters] = ":".join(filter(None, [settings.get(codec.parameters), *told]))
    elif info.light:
        notes.append(f"what it was mastered on and how bright it gets (HDR10) is left out: {name} here cannot hold it")
    if container.constant_rate:
        notes.append(f"{container.name} knows a constant rate only: {float(info.rate):.3f} frames/s")
    if not container.reorders:
        settings["bf"] = "0"
        if name == "h264":  # says in the stream how long frames are shown, as such a file does not
            settings[codec.parameters] = ":".join(filter(None, [settings.get(codec.parameters), "force-cfr=1"]))
    return Plan(name, codec, form, colour, matrix, settings, tuple(notes), options.immediate)


def _formats(codec: Codec, name: str) -> tuple[str, ...]:
    try:
        return tuple(each.name for each in av.codec.Codec(codec.encoder, "w").video_formats or ())
    except (av.FFmpegError, ValueError) as error:
        usable = [each for each, other in CODECS.items() if other.encoder in av.codec.codecs_available]
        raise ConfigError(f"codec is {name!r}, which this PyAV cannot write; it has {', '.join(usable)}") from error


def _form(info: ClipInfo, height: int, width: int, options: VideoConversion, name: str) -> tuple[Form, list[str]]:
    """The form of pixels that is written, and what is not as in the input."""
    codec, chromas, source = CODECS[name], ["420", "422", "444"], info.form
    formats = _formats(codec, name)
    if options.preset is not None and options.preset in codec.chroma_of:
        chromas = [codec.chroma_of[options.preset]]
    elif codec.even and (width % 2 or height % 2):
        chromas = ["444"] if width % 2 else ["422", "444"]
    elif source.rgb and not (codec.rgb or codec.chroma_of):
        chromas = ["420"]
    form = closest(source, formats, chromas, codec.rgb)
    notes = []
    if form.chroma == "420" and source.rgb:
        notes.append(
            f"the input is RGB; {name} is written in 4:2:0, which players take but which halves the resolution of "
            "colour: ffv1 and prores keep it"
        )
    elif form.chroma != source.chroma:
        odd = codec.even and source.chroma == "420"
        why = f"{width}x{height} pixels are odd, and {name} wants even ones in 4:2:0" if odd else "there is no other"
        why = f"{options.preset} is so" if options.preset in codec.chroma_of else why
        notes.append(f"chroma is written in {':'.join(form.chroma)} instead of {':'.join(source.chroma)}: {why}")
    if form.depth < source.depth:
        notes.append(f"the input has {source.depth} bits; {name} here takes {form.depth}")
    return form, notes


def _colour(info: ClipInfo, height: int, form: Form) -> tuple[Colour, int]:
    """An input that does not state its matrix makes an output that does not, as long as players take the same one."""
    if info.form.rgb:
        matrix = stated(UNKNOWN, height)
        label = RGB if form.rgb else matrix
        return Colour(label, info.colour.transfer, info.colour.primaries, full=form.rgb), matrix
    stored = info.width if info.orientation.transpose else info.height
    matrix = stated(info.colour.matrix, stored)
    known = info.colour.matrix == matrix
    label = matrix if known or matrix != stated(UNKNOWN, height) else UNKNOWN
    return Colour(label, info.colour.transfer, info.colour.primaries, info.colour.full), matrix


def _settings(name: str, codec: Codec, options: VideoConversion) -> dict[str, str]:
    settings = dict(codec.options) | (dict(codec.at_once) if options.immediate else {})
    if options.crf is not None:
        if codec.crf is None:
            raise ConfigError(f"crf is {options.crf}, but {name} has no such setting; leave it out")
        if not 0 <= options.crf <= codec.worst_crf:
            raise ConfigError(f"crf is {options.crf}; {name} takes 0 (best) to {codec.worst_crf:g}")
    crf = options.crf if options.crf is not None else codec.crf
    if crf is not None:
        settings["crf"] = f"{crf:g}"
    if options.preset is not None and options.preset not in codec.presets:
        known = f"one of {', '.join(codec.presets)}" if codec.presets else "nothing: it has none"
        raise ConfigError(f"preset is {options.preset!r}; {name} takes {known}")
    if codec.presets:
        settings[codec.preset_option] = options.preset or codec.preset
    return settings


def _of_light(light: Light, name: str) -> list[str]:
    if name == "av1":
        return light.svt()
    names = {"h264": ("mastering-display", "cll"), "h265": ("master-display", "max-cll")}.get(name)
    return light.x26x(*names) if names else []


class Encoder:
    """The video track of a file being written.

    Args:
        container: the file, before its header.
        plan: how frames are encoded.
        height, width: of the frames.
        time_base: seconds of a tick.
        rate: frames in a second, on average.
        sample_aspect: width of a pixel to its height.

    Raises:
        MediaError: the encoder refuses the size.
    """

    def __init__(self, container: OutputContainer, plan: Plan, height: int, width: int, time_base: Fraction,
                 rate: Fraction, sample_aspect: Fraction) -> None:  # fmt: skip
        # SVT-AV1 writes its settings on the terminal otherwise.
        os.environ.setdefault("SVT_LOG", "1")
        encoder, kind = plan.codec.encoder, container.format.name
        stream: Any = container.add_stream(encoder, rate=rate.limit_denominator(100_000), options=dict(plan.options))
        context = stream.codec_context
        stream.width, stream.height, stream.pix_fmt = width, height, plan.form.name
        context.time_base = stream.time_base = time_base
        context.sample_aspect_ratio = sample_aspect
        # Slices, the default, cost x264 quality; whole frames in several threads come as many frames late.
        context.thread_type = "SLICE" if plan.at_once else "AUTO"
        context.colorspace, context.color_trc = plan.colour.matrix, plan.colour.transfer
        context.color_primaries, context.color_range = plan.colour.primaries, 2 if plan.colour.full else 1
        if encoder == "libx265" and kind in ("mp4", "mov"):
            context.codec_tag = "hvc1"  # the one that Apple's players know
        try:
            context.open()
        except av.FFmpegError as error:
            raise MediaError(
                f"{encoder} cannot write {width}x{height} pixels ({plan.form.name}): {reason(error)}"
            ) from error
        self.stream = stream
        self.moved = 0
        """Frames whose time was not after the one before."""
        self._pack = Packer(plan.form.name, plan.colour, plan.matrix)
        self.depth: Literal["uint8", "uint16"] = "uint8" if plan.form.depth == 8 else "uint16"
        """Type of the planes that lose nothing."""
        self._base = time_base
        self._last: int | None = None
        self._frames = 0
        self._durations: dict[int, int] = {}

    def encode(
        self, planes: Planes, ticks: int, duration: int, like: av.VideoFrame | None = None
    ) -> list[av.Packet[Any]]:
        """One frame, planes (3, H, W), shown at `ticks` for `duration` ticks (0: unknown), with what `like` carries."""
        if self._last is not None and ticks <= self._last:
            self.moved += 1
            ticks = self._last + 1
        self._last = ticks
        self._frames += 1
        frame = self._pack(planes, like)
        frame.pts, frame.time_base = ticks, self._base
        if duration > 0:
            self._durations[ticks] = frame.duration = duration
        return self._set_durations(self.stream.encode(frame))

    def rest(self) -> list[av.Packet[Any]]:
        """Packets that the encoder still holds."""
        packets = self.stream.encode(None)
        if self._frames <= _SHORTER_THAN_THE_DELAY:
            for packet in packets:
                packet.dts = packet.pts
        return self._set_durations(packets)

    def _set_durations(self, packets: list[av.Packet[Any]]) -> list[av.Packet[Any]]:
        for packet in packets:
            with suppress(KeyError):
                packet.duration = self._durations.pop(packet.pts)  # type: ignore[arg-type]
        return packets
