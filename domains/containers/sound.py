"""Sound tracks that are encoded anew: an encoder that will do, and samples where their times say.

Times go into the new file only as far as its container has them, so the samples themselves are kept in step with the
clock: silence stands where nothing was recorded, and what would overlap is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import numpy.typing as npt

from .kinds import Container
from .opening import reason

if TYPE_CHECKING:
    from av.container import OutputContainer

_GAP = Fraction(2, 1000)
"""Seconds between two frames above which they do not follow on: containers round times to milliseconds."""
_DRIFT = Fraction(20, 1000)
"""Seconds that samples may come to lie beside their times where no single step is a gap: clocks are not exact."""
_BIT_RATE = 96_000
"""Of a channel, where the input does not say."""
_LOSSLESS = ("alac", "flac", "wavpack", "tta")
_HIGHEST = ("wmav1", "wmav2")
"""Encoders that take any rate up to 48 kHz."""
_BEHIND = ("libopus", "alac")
_ONE_PAIR = {"quad(side)": "quad", "5.0(side)": "5.0", "5.1(side)": "5.1"}
"""Layouts with loudspeakers beside the listener by what encoders call them that know only loudspeakers behind."""
_OF_OPUS = ("3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""Layouts of more than two channels that Opus has (RFC 7845, 5.1.1.2); of others the channels are unnamed."""
_NATIVE = [av.AudioLayout(hex(1 << bit)).channels[0].name for bit in range(63)]
"""Loudspeakers in the order in which FFmpeg's layouts have them."""
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libopus"}
"""Encoder of a codec, where it is called otherwise."""


