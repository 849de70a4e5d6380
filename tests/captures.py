"""Captures as cameras, broadcasts and calls leave them: clocks that begin anywhere, and sound that pauses.

At each whole second a frame is white, and a burst of noise begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from synthetic_sound import sound_frame

RATE, FPS = 48_000, 25
BURST = 0.05
"""Seconds of a burst."""


def capture(
    path: Path,
    seconds: float = 2,
    offset: float = 0,
    *,
    begin: float = 0,
    video: str | None = "mpeg2video",
    sound: Sequence[str] = ("mp2",),
    later: float = 0,
    pause: tuple[float, float] | None = None,
    clock: Callable[[str, float], float] = lambda kind, time: time,
    container: str | None = None,
    options: dict[str, str] | None = None,
    muxer: dict[str, str] | None = None,
) -> Path:
    """A capture of `seconds` from second `begin` of the scene on.

    Args:
        offset: seconds that the file's clock shows at its beginning.
        video, sound: codecs of its tracks.
        later: seconds by which the sound begins later than the footage.
        pause: seconds of the file between which there are no packets of sound.
        clock: what the clock shows for a packet of a kind ("video" or "audio") at a time.
        options, muxer: of the video's encoder, and of the container's writer.
    """
    with av.open(
        str(path), "w", format=container, container_options={"output_ts_offset": str(offset), **(muxer or {})}
    ) as file:
        packets: list[tuple[float, Any]] = []
        tracks = ([_footage(file, video, seconds, begin, options)] if video else []) + [
            _sound(file, each, seconds, begin, later, pause) for each in sound
        ]
        for track in tracks:
            packets += [(float(packet.dts * packet.time_base), packet) for packet in track]
        for time, packet in sorted(packets, key=lambda each: each[0]):
            moved = round((clock(packet.stream.type, time) - time) / packet.time_base)
            packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
            file.mux(packet)
    return path


def joined(path: Path, *parts: Path) -> Path:
    """One file after another, as `cat` does it."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _footage(file: Any, codec: str, seconds: float, begin: float, options: dict[str, str] | None) -> list[Any]:
    stream = file.add_stream(codec, rate=FPS, options=options or {"g": "5", "bf": "0"})
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    packets = []
    for number in range(round(seconds * FPS)):
        white = (number + round(begin * FPS)) % FPS == 0
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 235 if white else 16, np.uint8), "rgb24")
        packets += stream.encode(frame.reformat(format="yuv420p"))
    return packets + list(stream.encode(None))


def _sound(
    file: Any, codec: str, seconds: float, begin: float, later: float, pause: tuple[float, float] | None
) -> list[Any]:
    stream = file.add_stream(codec, rate=RATE, layout="mono")
    context = stream.codec_context
    context.open()
    size, packets = context.frame_size or 960, list[Any]()
    form = context.format.name
    for first in range(round(later * RATE), round(seconds * RATE) - size + 1, size):
        if pause and pause[0] <= first / RATE < pause[1]:
            continue
        audio = scene(begin + (first + np.arange(size)) / RATE)
        for each in av.AudioResampler(form, "mono", RATE).resample(sound_frame(audio, RATE, first)):
            packets += stream.encode(each)
    return packets + list(stream.encode(None))


def scene(times: Any) -> Any:
    """What is heard at some seconds."""
    noise = np.random.default_rng(7).uniform(-0.5, 0.5, RATE)
    return noise[np.round(times * RATE).astype(int) % RATE] * (times % 1 < BURST)


def onsets(audio: Any, rate: int, start: float = 0) -> list[float]:
    """Seconds at which bursts begin in samples (channels, n)."""
    loud = np.flatnonzero(abs(audio[0]) > 0.1) / rate + start
    return [round(float(time), 3) for time in loud[np.diff(loud, prepend=-1) > 0.4]]


def flashes(frames: Sequence[tuple[float, Any]]) -> list[float]:
    """Seconds of the white ones among frames with their times."""
    return [round(float(time), 3) for time, pixels in frames if float(np.mean(pixels)) > 120]


def bursts_in(path: Path) -> list[float]:
    """Seconds of a file at which bursts begin, by the times of its packets."""
    found: list[float] = []
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            audio = frame.to_ndarray().astype(float)
            audio = audio / 32768 if frame.format.name.startswith("s16") else audio
            begin = float((frame.pts or 0) * (frame.time_base or 0))
            new = onsets(audio.reshape(1, -1) if frame.format.is_planar is False else audio, frame.sample_rate, begin)
            found += [time for time in new if not found or time - found[-1] > 0.4]
    return found


def flashes_in(path: Path) -> list[float]:
    """Seconds of a file at which frames are white."""
    with av.open(str(path)) as file:
        return flashes([(float(f.pts * f.time_base), f.to_ndarray(format="gray")) for f in file.decode(video=0)])
