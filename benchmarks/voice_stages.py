"""What each stage of a voice conversion brings and costs, by judges; and ways of doing it that were not taken.

    python benchmarks/voice_stages.py stages SHARED [--model female-male] [--sentences 4]
    python benchmarks/voice_stages.py variants SHARED [--model female-male] [--sentences 4] [--only NAME ...]

Both print the share of the way to the target's speakers (Resemblyzer) and the mean of DNSMOS overall, signal and
background less those of the source, with bootstrapped 95% intervals, on the recordings of `voice_judges.py`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from voice_judges import gather

import unpaired
from unpaired.core.sides import SIDES, Side, other_side
from unpaired.domains.audio.conversion import gains, source_filter
from unpaired.domains.audio.evaluation.scores import Estimate, way_covered
from unpaired.domains.audio.judges.panel import WORDS, Panel, installed
from unpaired.domains.audio.judges.speaker import centroid
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.mel import centres, from_sample
from unpaired.domains.audio.signal.psola import PitchShifter
from unpaired.domains.audio.signal.sound import Sound

Options = Mapping[str, Any]
STAGES: dict[str, Options] = {
    "cut up and put together again": {"strength": 0, "pitch": "0.01"},
    "pitch alone": {"strength": 0, "pitch": "auto", "formants": "keep"},
    "pitch and formants": {"strength": 0, "pitch": "auto"},
    "timbre alone": {"pitch": "keep"},
    "pitch and timbre": {"formants": "keep"},
    "all": {},
}
WARP = 1.08
"""Of the mel spectrogram: what formants are multiplied by otherwise."""


# -- ways that were not taken -----------------------------------------------------------------------
@contextmanager
def warped_spectrogram() -> Iterator[None]:
    """Formants moved in the translated spectrogram in place of the sound."""

    def gain_between(x: Sound, y: Sound, side: Side, settings: AudioSettings) -> Sound:
        other = other_side(side)
        source = from_sample(x[0], settings.mean(side), settings.deviation(side))
        target = from_sample(y[0], settings.mean(other), settings.deviation(other))
        hz = centres(settings.sample_rate, settings.bins)
        place = np.interp(hz / (WARP if side == "b" else 1 / WARP), hz, np.arange(len(hz)))
        low = np.minimum(place.astype(int), len(hz) - 2)
        share = (place - low).astype(np.float32)[:, None]
        return np.asarray(target[low] * (1 - share) + target[low + 1] * share - source, np.float32)

    with mock.patch.object(gains, "gain_between", gain_between):
        yield


@contextmanager
def cepstra(count: int) -> Iterator[None]:
    """Gains smoothed to so many coefficients."""
    source_filter._lifter.cache_clear()
    with mock.patch.dict(source_filter.CEPSTRA, {"voice": count}):
        yield
    source_filter._lifter.cache_clear()


@contextmanager
def highest_gain(decibels: float) -> Iterator[None]:
    """Gains bounded to so many decibels."""
    plain = gains.bounded

    def bounded(gain: Sound, content: Any, lowest: float = -30.0, highest: float = decibels) -> Sound:
        return plain(gain, content, lowest, min(highest, decibels))

    with mock.patch.object(gains, "bounded", bounded):
        yield


@contextmanager
def stronger(factor: float) -> Iterator[None]:
    """Gains multiplied."""
    plain = gains.gain_between
    with mock.patch.object(gains, "gain_between", lambda *given: factor * plain(*given)):
        yield


VARIANTS: dict[str, tuple[Options, Callable[[], Any]]] = {
    "as it is": ({}, nullcontext),
    "formants 1.12 or its inverse": ({"formants": "by side"}, nullcontext),
    "formants 1.16 or its inverse": ({"formants": "by side"}, nullcontext),
    "formants in the spectrogram": ({"formants": "keep"}, warped_spectrogram),
    "gains of 16 cepstra": ({}, lambda: cepstra(16)),
    "gains of 32 cepstra": ({}, lambda: cepstra(32)),
    "gains of 10 dB at most": ({}, lambda: highest_gain(10.0)),
    "gains times 1.3": ({"formants": "keep"}, lambda: stronger(1.3)),
    "gains applied once": ({}, lambda: mock.patch.object(gains, "_SECOND_PASS", 0.0)),
    "nearest periods when raising": (
        {}, lambda: mock.patch.object(PitchShifter, "_around", lambda self, nearest, after: [(nearest, 1.0)]),
    ),
}  # fmt: skip


# -- the judges -------------------------------------------------------------------------------------
class Bench:
    """Recordings of both sides with what the judges make of them."""

    def __init__(self, shared: Path, folder: Path, model: str, sentences: int) -> None:
        self._panel, self._translator = Panel({**installed(), WORDS: False}), unpaired.load(model)
        self._output = folder / "converted.wav"
        files = gather(shared, folder, sentences)
        self._real = {side: {file: self._panel.judge_file(file) for file in each} for side, each in files.items()}
        self._centres = {
            side: centroid([np.asarray(one.speaker) for one in each.values()]) for side, each in self._real.items()
        }

    def report(self, direction: Any, name: str, options: Options) -> None:
        """Convert the recordings of a direction, and print a line."""
        source, target = SIDES[direction]
        centre = self._centres[target]
        after = []
        for file in self._real[source]:
            self._translator.convert(file, self._output, direction, **options)
            after.append(self._panel.judge_file(self._output))
        before = [*self._real[source].values()]
        voices = [[float(np.asarray(one.speaker) @ centre) for one in each]
                  for each in (after, before, self._real[target].values())]  # fmt: skip
        way = way_covered(*voices)
        lost = [Estimate.bootstrapped([getattr(y.quality, figure) - getattr(x.quality, figure)
                                       for x, y in zip(before, after, strict=True)])
                for figure in ("overall", "signal", "background")]  # fmt: skip
        ratings = ", ".join(f"{each.mean:+.2f} ± {each.half:.2f}" for each in lost)
        print(f"{direction} {name:<30} way {way.mean:5.1f} ± {way.half:4.1f} %; DNSMOS {ratings}", flush=True)


def stages(bench: Bench) -> None:
    """Each stage by itself."""
    for direction in SIDES:
        for name, options in STAGES.items():
            bench.report(direction, name, options)


def variants(bench: Bench, only: list[str] | None) -> None:
    """Each way in place of the one taken."""
    for direction in SIDES:
        for name, (options, changed) in VARIANTS.items():
            if only and name not in only:
                continue
            if options.get("formants") == "by side":
                factor = float(name.split()[1])
                options = {"formants": f"{factor if direction == 'b2a' else 1 / factor:.4f}"}
            with changed():
                bench.report(direction, name, options)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("stages", "variants"))
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--only", nargs="+")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.shared, Path(folder), args.model, args.sentences)
        if args.command == "stages":
            stages(bench)
        else:
            variants(bench, args.only)


if __name__ == "__main__":
    main()