class SoundDecoder:
    """The decoder of a track of sound, and the order in which it gives the channels.

    MOV and CAF may list the loudspeakers of their channels in any order. PyAV 18.1 shares such a list between a decoder
    or a frame and the `AudioLayout` made of it, and each of them frees it, which ends the program. So the list is taken
    from the decoder before it makes a frame: it is told the same loudspeakers in their usual order.
    """

    def __init__(self, stream: Any) -> None:
        self.context: Any = stream.codec_context
        layout = self.context.layout  # owns the list from here on
        names = [channel.name for channel in layout.channels]
        known = len(set(names)) == len(names) and set(names) <= set(_NATIVE)
        usual = sorted(range(len(names)), key=lambda at: _NATIVE.index(names[at])) if known else [*range(len(names))]
        self.order: list[int] | None = None if usual == [*range(len(names))] else usual
        """Which of the channels that it gives belongs at each place of the layout; None where they stand there."""
        if names:
            self.context.layout = "+".join(names[at] for at in usual) if known else f"{len(names)} channels"

    @property
    def unnamed(self) -> bool:
        """Whether the file says the number of channels alone, where there are several."""
        layout = self.context.layout
        return bool(layout.nb_channels > 1 and layout.name.endswith(" channels"))

    def decode(self, packet: av.Packet[Any] | None) -> list[av.AudioFrame]:
        """The frames of a packet; None gives those that are left at the end."""
        frames: list[av.AudioFrame] = self.context.decode(packet)
        return frames

    def channels(self, packed: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
        """Packed samples as (channels, n), in the order of the layout."""
        samples = packed.reshape(-1, count).T
        return samples if self.order is None else samples[self.order]


@dataclass(frozen=True)
class Wanted:
    """Sound that is to be encoded."""

    codec: str
    """Its codec, by FFmpeg's name; empty if it is not one of FFmpeg's codecs."""
    rate: int
    layout: str
    """FFmpeg's name of the loudspeakers."""
    bits: int
    """Of a sample, where samples were stored as they are; 0 where they were not."""
    bit_rate: int = 0
    """Bits a second that it was stored in; 0 for the usual."""

    @classmethod
    def of(cls, decoder: SoundDecoder) -> Wanted:
        """Format of a decoded track."""
        context = decoder.context
        codec = context.codec
        stored = codec.lossless and codec.canonical_name != "dts"
        bits = 8 * context.format.bytes if stored and context.format is not None else 0
        return cls(codec.canonical_name, context.sample_rate, named_layout(context.layout), bits)


def named_layout(layout: av.AudioLayout) -> str:
    """The name of a layout; FFmpeg calls one that a file does not state "1 channels", which no encoder takes."""
    unknown = layout.name.endswith(" channels")
    return av.AudioLayout(f"{layout.nb_channels}c").name if unknown else layout.name


def encoders_for(kind: Container, wanted: Wanted) -> Sequence[str]:
    """The encoders to try for sound that goes into a kind of container, the best first."""
    codec, deep = wanted.codec, wanted.bits > 16 and kind.sound[0] == "pcm_s16le"
    own = codec in kind.copied and (codec.startswith("pcm_") or not kind.constant_rate)
    choice = [_ENCODERS.get(codec, codec)] if own else []
    choice += [*kind.lossless, *(["pcm_s24le"] if deep else [])] if wanted.bits else []
    usable = dict.fromkeys((*choice, *kind.sound))
    return [each for each in usable if each in av.codec.codecs_available and _can_encode(each)]


def is_lossless(encoder: str) -> bool:
    """Whether an encoder keeps every sample."""
    return encoder in _LOSSLESS or encoder.startswith("pcm_")


def _can_encode(name: str) -> bool:
    try:
        return bool(av.codec.Codec(name, "w"))
    except ValueError:
        return False


def add_sound(container: OutputContainer, encoder: str, wanted: Wanted) -> Any:
    """A new track of sound, at the wanted rate or the next one that the encoder has.

    The encoder is tried before its track is added: one that failed to open would spoil the header for all.

    Raises:
        av.FFmpegError, ValueError: the encoder refuses such sound, or the container the codec.
    """
    trial = open_encoder(encoder, wanted)
    target: Any = container.add_stream(encoder, rate=trial.sample_rate)
    _set_up(target.codec_context, encoder, wanted, trial.bit_rate)
    target.time_base = target.codec_context.time_base
    target.codec_context.open()
    return target


def add_best_sound(container: OutputContainer, kind: Container, wanted: Wanted) -> tuple[str, Any, dict[str, str]]:
    """A new track of sound by the best encoder that a kind of container takes.

    Returns:
        The encoder and its track (an empty name and None where none will do), and the reasons why better ones will not.
    """
    faults: dict[str, str] = {}
    for encoder in encoders_for(kind, wanted):
        try:
            return encoder, add_sound(container, encoder, wanted), faults
        except (av.FFmpegError, ValueError) as error:
            faults[encoder] = reason(error)
    return "", None, faults


def open_encoder(encoder: str, wanted: Wanted) -> Any:
    """An encoder by itself; see `add_sound`."""
    same = _ENCODERS.get(wanted.codec, wanted.codec) == encoder
    usual = _BIT_RATE * av.AudioLayout(wanted.layout).nb_channels
    rates = (0,) if is_lossless(encoder) else (usual, usual // 2, usual // 4)
    fault: Exception = ValueError("no bit rate will do")
    for bit_rate in (wanted.bit_rate, *rates) if same and wanted.bit_rate and rates[0] else rates:
        context: Any = av.codec.CodecContext.create(encoder, "w")
        _set_up(context, encoder, wanted, bit_rate)
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            fault = error
        else:
            return context
    raise fault


def _set_up(context: Any, encoder: str, wanted: Wanted, bit_rate: int | None) -> None:
    rate = _supported_rate(encoder, wanted.rate)
    layout = _ONE_PAIR.get(wanted.layout, wanted.layout) if encoder in _BEHIND else wanted.layout
    context.sample_rate, context.layout, context.time_base = rate, layout, Fraction(1, rate)
    if encoder == "libopus" and av.AudioLayout(layout).nb_channels > 2:
        # Left to choose, FFmpeg's encoder (5.1 to 8.1) puts the channels of 5.0 and 6.1 where others belong.
        context.options = {"mapping_family": "1" if layout in _OF_OPUS else "255"}
    formats = [each.name for each in av.codec.Codec(encoder, "w").audio_formats or ()]
    if formats:
        context.format = _sample_format(formats, wanted.bits)
    if bit_rate:
        context.bit_rate = bit_rate


def _supported_rate(encoder: str, rate: int) -> int:
    """The lowest rate of an encoder that loses nothing, or its highest."""
    rates = av.codec.Codec(encoder, "w").audio_rates or (rate if encoder not in _HIGHEST else min(rate, 48_000),)
    return min((each for each in rates if each >= rate), default=max(rates))


def _sample_format(formats: Sequence[str], bits: int) -> str:
    """The sample format that loses least."""
    order = ["fltp", "flt", "s32p", "s32", "s16p", "s16"]
    if 0 < bits <= 16:
        order = order[4:] + order[:4]
    return next((each for each in order if each in formats), formats[0])


@dataclass(frozen=True)
class Delay:
    """Padding that an encoder adds at the beginning and the end."""

    before: int
    """Samples that it gives before those that it was given."""
    kept_back: int
    """Samples of the last that it does not give unless as many follow."""
    frame: int
    """Samples of a packet."""


def encoder_delay(encoder: str, wanted: Wanted) -> Delay:
    """Measure it on silence."""
    trial = open_encoder(encoder, wanted)
    size = trial.frame_size or 1
    channels = av.AudioLayout(wanted.layout).nb_channels
    silence = av.AudioFrame.from_ndarray(np.zeros((1, 4 * size * channels), np.float32), "flt", wanted.layout)
    silence.sample_rate, silence.pts, silence.time_base = trial.sample_rate, 0, trial.time_base
    packets = [*trial.encode(silence), *trial.encode(None)]
    before = -min((packet.pts for packet in packets if packet.pts is not None), default=0)
    return Delay(before, 0 if trial.codec.delay else before, size)


class FramePlacer:
    """Decoded frames made one stretch of samples: each lies where its time says, from `begin` up to `end`.

    Args:
        decoder: what gives the frames.
        begin: seconds of the first sample given; None for the first frame's own time.
        end: seconds at which the stretch ends at the latest.
        shift: seconds that times are moved back by.
    """

    def __init__(self, decoder: SoundDecoder, begin: Fraction | None, end: Fraction | None, shift: Fraction) -> None:
        self._decoder = decoder
        self._begin, self._end, self._shift = begin, end, shift
        self._form: tuple[str, str, int] | None = None
        self._source: tuple[str, str, int] | None = None
        self._resampler: Any = None
        self._begun = False
        self._due = Fraction(0)  # when the next sample is heard
        self._stated = Fraction(0)  # when the last frame ended by its own account
        self._ticks = 0

    def place(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Contribution of a decoded frame: silence before it, and its audible part."""
        time = self._stated if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
        if self._form is None:
            # Packed: PyAV 18.1 counts the planes of a planar frame past their end where there are eight or more.
            self._form = (frame.format.packed.name, named_layout(frame.layout), frame.sample_rate)
            self._due = time if self._begin is None else self._begin
            self._ticks = round((self._due - self._shift) * frame.sample_rate)
        for part in self._of_one_form(frame):
            yield from self._place_at(part, time)
            time = self._stated

    def _of_one_form(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """The frame in the form of the first, which may change on the way."""
        assert self._form is not None
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        if source != self._source:
            self._source, self._resampler = source, av.AudioResampler(*self._form)
        frame.pts = None
        parts: list[av.AudioFrame] = self._resampler.resample(frame)
        return parts

    def _place_at(self, frame: av.AudioFrame, time: Fraction) -> Iterator[av.AudioFrame]:
        rate, late = frame.sample_rate, time - self._due
        follows = self._begun and abs(time - self._stated) <= _GAP and abs(late) <= _DRIFT
        self._stated = time + Fraction(frame.samples, rate)
        samples = self._decoder.channels(frame.to_ndarray(), frame.layout.nb_channels)
        if not follows and late > 0:
            yield from self._silence(late, samples[:, :1], rate)
        elif not follows:
            samples = samples[:, round(-late * rate) :]
        if self._end is not None:
            samples = samples[:, : max(0, round((self._end - self._due) * rate))]
        if samples.shape[1]:
            yield self._piece(samples, rate)

    def _silence(self, seconds: Fraction, like: npt.NDArray[Any], rate: int) -> Iterator[av.AudioFrame]:
        if self._end is not None:
            seconds = min(seconds, self._end - self._due)
        zero = np.full_like(like, 128 if like.dtype == np.uint8 else 0)
        left = round(seconds * rate)
        while left > 0:
            count = min(left, rate)
            yield self._piece(np.repeat(zero, count, axis=1), rate)
            left -= count

    def _piece(self, samples: npt.NDArray[Any], rate: int) -> av.AudioFrame:
        """(channels, n) as the next frame."""
        assert self._form is not None
        name, layout, _ = self._form
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format=name, layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, self._ticks, Fraction(1, rate)
        self._ticks += samples.shape[1]
        self._due += Fraction(samples.shape[1], rate)
        self._begun = True
        return frame
