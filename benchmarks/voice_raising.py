"""What each way of raising men's voices to women's brings and costs, by judges, recording by recording.

    python benchmarks/voice_raising.py SHARED [--model female-male] [--sentences training|held-out] [--only NAME ...]
                                       [--direction b2a|a2b]

24 recordings of four men, or women. Ways are chosen on sentences of the training and confirmed on those held out.
Printed are the way to the other side (Resemblyzer) and DNSMOS overall less the source's, and by how much each way
differs from the one that is taken, with bootstrapped 95% intervals of the differences.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy import ndimage, signal
from voice_judges import SPEAKERS
from voice_stages import kept

import unpaired
from unpaired.core.sides import SIDES, Direction
from unpaired.domains.audio.conversion import gains, stream
from unpaired.domains.audio.evaluation.scores import Estimate
from unpaired.domains.audio.judges.panel import WORDS, Panel, installed
from unpaired.domains.audio.judges.speaker import centroid
from unpaired.domains.audio.signal import pitch_shift, psola
from unpaired.domains.audio.signal.pitch import HIGHEST, LOWEST, PERIOD, Contour
from unpaired.domains.audio.signal.psola import PitchShifter
from unpaired.domains.audio.signal.sound import Sound, mixed

SENTENCES = {"training": (30003, 30007, 30011, 30015, 30019, 30021), "held-out": tuple(range(30023, 30029))}
Change = Callable[[], Any]


# -- ways that were not taken -----------------------------------------------------------------------
class _Whole(pitch_shift.PitchShift):
    """The shift of a whole recording, otherwise."""

    def push(self, audio: Sound) -> Sound:
        self._pieces = [*getattr(self, "_pieces", []), audio]
        return audio[:, :0]

    def finish(self) -> Any:
        audio = np.concatenate(self._pieces, axis=1)
        hz = np.concatenate([self._track.push(mixed(audio, self._mix)), self._track.finish()])
        hz = self.contour(mixed(audio, self._mix), self._shifter._rate, hz)
        yield np.asarray(self.moved(audio, hz, self._target.ratios(hz)), np.float32)

    def contour(self, sound: Sound, rate: int, hz: Contour) -> Contour:
        return hz

    def moved(self, audio: Sound, hz: Contour, ratios: Contour) -> Sound:
        return np.concatenate([self._shifter.push(audio, hz, ratios), self._shifter.finish()], axis=1)


class _Bridged(_Whole):
    """Up to 60 ms without pitch, of mostly low sound, have that of both their ends: creaky voice is moved as well."""

    def contour(self, sound: Sound, rate: int, hz: Contour) -> Contour:
        low = signal.sosfilt(signal.butter(2, 1000, fs=rate, output="sos"), sound)
        size, at = round(4 * PERIOD * rate), np.minimum(np.arange(len(hz)) * rate // 200, len(sound) - 1)
        below, power = (ndimage.uniform_filter1d(np.square(each), size)[at] for each in (low, sound))
        voice = (below > 0.5 * power) & (power > 1e-3 * np.percentile(power, 90))
        voiced = np.flatnonzero(hz)
        for before, after in pairwise(voiced):
            if 1 < after - before <= 13 and voice[before + 1 : after].all():
                places = np.arange(before, after + 1)
                hz[places] = np.exp(np.interp(places, [before, after], np.log(hz[[before, after]])))
        return hz


class _Harvest(_Whole):
    """Pitch by Harvest in place of DIO."""

    def contour(self, sound: Sound, rate: int, hz: Contour) -> Contour:
        import pyworld

        audio = sound.astype(np.float64)
        found, times = pyworld.harvest(audio, rate, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1000 * PERIOD)
        found = pyworld.stonemask(audio, found, times, rate)
        return np.resize(found[: len(hz)], len(hz))


class _NoiseStays(_Whole):
    """Above 3 kHz what periods do not have in common is heard at its own place."""

    def moved(self, audio: Sound, hz: Contour, ratios: Contour) -> Sound:
        common = PitchShifter(self._shifter._rate, len(audio), mixed=4)
        still = np.where(ratios == 1, 1.0, 1.0001)
        rest = audio - np.concatenate([common.push(audio, hz, still), common.finish()], axis=1)
        high = signal.firwin(255, 3000, fs=self._shifter._rate, pass_zero=False)[None]
        return super().moved(audio, hz, ratios) + signal.fftconvolve(rest, high, mode="same", axes=1)


def _even(self: Any, nearest: int) -> float | None:
    """Places by the mean of five periods."""
    place = _PLAIN(self, nearest)
    marks, low, high = self._marks, max(1, nearest - 2), min(len(self._marks) - 1, nearest + 3)
    if place is None or not all(self._voiced[low : high + 1]):
        return place
    mean, step = (marks[high] - marks[low]) / (high - low), marks[nearest + 1] - marks[nearest]
    return place if abs(mean / step - 1) > 0.25 else self._place + mean / self._ratios[nearest + 1]


_PLAIN = PitchShifter._following


def _triangle(way: float) -> tuple[float, float, float, float]:
    """Of a base of four periods, in place of splines."""
    return (1 - way) / 4, (2 - way) / 4, (1 + way) / 4, way / 4


def _two(*given: Any, **named: Any) -> PitchShifter:
    return PitchShifter(*given, **{**named, "mixed": 2})


def _shift(kind: type) -> Change:
    return partial(mock.patch.object, stream, "PitchShift", kind)


def _set(place: Any, name: str, value: Any) -> Change:
    return partial(mock.patch.object, place, name, value)


BEFORE = _set(gains, "_BESIDE", 0.0), _set(pitch_shift, "PitchShifter", _two), _set(pitch_shift, "_WIDER", 1.4)
WAYS: dict[str, tuple[Mapping[str, Any], tuple[Change, ...]]] = {
    "as it is": ({}, ()),
    "as it was (but for the model)": ({}, BEFORE),
    "gains frame by frame": ({}, BEFORE[:1]),
    "gains steadied everywhere": (
        {},
        (_set(stream, "SourceFilter", lambda *given: gains.SourceFilter(*given[:-1], True)),),
    ),
    "two periods under old windows": ({}, BEFORE[1:2]),
    "four periods under old windows": ({}, (_set(psola, "_NARROWER", 0.0),)),
    "windows as short as new periods": ({}, (_set(psola, "_NARROWER", 1.0),)),
    "a triangle of four periods": ({}, (_set(psola, "_spline", _triangle),)),
    "range by up to 1.4": ({}, BEFORE[2:]),
    "range kept": ({"range": "keep"}, ()),
    "formants 1.12": ({"formants": "1.12"}, ()),
    "formants 1.16": ({"formants": "1.16"}, ()),
    "gains applied once": ({}, (_set(gains, "_SECOND_PASS", 0.0),)),
    "nothing moved above 4 kHz": ({}, (partial(kept, above=4000),)),
    "noise above 3 kHz not moved": ({}, (_shift(_NoiseStays),)),
    "short gaps of pitch bridged": ({}, (_shift(_Bridged),)),
    "voice below 0.7 of its median not moved": ({}, (partial(kept, creaky=0.7),)),
    "pitch by Harvest": ({}, (_shift(_Harvest),)),
    "periods evened": ({}, (_set(PitchShifter, "_following", _even),)),
}


# -- the judges -------------------------------------------------------------------------------------
class Judges:
    """Recordings of one side with what the judges make of them, and of the other's."""

    def __init__(self, shared: Path, model: str, sentences: str, direction: Direction) -> None:
        self._direction: Direction = direction
        voices = shared / "data" / "speech" / "vcc2018"
        self._panel, self._translator = Panel({**installed(), WORDS: False}), unpaired.load(model)
        real = {
            side: {file: self._panel.judge_file(file) for name in names for number in SENTENCES[sentences]
                   for file in [voices / name / f"{number}.flac"]}
            for side, names in SPEAKERS.items()
        }  # fmt: skip
        source, target = SIDES[direction]
        self._own = real[source]
        self._centre = centroid([np.asarray(each.speaker) for each in real[target].values()])
        before, there = (np.mean([self._near(each) for each in real[side].values()]) for side in (source, target))
        self._before, self._whole = float(before), float(there - before)

    def _near(self, judgement: Any) -> float:
        return float(np.asarray(judgement.speaker) @ self._centre)

    def judge(self, options: Mapping[str, Any], output: Path) -> tuple[Any, Any]:
        """Of each recording the way (%), and DNSMOS less its own."""
        ways, ratings = [], []
        for file, own in self._own.items():
            self._translator.convert(file, output, self._direction, **options)
            heard = self._panel.judge_file(output)
            ways.append(100 * (self._near(heard) - self._before) / self._whole)
            ratings.append(heard.quality.overall - own.quality.overall)  # type: ignore[union-attr]
        return np.array(ways), np.array(ratings)


def main() -> None:
    """Judge all ways, or those named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", choices=tuple(SENTENCES), default="held-out")
    parser.add_argument("--direction", choices=tuple(SIDES), default="b2a")
    parser.add_argument("--only", nargs="+", choices=tuple(WAYS))
    args = parser.parse_args()
    judges, taken = Judges(args.shared, args.model, args.sentences, args.direction), None
    with tempfile.TemporaryDirectory() as folder:
        for name, (options, changes) in WAYS.items():
            if args.only and name not in (*args.only, "as it is"):
                continue
            with ExitStack() as stack:
                for change in changes or (nullcontext,):
                    stack.enter_context(change())
                found = judges.judge(options, Path(folder) / "converted.wav")
            taken = taken or found
            way, rating = (Estimate.bootstrapped(list(new - old)) for new, old in zip(found, taken, strict=True))
            print(f"{name:<32} way {found[0].mean():5.1f} %, DNSMOS {found[1].mean():+.3f}; by {way.mean:+5.1f} ± "
                  f"{way.half:.1f} %, {rating.mean:+.3f} ± {rating.half:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
