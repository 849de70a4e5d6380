"""A sequence of OpenEXR in and out beside the same clip as ProRes: frames a second, end to end.

    python benchmarks/sequences.py CLIP [--frames 8] [--rounds 2] [--model day2night-video-mobile]

Frames of the clip, enlarged to 1920x1080, are written as half floats (ZIP) and as ProRes 422 HQ. Then both are
converted in turn: with the model, held steady, and without any network or steadying, which leaves reading, the view
transform and writing. The median of the rounds counts; a first round is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

import unpaired
from unpaired.core.conversion.files import Converter, convert
from unpaired.domains.image import Picture, save_picture
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.reading.clip import VideoReader

WIDTH, HEIGHT, RATE = 1920, 1080, 24


class Unchanged:
    """A converter whose network gives back what it gets."""

    def __init__(self, domain: unpaired.Domain) -> None:
        self.domain = domain

    def for_direction(self, direction: str) -> Unchanged:
        """Itself."""
        return self

    def __call__(self, x: Tensor) -> Tensor:
        """The frames as they are."""
        return x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """Never asked for without smoothing."""
        raise NotImplementedError


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--model", default="day2night-video-mobile")
    args = parser.parse_args()
    translator = unpaired.load(args.model).for_medium("video")
    alone: Converter = Unchanged(translator.domain)  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        count = _write_inputs(args.clip, args.frames, folder)
        plain = {"blend": False, "cuts": False}
        figures = {
            "with the model": _compare(translator, folder, count, args.rounds, {}),
            "without a network": _compare(alone, folder, count, args.rounds, plain),
        }
    print(json.dumps({"frames": count, "size": f"{WIDTH}x{HEIGHT}", "model": args.model, **figures}, indent=2))
    return 0


def _write_inputs(clip: Path, frames: int, folder: Path) -> int:
    """The same frames as numbered OpenEXR, and as ProRes made of them."""
    (folder / "in").mkdir()
    count = 0
    with VideoReader(clip, VideoConversion(size=f"{WIDTH}x{HEIGHT}")) as reader:
        for frame in islice(reader, frames):
            shown: npt.NDArray[np.float32] = (frame.numpy().transpose(1, 2, 0) + 1) / 2
            count += 1
            save_picture(Picture(np.ascontiguousarray(shown)), folder / "in" / f"f.{count:04d}.exr", 95)
    made: Converter = Unchanged(unpaired.Video())  # type: ignore[assignment]
    convert(made, folder / "in" / "f.%04d.exr", folder / "in.mov", codec="prores", rate=RATE, blend=False, cuts=False)
    return count


def _compare(converter: Converter, folder: Path, count: int, rounds: int, options: dict[str, Any]) -> dict[str, float]:
    """Frames a second of both, in turn."""
    kinds = {
        "exr": lambda: convert(converter, folder / "in" / "f.%04d.exr", folder / "out" / "f.%04d.exr", **options),
        "prores": lambda: convert(converter, folder / "in.mov", folder / "out.mov", codec="prores", **options),
    }
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name, run in kinds.items():
            start = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - start)
    rates = {name: count / statistics.median(each) for name, each in seconds.items()}
    found = {f"{name} frames/s": round(rate, 2) for name, rate in rates.items()}
    return found | {"exr / prores": round(rates["exr"] / rates["prores"], 2)}


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sys.exit(main())
