"""Clips and frames that tests make for themselves: every frame says by its look which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image
from written_through import write_through

Frame = npt.NDArray[np.uint8]


def texture(height: int = 48, width: int = 64, seed: int = 0) -> Frame:
    """A smooth coloured pattern (height, width, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.random.default_rng(seed).uniform(0.1, 0.5, (3, 2))
    planes = [np.sin(rows * down + columns * across) for down, across in waves]
    return np.stack([(127.5 + 100 * plane).astype(np.uint8) for plane in planes], axis=2)


def moving(count: int, step: int = 1, height: int = 48, width: int = 64, seed: int = 0) -> list[Frame]:
    """Frames of a pattern that moves to the left by `step` pixels each."""
    wide = texture(height, width + step * count, seed)
    return [np.ascontiguousarray(wide[:, step * number : step * number + width]) for number in range(count)]


def levels(count: int, height: int = 48, width: int = 64) -> list[Frame]:
    """Frames of one grey each: frame n has the level 10 + 5 n."""
    return [np.full((height, width, 3), 10 + 5 * number, np.uint8) for number in range(count)]


def write_clip(
    path: Path, frames: Sequence[Frame], rate: int = 10, times: Sequence[float] | None = None, codec: str = "ffv1"
) -> Path:
    """A clip of those frames, lossless (in RGB) unless another codec is named; `times` in seconds for unlike gaps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            seconds = times[number] if times is not None else number / rate
            frame.pts, frame.time_base = round(1000 * seconds), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_frames(folder: Path, frames: Sequence[Frame], name: str = "frame{}.png") -> Path:
    """A folder of PNG files, numbered from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(frames, 1):
        Image.fromarray(pixels).save(folder / name.format(number))
    return folder


def convert(source: Any, target: Any, **options: Any) -> tuple[str, ...]:
    """Through reader and writer with nothing between them; returns what both had to say."""
    from unpaired.domains.video import VideoConversion
    from unpaired.domains.video.reading.clip import VideoReader
    from unpaired.domains.video.writing.writer import VideoWriter

    settings = VideoConversion(**options)
    with VideoReader(source, settings) as reader:
        return write_through(reader, VideoWriter(target, reader, settings))
