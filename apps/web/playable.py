"""A copy of a clip or a recording that every browser plays: `python -m unpaired.apps.web.playable FILE COPY.mp4`.

H.264 and AAC, at most 960 pixels wide, with a key frame every half second, so that it can be stepped through.
"""

from __future__ import annotations

import argparse
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import numpy.typing as npt

from unpaired import MediaError, UnpairedError
from unpaired.domains.video import Glance, decode

WIDEST = 960
_RATE = 24000
_LONGEST_SOUND = 3600.0
_TICKS = 90000


def make_playable(source: Path, target: Path) -> None:
    """Write the copy, which appears when it is complete. Raises MediaError: there is nothing to play in it."""
    part = target.with_name(f"part-{target.name}")
    form = _form(source)
    sound = _sound(source)
    if form is None and sound is None:
        raise MediaError(f"{source} is neither a clip nor a recording")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as output:
            video = None if form is None else _video_stream(output, form)
            audio: Any = None if sound is None else output.add_stream("aac", rate=_RATE, layout="mono")
            if sound is not None:
                _write_sound(output, audio, sound)
            if video is not None and form is not None:
                _write_frames(output, video, source, form)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


class _Form(NamedTuple):
    """Of the pictures of a copy."""

    height: int
    width: int
    rate: Fraction
    """Frames a second, by which the encoder knows how long the last one is shown."""


def _form(source: Path) -> _Form | None:
    """Sizes are even numbers; None where there is no picture."""
    try:
        clip = Glance(source)
    except MediaError:
        return None
    clip.close()
    width = clip.info.width * float(clip.info.sample_aspect)
    scale = min(1.0, WIDEST / max(width, clip.info.height))
    height, width = (max(2, 2 * round(side * scale / 2)) for side in (clip.info.height, width))
    return _Form(height, width, clip.info.rate)


def _sound(source: Path) -> npt.NDArray[np.float32] | None:
    from unpaired.domains.audio import read_mono

    try:
        return read_mono(source, _RATE, _LONGEST_SOUND)
    except MediaError:
        return None


def _video_stream(output: Any, form: _Form) -> Any:
    options = {"preset": "veryfast", "crf": "23", "g": "15", "bf": "0"}
    stream = output.add_stream("libx264", rate=form.rate, options=options)
    stream.height, stream.width = form.height, form.width
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = Fraction(1, _TICKS)
    return stream


def _write_frames(output: Any, stream: Any, source: Path, form: _Form) -> None:
    last = -1
    for frame in decode(source, size=(form.height, form.width)):
        pixels = frame.pixels if frame.pixels.dtype == np.uint8 else (frame.pixels >> 8).astype(np.uint8)
        picture = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format="yuv420p")
        last = max(last + 1, round(frame.time * _TICKS))
        picture.pts, picture.time_base = last, Fraction(1, _TICKS)
        output.mux(stream.encode(picture))
    output.mux(stream.encode(None))


def _write_sound(output: Any, stream: Any, sound: npt.NDArray[np.float32]) -> None:
    for start in range(0, len(sound), 1024):
        block = np.ascontiguousarray(sound[None, start : start + 1024])
        frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, start, Fraction(1, _RATE)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def main(words: list[str] | None = None) -> int:
    """Make one copy; the exit code is 2 where that cannot be."""
    parser = argparse.ArgumentParser(prog="python -m unpaired.apps.web.playable", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("copy", type=Path)
    args = parser.parse_args(words)
    try:
        make_playable(args.file, args.copy)
    except UnpairedError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
