"""Dividing the conversion of a long clip: after how many frames a part no longer shows where it began, and the cost.

    python benchmarks/division.py state CLIP... [--model day2night-video-mobile] [--size 192] [--begin 60]
    python benchmarks/division.py parts CLIP [--model day2night-video-mobile] [--count 2]

`state` translates each clip from its first frame and from frame `--begin` on, and gives the frames after which both
have the same state, bit by bit. `parts` converts a clip as a whole, in parts one after the other, and joins them, all
in this process: CPU seconds of each, megabytes of the parts, and whether both files are the same. Each part but the
first is preceded by 252 frames that warm it up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unpaired
from unpaired.core.adapter.division import Part
from unpaired.core.conversion.pipeline import Job, Pipeline
from unpaired.domains.video import VideoConversion, decode
from unpaired.domains.video.conversion.stabiliser import Stabiliser
from unpaired.domains.video.division.contents import digest


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    state = commands.add_parser("state")
    state.add_argument("clips", type=Path, nargs="+")
    state.add_argument("--size", type=int, default=192)
    state.add_argument("--begin", type=int, default=60)
    parts = commands.add_parser("parts")
    parts.add_argument("clip", type=Path)
    parts.add_argument("--count", type=int, default=2)
    for each in (state, parts):
        each.add_argument("--model", default="day2night-video-mobile")
    args = parser.parse_args()
    translator = unpaired.load(args.model, "openvino", precision="fp32")
    if args.command == "state":
        figures = {clip.name: _frames_apart(translator, clip, args.size, args.begin) for clip in args.clips}
    else:
        figures = _parts(translator, args.clip, args.count)
    print(json.dumps(figures, indent=2))
    return 0


def _frames_apart(translator: Any, clip: Path, size: int, begin: int) -> int | None:
    """Frames after `begin` at which the states are equal; None where they never are."""
    translate, options = translator.for_direction("a2b"), VideoConversion(cuts=False)
    early, late = Stabiliser(translate, options), Stabiliser(translate, options)
    for number, frame in enumerate(decode(clip, size=(size, size))):
        x = torch.from_numpy(frame.pixels.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1)
        y = translate(x[None])[0]
        early(x, y)
        if number >= begin:
            late(x, y)
            if digest(early.state) == digest(late.state):
                return number - begin
    return None


def _parts(translator: Any, clip: Path, count: int) -> dict[str, Any]:
    domain = (translator if translator.domain.name == "video" else translator.for_medium("video")).domain
    division, translate, options = domain.division(), translator.for_direction("a2b"), VideoConversion()

    def seconds(medium: Any, target: Path) -> float:
        job, began = Job(clip, target), time.process_time()
        Pipeline(medium, translate, "a2b", options).run([job])
        job.check()
        return round(time.process_time() - began, 1)

    with tempfile.TemporaryDirectory() as place:
        whole, joined = Path(place) / f"whole{clip.suffix}", Path(place) / f"joined{clip.suffix}"
        folders = [Path(place) / str(number) for number in range(count)]
        figures: dict[str, Any] = {"whole": seconds(domain, whole)}
        figures["parts"] = [seconds(division.part(Part(n, count), whole), each) for n, each in enumerate(folders)]
        figures["loose"] = division.loose(folders)
        if figures["loose"] is not None:
            return figures
        figures["join"] = seconds(division.joined(folders), joined)
        figures["megabytes of parts"] = round(_bytes(folders) / 1e6, 1)
        figures["megabytes"] = round(whole.stat().st_size / 1e6, 1)
        figures["same bytes"] = _sha256(whole) == _sha256(joined)
    return figures


def _bytes(folders: Sequence[Path]) -> int:
    return sum(file.stat().st_size for folder in folders for file in folder.iterdir())


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
