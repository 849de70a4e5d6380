"""How steady converted footage is, with each part of the stabiliser switched on and off.

    python benchmarks/video_stability.py [CLIP ...] [--model day2night] [--direction a2b] [--seconds 10] [--json FILE]

Without clips, the four of the shared data that the targets are set on (../shared, or UNPAIRED_SHARED). Targets: the
output's warping error at most 1.25 times the input's own; its excess over the input at least twice as small as per
frame; sharpness at least 0.97 of the per-frame translation. Figures as `unpaired.domains.video.evaluation.scores`
defines them;
"ms" is the stabiliser's own time for a frame, without the network: the median over the clip, in CPU time of the thread.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
from torch import Tensor

import unpaired
from unpaired.core.adapter.streams import Translate
from unpaired.domains.video import Video, VideoConversion
from unpaired.domains.video.conversion.stabiliser import Stabiliser
from unpaired.domains.video.evaluation.scores import ClipScorer
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.reading.probe import probe

CLIPS = (
    "driving_day/solidWhiteRight.mp4",
    "traffic_topview/car-detection.mp4",
    "street_bikes/bikes.mp4",
    "animation/big_buck_bunny_0_30.webm",
)
VARIANTS = {
    "per frame": {"smooth": False, "blend": False},
    "smooth": {"smooth": True, "blend": False},
    "blend": {"smooth": False, "blend": True},
    "smooth + blend": {"smooth": True, "blend": True},
}
COLUMNS = (
    ("warping_ratio", "error/input's"),
    ("excess_reduction", "excess less by"),
    ("long_warping_ratio", "long-range"),
    ("tof", "tOF"),
    ("sharpness_ratio", "sharpness"),
    ("difference", "difference"),
    ("milliseconds", "ms"),
)


class Once:
    """A translator that several stabilisers share: each frame goes through the network once a way, and is timed."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate
        self._done: dict[tuple[Any, ...], Any] = {}
        self.spent = 0.0
        """CPU seconds inside the network."""

    def next(self) -> None:
        """Forget the last frame."""
        self._done.clear()

    def __call__(self, x: Tensor) -> Tensor:
        return self._once(("alone",), lambda: self._translate(x))

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        key = momentum, None if statistics is None else float(statistics.sum())
        return self._once(key, lambda: self._translate.with_statistics(x, statistics, momentum))

    def _once(self, key: tuple[Any, ...], work: Callable[[], Any]) -> Any:
        start = time.thread_time()
        if key not in self._done:
            self._done[key] = work()
        self.spent += time.thread_time() - start
        return self._done[key]


def measured(clip: Path, translate: Translate, seconds: float, width: int) -> dict[str, dict[str, float]]:
    """The figures of each variant on one clip."""
    info = probe(clip)
    size = f"{width}x{round(info.height * width / info.width / 2) * 2}"
    shared = Once(translate)
    steady = {name: Stabiliser(shared, VideoConversion(cuts=True, **switches)) for name, switches in VARIANTS.items()}
    scorers = {name: ClipScorer() for name in VARIANTS}
    spent: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with VideoReader(clip, VideoConversion(size=size, end=seconds)) as reader:
        for frame in reader:
            reader.shown.clear()
            reader.footage.others.clear()
            shared.next()
            alone = shared(frame[None])[0]
            for name, one in steady.items():
                start, shared.spent = time.thread_time(), 0.0
                output = one(frame)
                spent[name].append(time.thread_time() - start - shared.spent)
                scorers[name].add(frame, output, alone)
    return {
        name: {**scorers[name].result(), "milliseconds": 1e3 * statistics.median(times)}
        for name, times in spent.items()
    }


def table(clip: str, found: dict[str, dict[str, float]]) -> str:
    """The figures of one clip for a person."""
    lines = [f"{clip:24}" + "".join(f"{label:>16}" for _, label in COLUMNS)]
    for name, figures in found.items():
        cells = (f"{figures[key]:16.3f}" if key in figures else f"{'-':>16}" for key, _ in COLUMNS)
        lines.append(f"  {name:22}" + "".join(cells))
    return "\n".join(lines)


def main() -> None:
    """Print the tables, and write the figures as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP")
    parser.add_argument("--model", default="day2night", help="a run, a model file or a shipped model")
    parser.add_argument("--direction", choices=("a2b", "b2a"), default="a2b")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each clip, from its start (default: 10)")
    parser.add_argument("--width", type=int, default=512, help="pixels that frames are scaled to (default: 512)")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    shared = Path(os.environ.get("UNPAIRED_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    clips = args.clips or [shared / "data" / "video" / place for place in CLIPS]
    translator = unpaired.load(args.model, runtime=args.runtime)
    domain = translator.domain if isinstance(translator.domain, Video) else Video.from_compatible(translator.domain)
    if domain is None:
        parser.error(f"the model {args.model} cannot translate footage")
    translate = domain.framewise(translator.for_direction(args.direction), "a" if args.direction == "a2b" else "b")
    results = {}
    for clip in clips:
        results[clip.name] = measured(clip, translate, args.seconds, args.width)
        print(table(clip.name, results[clip.name]), flush=True)
    if args.json:
        args.json.write_text(json.dumps({"model": args.model, "seconds": args.seconds, "clips": results}, indent=2))


if __name__ == "__main__":
    main()
