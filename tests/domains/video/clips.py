"""Small clips made to order, and what is in a clip that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from synthetic_sound import sound_frame

Pixels = npt.NDArray[Any]

SUBTITLES = ("Good morning", "it is a fine day", "good night")


def picture(number: int, height: int = 48, width: int = 64) -> Pixels:
    """Frame `number` of a soft pattern that moves two pixels to the right with each frame: (H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    x -= 2 * number
    waves = [np.sin(x / 9 + 1), np.sin(x / 13 + y / 7), np.cos(y / 11 - x / 17)]
    return np.stack([127 + 90 * wave for wave in waves], axis=2).round().astype(np.uint8)


def make(
    path: Path,
    frames: int = 10,
    size: tuple[int, int] = (48, 64),
    *,
    times: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 12800),
    rate: int = 25,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    colour: tuple[int, int, int, int] = (2, 2, 2, 0),
    turned: int = 0,
    mirrored: bool = False,
    sample_aspect: Fraction = Fraction(1),
    interlaced: bool = False,
    sound: str | None = None,
    sound_seconds: float | None = None,
    second: tuple[int, int] | None = None,
    subtitles: str | None = None,
    chapters: bool = False,
    metadata: dict[str, str] | None = None,
    container: str | None = None,
) -> Path:
    """A clip of `picture`s.

    Args:
        frames, size: how many, (height, width).
        times: ticks at which they are shown; a constant `rate` by default.
        colour: H.273 matrix, transfer, primaries, and range (1 limited, 2 full).
        turned: degrees counter-clockwise that a player is to turn the pictures by.
        interlaced: code them as fields.
        sound, subtitles: codec of such a track.
        second: (height, width) of a second video track.
    """
    height, width = size
    step = round(1 / time_base / rate)
    times = times if times is not None else [n * step for n in range(frames)]
    seconds = sound_seconds if sound_seconds is not None else float((times[-1] + step) * time_base)
    with av.open(str(path), "w", format=container) as out:
        out.metadata.update(metadata or {})
        stream: Any = out.add_stream(codec, rate=rate, options={"crf": "12", "preset": "ultrafast"} if "x26" in codec
                                     and options is None else options or {})  # fmt: skip
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.sample_aspect_ratio = sample_aspect
        context.colorspace, context.color_trc, context.color_primaries, context.color_range = colour
        if turned or mirrored:
            stream.set_display_rotation(turned, hflip=mirrored)
        others = [_Second(out, second, rate)] if second else []
        tracks: list[Any] = [*others, *([_Sound(out, sound, seconds)] if sound else [])]
        tracks += [_Text(out, subtitles)] if subtitles else []
        if chapters:
            half = round(seconds * 500)
            out.set_chapters([
                {"id": 1, "start": 0, "end": half, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}},
                {"id": 2, "start": half, "end": 2 * half, "time_base": Fraction(1, 1000), "metadata": {"title": "two"}},
            ])  # fmt: skip
        for number, tick in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, height, width), "rgb24")
            limited = 2 if colour[3] == 2 else 1
            frame = frame.reformat(format=pixel_format, src_color_range=2, dst_color_range=limited,
                                   dst_colorspace={1: 1, 9: 9}.get(colour[0], 5))  # fmt: skip
            frame.pts, frame.time_base = tick, time_base
            out.mux(stream.encode(frame))
            for track in tracks:
                track.until(out, float(tick * time_base))
        out.mux(stream.encode(None))
        for track in tracks:
            track.until(out, None)
    return path


class _Second:
    def __init__(self, out: Any, size: tuple[int, int], rate: int) -> None:
        self._stream = out.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        self._stream.height, self._stream.width = self._size = size
        self._number = 0

    def until(self, out: Any, time: float | None) -> None:
        if time is None:
            out.mux(self._stream.encode(None))
            return
        frame = av.VideoFrame.from_ndarray(picture(self._number, *self._size), "rgb24").reformat(format="yuv420p")
        frame.pts = self._number
        self._number += 1
        out.mux(self._stream.encode(frame))


