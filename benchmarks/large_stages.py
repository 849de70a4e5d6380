"""Where the time of a 3840x2160 frame goes, once a conversion is under way, at the working size and with every pixel.

    python benchmarks/large_stages.py DATA [--frames 12] [--full-frames 4] [--model day2night-video] [--command]

The clip is that of `large_frames.py`. One process, after a warm-up: seconds a frame on the clock and on the CPUs, and
of the stages outside the network, the codecs and the steadying the milliseconds of CPU of the thread that does them.

`--command`: of the whole command at the working size, in a process of its own, the seconds of CPU before the first
frame comes to the network, with the look at that frame, with all frames, and after the last is at full size.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from large_frames import clip_of

import unpaired
from unpaired.apps import main as program
from unpaired.domains.video.conversion import frames
from unpaired.domains.video.frames import colour, enlarging
from unpaired.domains.video.reading import clip
from unpaired.domains.video.writing import writer

_STAGES: tuple[tuple[Any, str, str], ...] = (
    (colour.Unpacker, "__call__", "decoded frame to RGB of 16 bits, at the working size or whole"),
    (clip, "to_array", "to floats"),
    (frames.Detail, "__init__", "gain of the detail"),
    (enlarging.Enlarger, "__call__", "back to full size, in the encoder's form"),
    (writer, "to_planes", "to RGB of 16 bits"),
    (colour.Packer, "__call__", "to the encoder's form"),
)


def timed(function: Callable[..., Any], stage: str, spent: Counter[str]) -> Callable[..., Any]:
    """The function, with the CPU time of its thread added up."""

    def call(*given: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return function(*given, **named)
        finally:
            spent[stage] += time.thread_time() - began  # type: ignore[assignment]

    return call


def command(source: Path, target: Path, model: str) -> None:
    """Run the command in this process, which has imported little that it would not, and print its parts."""
    marks: list[float] = []

    def marked(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            before = time.process_time()
            found = function(*given)
            marks.extend([before, time.process_time()])
            return found

        return call

    frames.follows_detail = marked(frames.follows_detail)
    enlarging.Enlarger.__call__ = marked(enlarging.Enlarger.__call__)  # type: ignore[method-assign]
    code = program.main(["convert", model, str(source), str(target)])
    start, looked, last, end = marks[0], marks[1], marks[-1], time.process_time()
    print(f"start {start:.1f} s, look {looked - start:.1f} s, frames {last - looked:.1f} s, end {end - last:.1f} s")
    sys.exit(code)


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--full-frames", type=int, default=4)
    parser.add_argument("--model", default="day2night-video")
    parser.add_argument("--command", action="store_true")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.within:
        command(args.within, args.data, args.model)
    if args.command:
        with tempfile.TemporaryDirectory() as scratch:
            source, target = clip_of(args.data, args.frames, 1, Path(scratch)), Path(scratch) / "out.mp4"
            again = [sys.executable, __file__, str(target), "--within", str(source), "--model", args.model]
            subprocess.run(again, check=True, env=os.environ)
        return
    spent: Counter[str] = Counter()
    for owner, name, stage in _STAGES:
        setattr(owner, name, timed(getattr(owner, name), stage, spent))
    model = unpaired.load(args.model)
    with tempfile.TemporaryDirectory() as scratch:
        source = clip_of(args.data, max(args.frames, args.full_frames), 1, Path(scratch))
        target = Path(scratch) / "out.mp4"
        for full, count in ((False, args.frames), (True, args.full_frames)):
            model.convert(source, target, end="f2", full=full)
            spent.clear()
            before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
            model.convert(source, target, end=f"f{count}", full=full)
            seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
            worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            kind = "every pixel" if full else "working size"
            print(f"{kind}: {seconds / count:.2f} s a frame, {worked / count:.2f} s of CPU", flush=True)
            for stage, value in spent.most_common():
                print(f"    {stage}: {1000 * value / count:.0f} ms", flush=True)


if __name__ == "__main__":
    main()
