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

from ..containers.opening import reason
from .probe import codec_name

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.stream import Stream

_TEXT_CODEC = {"mp4": "mov_text", "mov": "mov_text", "3gp": "mov_text", "webm": "webvtt", "matroska": "subrip"}
# Statistics and leftovers of the writer of the input: they would be wrong, or the new writer adds its own.
_STALE_TAGS = ("encoder", "duration", "bps", "number_of_", "_statistics", "major_brand", "minor_version",
               "compatible_brands", "rotate", "alpha_mode")  # fmt: skip


def kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """Metadata without what describes the input file rather than its content."""
    return {name: value for name, value in tags.items() if not name.lower().startswith(_STALE_TAGS)}


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
        self._base: Fraction | None = None

    def packets(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        """What becomes of a packet of the source."""
        if self._inside(packet):
            yield from self._converted(packet)

    def rest(self) -> Iterator[av.Packet[Any]]:
        """What is left once the source has ended."""
        return iter(())

    def _converted(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        yield self._moved(packet)

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

    def _moved(self, packet: av.Packet[Any]) -> av.Packet[Any]:
        base = packet.time_base
        back = round(self._shift / base) if self._shift and self._source.type != "video" else 0
        if packet.pts is not None:
            packet.pts -= back
        if packet.dts is not None:
            packet.dts -= back
            # A damaged file may go back in time, which no container takes.
            if self._last is not None and packet.dts <= self._last and self._source.type == "audio":
                packet.dts = self._last + 1
                packet.pts = max(packet.pts, packet.dts) if packet.pts is not None else packet.dts
            self._last = packet.dts
        packet.stream = self._target
        return packet


class _Sound(Track):
    """A sound track that is encoded anew."""

    def _converted(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
        with suppress(av.FFmpegError, ValueError):  # a damaged packet is a moment of silence
            for frame in self._source.decode(packet):  # type: ignore[attr-defined]
                yield from self._encoded(frame)

    def rest(self) -> Iterator[av.Packet[Any]]:
        with suppress(av.FFmpegError, ValueError):
            for frame in self._source.decode(None):  # type: ignore[attr-defined]
                yield from self._encoded(frame)
        yield from self._target.encode(None)  # type: ignore[attr-defined]

    def _encoded(self, frame: av.AudioFrame) -> Iterator[av.Packet[Any]]:
        if frame.pts is not None and frame.time_base is not None:
            frame.pts -= round(self._shift / frame.time_base)
        yield from self._target.encode(frame)  # type: ignore[attr-defined]


class _Text(Track):
    """A subtitle track that is rewritten as plain text in another format."""

    def __init__(self, *arguments: Any, length_first: bool) -> None:
        super().__init__(*arguments)
        self._length_first = length_first

    def _converted(self, packet: av.Packet[Any]) -> Iterator[av.Packet[Any]]:
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
        yield self._moved(written)


def take_along(
    source: Stream,
    container: OutputContainer,
    span: tuple[Fraction | None, Fraction | None],
    shift: Fraction,
    sound_encoder: str,
) -> tuple[Track | None, str | None]:
    """Make room for a track in the new file.

    Returns:
        The track (None where it cannot be taken along), and what is to be said about it.
    """
    what = f"{'sound' if source.type == 'audio' else source.type} track {source.index} ({codec_name(source)})"
    if source.type == "video":
        what = f"the cover picture ({codec_name(source)})"
    name = container.format.name
    if source.codec_context is None:
        return None, f"{what} is left out: its codec is not known here"
    if _holds(name, source):
        target = container.add_stream_from_template(source, opaque=True)
        _label(target, source)
        return Track(source, target, span, shift), None
    try:
        if source.type == "audio":
            sound = _add_sound(container, source, sound_encoder)
            _label(sound, source)
            return _Sound(
                source, sound, span, shift
            ), f"{what} was encoded anew as {sound_encoder}: {name} cannot hold it"
        text = _add_text(container, source, _TEXT_CODEC.get(name)) if source.type == "subtitle" else None
        if text is not None:
            _label(text, source)
            first = _TEXT_CODEC[name] == "mov_text"
            track = _Text(source, text, span, shift, length_first=first)
            return track, f"{what} was rewritten as {_TEXT_CODEC[name]}: {name} cannot hold it"
    except (av.FFmpegError, ValueError) as error:
        return None, f"{what} is left out: {name} cannot hold it ({reason(error)})"
    return None, f"{what} is left out: {name} cannot hold it"


def _holds(container: str, source: Stream) -> bool:
    """Whether a kind of container takes a track as it is: some say so only when their header is written."""
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(source, opaque=True)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


def _add_sound(container: OutputContainer, source: Any, encoder: str) -> Any:
    rate = source.codec_context.sample_rate
    if encoder == "libopus":
        rate = min((r for r in (8000, 12000, 16000, 24000, 48000) if r >= rate), default=48000)
    target: Any = container.add_stream(encoder, rate=rate)
    target.layout = source.codec_context.layout.name
    target.bit_rate = 96_000 * max(1, len(source.codec_context.layout.channels))
    target.codec_context.open()
    return target


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


def _label(target: Any, source: Any) -> None:
    target.metadata.update(kept_tags(dict(source.metadata)))
    target.disposition = source.disposition if source.type != "video" else Disposition.attached_pic
