"""What the page shows of a file: `python -m unpaired.apps.web.media FILE FOLDER` looks at one, in a process of its own.

The folder gets `facts.json`, written last, and pictures beside it: `thumb.jpg` of every file, `reduced.png` of a
picture and of a clip's middle, `strip.jpg` of a clip and of a recording, all of it from left to right, `spectrum.png`
and `pitch.svg` of a recording. A file that cannot
be read gets facts that say why, in `error`. Nothing here imports torch.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from unpaired import MediaError, UnpairedError
from unpaired.apps.web.facts import NAME, Facts
from unpaired.apps.web.naming import kind_by_name
from unpaired.apps.web.sounds import SHOWN, pitch_curve, spectrum
from unpaired.core import atomic_text
from unpaired.domains.image import (
    is_animated,
    is_picture_name,
    of_depth,
    over_white,
    read_header,
    read_picture,
    resized,
)
from unpaired.domains.video import Glance

THUMB, REDUCED = 320, 768
"""Pixels of the longer side of a thumbnail and of a reduced picture."""
STRIP_FRAMES, STRIP_HEIGHT, STRIP_WIDTH = 12, 96, 72
"""Frames of a film strip, height and greatest width of each in pixels."""
_RATE = 16000


def look(file: Path, folder: Path, name: str = "") -> Facts:
    """Look at a file and write what the page shows of it into `folder`. `name`: what messages call it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        facts = _look(file, folder)
    except UnpairedError as error:
        facts = Facts("unknown", error=str(error).replace(str(file), name or file.name))
    atomic_text(folder / NAME, json.dumps(asdict(facts)) + "\n")
    return facts


def _look(file: Path, folder: Path) -> Facts:
    if is_picture_name(file.name) and file.suffix.lower() != ".gif":
        return _look_at_picture(file, folder)
    try:
        clip = Glance(file)
    except MediaError as fault:
        return _listen(file, folder, fault)
    try:
        return _look_at_clip(clip, folder)
    finally:
        clip.close()


def _look_at_picture(file: Path, folder: Path) -> Facts:
    header, moves = read_header(file), is_animated(file)
    if header.pages > 1 and not moves:
        raise MediaError(f"{file} holds {header.pages} pages; split it into single pictures first")
    picture = read_picture(file, about=REDUCED)
    pixels = of_depth(picture.pixels, np.dtype(np.uint8))
    if picture.alpha is not None:
        pixels = over_white(pixels, of_depth(picture.alpha, np.dtype(np.uint8)))
    _save_reduced(pixels, folder)
    return Facts("picture", header.width, header.height, frames=header.pages if moves else 1)


def _look_at_clip(clip: Glance, folder: Path) -> Facts:
    info, seconds = clip.info, float(clip.seconds)
    shape = max(1, round(info.width * info.sample_aspect)), info.height
    _save_reduced(of_depth(clip.frame(seconds / 2).pixels, np.dtype(np.uint8)), folder, shape)
    width = max(1, round(STRIP_HEIGHT * shape[0] / shape[1]))
    left = max(0, (width - STRIP_WIDTH) // 2)
    count = STRIP_FRAMES if seconds else 1
    moments = [(number + 0.5) * seconds / count for number in range(count)]
    frames = [clip.frame(moment, (STRIP_HEIGHT, width)).pixels[:, left : left + STRIP_WIDTH] for moment in moments]
    _save(of_depth(np.concatenate(frames, axis=1), np.dtype(np.uint8)), folder / "strip.jpg")
    rate = float(info.rate)
    return Facts("clip", *shape, seconds, rate, info.expected_frames or round(seconds * rate), bool(info.sound))


def _listen(file: Path, folder: Path, fault: MediaError) -> Facts:
    from unpaired.domains.audio import read_mono

    try:
        audio = read_mono(file, _RATE)
    except MediaError as error:
        raise _unreadable(file, fault, error) from None
    seconds = len(audio) / _RATE
    _save(resized(spectrum(audio, _RATE), STRIP_HEIGHT, STRIP_FRAMES * STRIP_WIDTH), folder / "strip.jpg")
    audio = audio[: round(SHOWN * _RATE)]
    picture = spectrum(audio, _RATE)
    _save(picture, folder / "spectrum.png")
    _save(resized(picture, 180, 320), folder / "thumb.jpg")
    atomic_text(folder / "pitch.svg", pitch_curve(audio, _RATE))
    return Facts("sound", seconds=seconds, sound=True, shown=len(audio) / _RATE)


def _unreadable(file: Path, as_clip: MediaError, as_sound: MediaError) -> MediaError:
    """Why a file is neither a clip nor a recording, without the words of the libraries that tried."""
    kind = kind_by_name(file.name)
    if not file.stat().st_size:
        return MediaError(f"{file} is empty")
    if kind == "unknown":
        return MediaError(f"{file} is neither a picture, nor a clip, nor a recording")
    said = as_sound if kind == "sound" else as_clip
    if not any(words in str(said) for words in ("cannot be read", "can be decoded")):
        return said
    what = "recording" if kind == "sound" else "clip" if kind == "clip" else "picture"
    return MediaError(f"{file} cannot be read as a {what}: it is damaged, or something else by that name")


def _save_reduced(pixels: npt.NDArray[Any], folder: Path, shape: tuple[int, int] | None = None) -> None:
    """Save pixels (H, W, C) in two sizes; `shape`: width and height that they are shown with, else their own."""
    if pixels.shape[2] != 3:
        pixels = np.repeat(pixels[..., :1], 3, axis=2)
    width, height = shape or (pixels.shape[1], pixels.shape[0])
    for name, longest in (("reduced.png", REDUCED), ("thumb.jpg", THUMB)):
        scale = min(1.0, longest / max(width, height))
        pixels = resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
        _save(pixels, folder / name)


def _save(pixels: npt.NDArray[Any], file: Path) -> None:
    encoded = BytesIO()
    kind = "PNG" if file.suffix == ".png" else "JPEG"
    Pillow.fromarray(np.ascontiguousarray(pixels)).save(encoded, kind, quality=85, compress_level=3)
    file.write_bytes(encoded.getvalue())


def main(words: list[str] | None = None) -> int:
    """Look at one file; the exit code is 2 where it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m unpaired.apps.web.media", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="", help="what messages call the file")
    args = parser.parse_args(words)
    facts = look(args.file, args.folder, args.name)
    return 2 if facts.error else 0


if __name__ == "__main__":
    sys.exit(main())
