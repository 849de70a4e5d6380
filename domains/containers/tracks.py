"""The tracks beside the picture: sound, subtitles and cover pictures, packet by packet into the new file.

Packets are copied untouched. Where the new container cannot hold their codec, sound is encoded anew and text subtitles
are rewritten; what cannot be taken along at all is said.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from .kinds import Container
from .labels import attach_cover, label
from .opening import reason
from .sound import FramePlacer, SoundDecoder, Wanted, add_best_sound

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

_TIMES_MAY_BE_EQUAL = 0x20000  # AVFMT_TS_NONSTRICT
_TEXT_CODEC = {"mp4": "mov_text", "mov": "mov_text", "3gp": "mov_text", "webm": "webvtt", "matroska": "subrip"}


class Track:
    """One track on its way: cut like the picture, moved back by what was cut off, and kept in order.

    Args:
        source: the track that packets come from.
        target: the track of the new file that they go to.
        span: seconds from which and up to which the clip is read; None for no cut at that end.
        shift: seconds that times are moved back by.
    """

    def __init__(
        self, source: Stream, target: Stream, span: tuple[Fraction | None, Fraction | None], shift: Fraction
    ) -> None:
        self._source, self._target = source, target
        self._span, self._shift = span, shift
        self._last: int | None = None
        # Packets of TrueHD are shorter than a millisecond: several of them have one time in Matroska.
        self._step = 0 if target.container.format.flags & _TIMES_MAY_BE_EQUAL else 1
        self._held: av.Packet[Any] | None = None
        self._length = 0

    def packets(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        """Handle a packet of the source."""
        if self._inside(packet):
            yield from self._convert(packet)

    def rest(self) -> Iterator[av.Packet[Any]]:
        """Packets left once the source has ended."""
        if self._held is not None:
            self._held.duration = self._decoded_length(self._held)
            yield self._move(self._held)

    def _convert(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        held, self._held = self._held, None
        if held is not None:
            if packet.dts is not None and held.dts is not None:
                self._length = held.duration = max(0, packet.dts - held.dts)
            yield self._move(held)
        if self._source.type != "subtitle" and not packet.duration:
            self._held = packet  # MP4 leaves out what lasts for no time: it lasts until the next
        else:
            yield self._move(packet)

    def _decoded_length(self, packet: av.Packet[Any]) -> int:
        if self._source.type == "audio":
            with suppress(av.FFmpegError, ValueError):
                decoded = SoundDecoder(self._source).decode(packet)
                seconds = sum(Fraction(each.samples, each.sample_rate) for each in decoded)
                return round(seconds / packet.time_base) or self._length
        return self._length

    def _inside(self, packet: av.Packet[Any]) -> bool:
        begin, end = self._span
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None or packet.time_base is None:
            return begin is None and end is None
        time = stamp * packet.time_base
        if self._source.type == "video":
            return True  # a cover belongs to the whole
        if self._source.type == "subtitle" and begin is not None and packet.duration:
            overlap = min(time + packet.duration * packet.time_base, end if end is not None else time + 1) - max(
                time, begin
            )
            return overlap > 0
        return (begin is None or time >= begin) and (end is None or time < end)

    def _move(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        base = packet.time_base
        back = round(self._shift / base) if self._shift and self._source.type != "video" else 0
        if packet.pts is not None:
            packet.pts -= back
        if packet.dts is not None:
            packet.dts -= back
            # A damaged file may go back in time, which no container takes.
            if self._last is not None and packet.dts < self._last + self._step and self._source.type == "audio":
                packet.dts = self._last + self._step
                packet.pts = max(packet.pts, packet.dts) if packet.pts is not None else packet.dts
            self._last = packet.dts
        packet.stream = self._target
        return packet


class _Sound(Track):
    """A sound track that is encoded anew."""

    def __init__(self, *arguments: Any, decoder: SoundDecoder, from_zero: bool) -> None:
        super().__init__(*arguments)
        begin, end = self._span
        self._decoder = decoder
        self._placer = FramePlacer(decoder, self._shift if from_zero else begin, end, self._shift)

    def _inside(self, packet: av.Packet[Any]) -> bool:
        return True  # cut where it begins and ends to the sample, once it is decoded

    def _convert(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        yield from self._encode(packet)

    def rest(self) -> Iterator[av.Packet[Any]]:
        yield from self._encode(None)
        yield from self._target.encode(None)  # type: ignore[attr-defined]

    def _encode(self, packet: av.Packet[Any] | None) -> Iterator[av.Packet[Any]]:
        decoded: list[av.AudioFrame] = []
        with suppress(av.FFmpegError, ValueError, EOFError):  # a damaged packet is a moment of silence
            decoded = self._decoder.decode(packet)
        for frame in decoded:
            for piece in self._placer.place(frame):
                yield from self._target.encode(piece)  # type: ignore[attr-defined]


class _Text(Track):
    """A subtitle track that is rewritten as plain text in another format."""

    def __init__(self, *arguments: Any, length_first: bool) -> None:
        super().__init__(*arguments)
        self._length_first = length_first

    def _convert(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        lines = []
        with suppress(av.FFmpegError, ValueError):
            lines = [rect.dialogue for rect in self._source.decode(packet)]  # type: ignore[attr-defined]
        text = b"\n".join(line.replace(b"\\N", b"\n") for line in lines if line)
        if not text:
            return
        written: av.Packet[Any] = av.Packet(struct.pack(">H", len(text)) + text if self._length_first else text)
        written.time_base, written.pts, written.dts = packet.time_base, packet.pts, packet.pts
        written.duration = packet.duration
        written.is_keyframe = True
        yield self._move(written)


def copy_track(
    source: Stream,
    container: OutputContainer,
    span: tuple[Fraction | None, Fraction | None],
    shift: Fraction,
    kind: Container,
) -> tuple[Track | None, str | None]:
    """Make room for a track in the new file, which is of a `kind`.

    Returns:
        The track (None where it cannot be taken along), and what is to be said about it.
    """
    what = f"{'sound' if source.type == 'audio' else source.type} track {source.index} ({_codec_name(source)})"
    if _is_cover(source):
        what = f"the cover picture ({_codec_name(source)})"
    if source.codec_context is None:
        return None, f"{what} is left out: its codec is not known here"
    if _is_cover(source) and kind.name == "matroska" and attach_cover(container, source):
        return None, None
    decoder = SoundDecoder(source) if source.type == "audio" else None
    if _holds(kind, source, span, decoder):
        target = container.add_stream_from_template(source, opaque=True)
        label(target, source)
        return Track(source, target, span, shift), None
    try:
        if decoder is not None:
            return _encoded_anew(what, source, decoder, container, span, shift, kind)
        codec = _TEXT_CODEC.get(kind.name)
        text = _add_text(container, source, codec) if source.type == "subtitle" else None
        if text is not None:
            label(text, source)
            track = _Text(source, text, span, shift, length_first=codec == "mov_text")
            return track, f"{what} was rewritten as {codec}: {kind.name} cannot hold it"
    except (av.FFmpegError, ValueError) as error:
        return None, f"{what} is left out: {kind.name} cannot hold it ({reason(error)})"
    return None, f"{what} is left out: {kind.name} cannot hold it"


def _encoded_anew(
    what: str,
    source: Any,
    decoder: SoundDecoder,
    container: OutputContainer,
    span: tuple[Fraction | None, Fraction | None],
    shift: Fraction,
    kind: Container,
) -> tuple[Track | None, str | None]:
    wanted = Wanted.of(decoder)
    encoder, target, faults = add_best_sound(container, kind, wanted)
    if target is None:
        why = "; ".join(f"{each}: {fault}" for each, fault in faults.items())
        return None, f"{what} is left out: {kind.name} cannot hold it ({why})"
    label(target, source)
    track = _Sound(source, target, span, shift, decoder=decoder, from_zero=kind.constant_rate)
    if encoder == wanted.codec and encoder.startswith("pcm_"):  # the same samples
        return track, None
    return track, f"{what} was encoded anew as {encoder}: {kind.name} does not keep it in its place"


def _holds(
    kind: Container, source: Stream, span: tuple[Fraction | None, Fraction | None], decoder: SoundDecoder | None
) -> bool:
    """Whether a kind of container gives a track back as it is: some say so only when their header is written."""
    codec: str = source.codec_context.codec.canonical_name
    at_home = kind.name in source.container.format.name.split(",")
    if decoder is not None:
        whole = at_home and span == (None, None)
        known = codec in kind.copied and (whole or not kind.constant_rate) and (at_home or decoder.order is None)
        # MP4 names the loudspeakers of stored samples (ISO/IEC 23003-5, chnl), and fails at the very end without.
        known = known and not (kind.name == "mp4" and codec.startswith("pcm_") and decoder.unnamed)
    elif _is_cover(source):
        known = kind.covers
    else:
        known = codec != "rawvideo" and (not kind.swallows or codec in kind.pictures)
        if source.type == "video" and not at_home:  # the picture of a video whose sound is translated
            reordered = bool(source.codec_context.has_b_frames)  # type: ignore[attr-defined]
            known = known and not kind.constant_rate and (kind.reorders or not reordered)
    if not known:
        return False
    try:
        with av.open(io.BytesIO(), "w", format=kind.name) as trial:
            trial.add_stream_from_template(source, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _codec_name(source: Stream) -> str:
    return source.codec_context.name if source.codec_context is not None else "unknown"


def _is_cover(source: Stream) -> bool:
    return source.type == "video" and bool(source.disposition & Disposition.attached_pic)


def _add_text(container: OutputContainer, source: Any, codec: str | None) -> Any:
    text_codecs = ("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text")
    if codec is None or source.codec_context.name not in text_codecs:
        return None
    if codec == "mov_text":  # its style goes into the header, so it needs an encoder
        target: Any = container.add_stream(codec)
        source.codec_context.open(strict=False)
        target.codec_context.subtitle_header = source.codec_context.subtitle_header
        target.codec_context.open()
    else:
        target = container.add_mux_stream(codec)
    target.time_base = source.time_base
    return target
