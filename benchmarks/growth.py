"""How time and memory of `unpaired convert` grow over the size of a picture, the length of a clip, the number of files.

    python benchmarks/growth.py pictures|clips|files [--model NAME]

Each conversion is the command in a process of its own, as a user runs it, start-up included; peak memory is the
system's record of that process. Every point is converted once to fill the caches, then timed. `exponent` is the slope
of log(time) over log(size) from the middle of the range on, where start-up no longer counts: 1 is in proportion.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image as Pillow
from processes import run_measured

MEGAPIXELS = (0.06, 0.25, 1.0, 4.0, 12.0, 24.0)
SECONDS = (2, 4, 8, 16, 32)
FILES = (1, 10, 100, 1000)
RATE, CLIP_SIZE, SMALL = 24, (512, 288), (128, 128)


def textures(width: int, height: int, seed: int = 0) -> Pillow.Image:
    """A picture with detail at several scales."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for scale in (6, 48, 200):
        coarse = random.integers(0, 256, (max(2, height // scale), max(2, width // scale), 3), dtype=np.uint8)
        picture += np.asarray(Pillow.fromarray(coarse).resize((width, height), Pillow.Resampling.BICUBIC)) / 3.0
    return Pillow.fromarray(picture.astype(np.uint8))


def picture(megapixels: float, folder: Path) -> Path:
    """A JPEG of so many megapixels, 3:2."""
    height = round(math.sqrt(megapixels * 1e6 / 1.5))
    path = folder / "in.jpg"
    textures(round(1.5 * height), height).save(path, quality=90)
    return path


def clip(seconds: int, folder: Path) -> Path:
    """A clip of so many seconds that pans over a large picture."""
    width, height = CLIP_SIZE
    wide = np.asarray(textures(2 * width, height))
    path = folder / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", RATE, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, RATE)
        for number in range(seconds * RATE):
            left = number % width
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, left : left + width]), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def files(count: int, folder: Path) -> Path:
    """A folder of so many small pictures."""
    (folder / "in").mkdir()
    for number in range(count):
        textures(*SMALL, seed=number).save(folder / "in" / f"{number:04d}.jpg", quality=90)
    return folder / "in"


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log(seconds) over log(size) in the upper half of the range."""
    first = len(sizes) // 2
    slope, _ = np.polyfit(np.log(sizes[first:]), np.log(seconds[first:]), 1)
    return float(slope)


def main() -> None:
    """Print a point a line, then the exponent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pictures", "clips", "files"))
    parser.add_argument("--model", help="default: day2night, of clips day2night-video")
    parser.add_argument("--most", type=float, default=math.inf, help="largest size (default: all)")
    args = parser.parse_args()
    makers: dict[str, tuple[Sequence[float], Callable[..., Path], str, str]] = {
        "pictures": (MEGAPIXELS, picture, "megapixels", "out.jpg"),
        "clips": (SECONDS, clip, "seconds of footage", "out.mp4"),
        "files": (FILES, files, "files", "out"),
    }
    sizes, make, unit, name = makers[args.what]
    model = args.model or ("day2night-video" if args.what == "clips" else "day2night")
    sizes = [size for size in sizes if size <= args.most]
    taken = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            source = make(size, Path(scratch))
            command = [sys.executable, "-m", "unpaired.apps.main", "convert", model, str(source)]
            run_measured([*command, str(Path(scratch, f"warm-{name}"))])
            seconds, peak = run_measured([*command, str(Path(scratch, name))])
        taken.append(seconds)
        print(f"{size:>7g} {unit}: {seconds:7.2f} s, peak {peak:5.0f} MB", flush=True)
    if len(sizes) >= 3:
        print(json.dumps({"exponent": round(exponent(sizes, taken), 2)}))


if __name__ == "__main__":
    main()