class _Sound:
    """A tone of 440 Hz."""

    rate = 48_000

    def __init__(self, out: Any, codec: str, seconds: float) -> None:
        self._stream = out.add_stream(codec, rate=self.rate)
        self._stream.layout = "mono"
        self._samples, self._done = round(seconds * self.rate), 0

    def until(self, out: Any, time: float | None) -> None:
        last = self._samples if time is None else min(self._samples, round(time * self.rate))
        while self._done < last:
            count = min(960, last - self._done)
            tone = 8000 * np.sin(2 * np.pi * 440 * (self._done + np.arange(count)) / self.rate)
            out.mux(self._stream.encode(sound_frame(tone.astype(np.int16), self.rate, self._done)))
            self._done += count
        if time is None:
            out.mux(self._stream.encode(None))


class _Text:
    """Subtitles of 0.1 s each, from 0.05 s on."""

    def __init__(self, out: Any, codec: str) -> None:
        self._stream = out.add_mux_stream(codec)
        self._stream.time_base = Fraction(1, 1000)
        self._done = False

    def until(self, out: Any, time: float | None) -> None:
        if self._done:
            return
        self._done = True
        for number, text in enumerate(SUBTITLES):
            packet: Any = av.Packet(text.encode())
            packet.stream, packet.time_base = self._stream, Fraction(1, 1000)
            packet.pts = packet.dts = 50 + 120 * number
            packet.duration, packet.is_keyframe = 100, True
            out.mux(packet)


@dataclass
class Contents:
    """What a clip holds, by FFmpeg's own account."""

    times: list[Fraction] = field(default_factory=list)
    """Seconds of each decoded frame of the first video track."""
    frames: list[av.VideoFrame] = field(default_factory=list)
    packets: dict[int, list[tuple[Fraction | None, bytes]]] = field(default_factory=dict)
    """Time and bytes of the packets of each sound and subtitle track."""
    codecs: list[str] = field(default_factory=list)
    chapters: list[tuple[float, float, str]] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    """Height and width."""


def contents(path: Path | Any) -> Contents:
    """Read a clip through to its end."""
    found = Contents()
    with av.open(str(path) if isinstance(path, Path) else path) as clip:
        found.codecs = [stream.codec_context.name for stream in clip.streams if stream.codec_context is not None]
        found.metadata = dict(clip.metadata)
        for chapter in clip.chapters():
            base = chapter["time_base"] or Fraction(1)
            title = chapter["metadata"].get("title", "")
            found.chapters.append((float(chapter["start"] * base), float(chapter["end"] * base), title))
        video = clip.streams.video[0]
        kept = [video, *clip.streams.audio, *clip.streams.subtitles]
        for packet in clip.demux(*kept):
            if packet.stream is video:
                found.frames += packet.decode()  # type: ignore[arg-type]
            elif packet.size:
                time = packet.pts * packet.time_base if packet.pts is not None else None
                found.packets.setdefault(packet.stream.index, []).append((time, bytes(packet)))
    found.times = [frame.pts * frame.time_base for frame in found.frames if frame.pts is not None and frame.time_base]
    found.size = (found.frames[0].height, found.frames[0].width) if found.frames else (0, 0)
    return found


def yuv(frame: av.VideoFrame) -> npt.NDArray[np.float64]:
    """All samples of a planar frame, in the range of 8 bits."""
    deep = frame.format.components[0].bits > 8
    scale = 2.0 ** (frame.format.components[0].bits - 8)
    planes = [np.frombuffer(plane, np.uint16 if deep else np.uint8).reshape(plane.height, -1) for plane in frame.planes]
    return np.concatenate([p[:, : q.width].ravel() for p, q in zip(planes, frame.planes, strict=True)]) / scale


def psnr(a: Any, b: Any, peak: float = 255.0) -> float:
    """Peak signal-to-noise ratio in decibels; 100 for equal arrays."""
    error = float(np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2))
    return 100.0 if error == 0 else min(100.0, 10 * float(np.log10(peak**2 / error)))
