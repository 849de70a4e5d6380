"""Dividing the conversion of a long file: after how long a part no longer shows where it began, and the cost.

    python benchmarks/division.py state CLIP... [--model day2night-video-mobile] [--size 192] [--begin 60]
    python benchmarks/division.py settle RECORDING... --model female-male [--direction a2b] [--every 40]
    python benchmarks/division.py parts FILE [--model day2night-video-mobile] [--count 2]

`state` translates each clip from its first frame and from frame `--begin` on, and gives the frames after which both
have the same state, bit by bit. `settle` does so for recordings, from every `--every` seconds on, with a blur in place
of the network, of which no state depends but by its windows: seconds that are given until the states are the same.
`parts` converts a clip or a recording as a whole, in parts one after the other, and joins them, all in this process:
CPU seconds of each, megabytes of the parts, and whether both files are the same. Each part but the first is preceded by
252 frames that warm it up, or by what a recording's needs (`division/part.py`).
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
from unpaired.domains.audio import AudioConversion
from unpaired.domains.audio.conversion.stream import Conversion, prepare
from unpaired.domains.audio.reading.reader import open_recording
from unpaired.domains.audio.signal.state import digest as state_digest
from unpaired.domains.audio.signal.state import state_of
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
    settle = commands.add_parser("settle")
    settle.add_argument("recordings", type=Path, nargs="+")
    settle.add_argument("--direction", choices=("a2b", "b2a"), default="a2b")
    settle.add_argument("--every", type=float, default=40.0)
    parts = commands.add_parser("parts")
    parts.add_argument("clip", type=Path)
    parts.add_argument("--count", type=int, default=2)
    for each in (state, settle, parts):
        each.add_argument("--model", default="day2night-video-mobile")
    args = parser.parse_args()
    translator = unpaired.load(args.model, "openvino", precision="fp32")
    if args.command == "settle":
        settings, side = translator.domain.settings, args.direction[0]
        figures = {each.name: _seconds_apart(settings, each, side, args.every) for each in args.recordings}
    elif args.command == "state":
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


class _Blur:
    """Stands for a network that is not there."""

    def __call__(self, x: Any) -> Any:
        return 0.7 * torch.nn.functional.avg_pool2d(x, (1, 15), 1, (0, 7))

    def with_statistics(self, x: Any, statistics: Any, momentum: float) -> tuple[Any, Any]:
        """Without any."""
        return self(x), torch.zeros(0)


def _seconds_apart(settings: Any, recording: Path, side: Any, every: float) -> dict[str, float | None]:
    """Of each beginning in seconds, those that are given until the state is that of the whole."""
    with open_recording(recording, side) as reader:
        blocks, known = [block.numpy() for block in reader], reader.survey

    def states(first: int) -> dict[int, tuple[float, str]]:
        stages = prepare(known, side, _Blur(), AudioConversion(), settings)
        assert isinstance(stages, Conversion)
        begin = sum(block.shape[1] for block in blocks[:first])
        if begin:
            stages.skip(begin)
        found = {}
        for number in range(first, len(blocks) - 1):
            stages.push(blocks[number])
            found[number] = (stages.given - begin) / known.rate, state_digest(state_of(stages))
        return found

    whole, step = states(0), max(1, round(every * known.rate / blocks[0].shape[1]))
    apart: dict[str, float | None] = {}
    for first in range(step, len(blocks) - 1, step):
        same = (round(given, 1) for number, (given, found) in states(first).items() if found == whole[number][1])
        apart[f"{first * blocks[0].shape[1] / known.rate:.0f}"] = next(same, None)
    return apart


def _parts(translator: Any, clip: Path, count: int) -> dict[str, Any]:
    keeps = translator.domain.name in ("video", "audio")
    domain = (translator if keeps else translator.for_medium("video")).domain
    division, translate, options = domain.division(), translator.for_direction("a2b"), domain.conversion_type()

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
