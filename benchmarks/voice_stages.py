"""What each stage of a voice conversion brings and costs, by judges; and ways of doing it that were not taken.

    python benchmarks/voice_stages.py stages SHARED [--model female-male] [--sentences 4]
    python benchmarks/voice_stages.py variants SHARED [--model female-male] [--sentences 4] [--only NAME ...]
    python benchmarks/voice_stages.py live SHARED [--sentences 2] [--only NAME ...]   spoken, and other ways
    python benchmarks/voice_stages.py rough SHARED [--model female-male] [--sentences 2]      what is no clean recording

Both print the share of the way to the target's speakers (Resemblyzer) and the mean of DNSMOS overall, signal and
background less those of the source, with bootstrapped 95% intervals, on the recordings of `voice_judges.py`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile
from scipy import signal
from voice_judges import gather

import unpaired
from unpaired.core.sides import SIDES, Side, other_side
from unpaired.domains.audio.conversion import gains, live, source_filter, stream
from unpaired.domains.audio.conversion.live import CHUNK, LiveConversion
from unpaired.domains.audio.evaluation.judged import JudgedDirection
from unpaired.domains.audio.evaluation.scores import Estimate, way_covered
from unpaired.domains.audio.inspection.file import tones
from unpaired.domains.audio.judges.panel import WORDS, Panel, installed
from unpaired.domains.audio.judges.speaker import centroid
from unpaired.domains.audio.judges.weights import RATE
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.settings import AudioConversion, AudioSettings
from unpaired.domains.audio.signal.mel import centres, from_sample
from unpaired.domains.audio.signal.pitch_shift import PitchShift
from unpaired.domains.audio.signal.psola import PitchShifter
from unpaired.domains.audio.signal.sound import Sound, mixed

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


class _Kept(PitchShift):
    """The shift of a whole recording, of which something is left as it was."""

    above, creaky = np.inf, 0.0
    """Hz above which sound stays, and share of the median pitch below which a voice does."""

    def push(self, audio: Sound) -> Sound:
        self._pieces = [*getattr(self, "_pieces", []), audio]
        return audio[:, :0]

    def finish(self) -> Iterator[Sound]:
        audio = np.concatenate(self._pieces, axis=1)
        hz = np.concatenate([self._track.push(mixed(audio, self._mix)), self._track.finish()])
        ratios = self._target.ratios(hz)
        left = hz < self.creaky * (np.median(hz[hz > 0]) if hz.any() else 0.0)
        hz, ratios = np.where(left, 0, hz), np.where(left, 1, ratios)
        moved = np.concatenate([self._shifter.push(audio, hz, ratios), self._shifter.finish()], axis=1)
        if np.isfinite(self.above):
            low = signal.firwin(255, self.above, fs=self._shifter._rate).astype(np.float32)[None]
            moved = audio + signal.fftconvolve(moved - audio, low, mode="same", axes=1)
        yield np.asarray(moved, np.float32)


def kept(above: float = np.inf, creaky: float = 0.0) -> Any:
    """What lies above so many Hz, or below a share of the median pitch, is not moved."""
    return mock.patch.object(stream, "PitchShift", type("Kept", (_Kept,), {"above": above, "creaky": creaky}))


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
    "nothing moved above 4 kHz": ({}, lambda: kept(above=4000)),
    "creaky voice not moved": ({}, lambda: kept(creaky=0.7)),
    "by WORLD": ({"vocoder": "world"}, nullcontext),
    "nearest periods when raising": (
        {}, lambda: mock.patch.object(PitchShifter, "_around", lambda self, nearest, after: [(nearest, 1.0)]),
    ),
}  # fmt: skip


# -- the judges -------------------------------------------------------------------------------------
class Bench:
    """Recordings of both sides with what the judges make of them."""

    def __init__(self, shared: Path, folder: Path, model: str, sentences: int) -> None:
        self._panel, self.translator = Panel({**installed(), WORDS: False}), unpaired.load(model)
        self.output = folder / "converted.wav"
        files = gather(shared, folder, sentences)
        self.real = {side: {file: self._panel.judge_file(file) for file in each} for side, each in files.items()}
        self._centres = {
            side: centroid([np.asarray(one.speaker) for one in each.values()]) for side, each in self.real.items()
        }

    def report(self, direction: Any, name: str, options: Options, begin: Side | None = None) -> None:
        """Convert the recordings of a direction, or those of side `begin`, and print a line."""
        source, target = SIDES[direction]
        centre = self._centres[target]
        begun, after = self.real[begin or source], []
        for file in begun:
            self.translator.convert(file, self.output, direction, **options)
            after.append(self._panel.judge_file(self.output))
        before = [*self.real[source].values()]
        themselves = [*begun.values()]
        voices = [[float(np.asarray(one.speaker) @ centre) for one in each]
                  for each in (after, before, self.real[target].values())]  # fmt: skip
        way = way_covered(*voices)
        lost = [Estimate.bootstrapped([getattr(y.quality, figure) - getattr(x.quality, figure)
                                       for x, y in zip(themselves, after, strict=True)])
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


# -- while it is spoken -----------------------------------------------------------------------------
LIVE: dict[str, dict[str, Any]] = {
    "as it is": {},
    "nothing after the newest frame": {"_REPEATED": 0},
    "of 24 frames": {"_SEEN": 24},
    "the next gain waited for": {"_GOES_ON": 0},
    "the newest gain for twice as long": {"_GOES_ON": 2},
}
_SPOKEN_BEFORE = "30027.flac"


class _Live:
    """A translator that converts a recording as if it were spoken, after another sentence of the speaker."""

    def __init__(self, translator: Any, shared: Path) -> None:
        self._translator, self._voices = translator, shared / "data" / "speech" / "vcc2018"

    def convert(self, file: Path, output: Path, direction: Any, **options: Any) -> None:
        voice, rate = soundfile.read(file, dtype="float32")
        before, _ = soundfile.read(self._voices / file.parent.name / _SPOKEN_BEFORE, dtype="float32")
        translate, settings = self._translator.for_direction(direction), self._translator.domain.settings
        conversion = LiveConversion(rate, 1, SIDES[direction][0], translate, AudioConversion(**options), settings)
        whole, size = np.concatenate([before, voice])[None], round(CHUNK * rate)
        pieces = [conversion.push(whole[:, at : at + size]) for at in range(0, whole.shape[1], size)]
        result = np.concatenate([*pieces, conversion.finish()], axis=1)[0]
        soundfile.write(output, result[len(before) : len(before) + len(voice)], rate)


def spoken(bench: Bench, shared: Path, only: Sequence[str] | None) -> None:
    """Conversions by --live."""
    bench.translator = _Live(bench.translator, shared)
    for direction in SIDES:
        for name, changed in LIVE.items():
            if only and name not in only:
                continue
            with mock.patch.multiple(live, **changed) if changed else nullcontext():
                bench.report(direction, name, {})


# -- recordings that are not clean ------------------------------------------------------------------
Damage = Callable[[Sound], Sound]


def damages(shared: Path, guests: list[Sound]) -> dict[str, Damage]:
    """What is done to recordings (samples,) at 16 kHz."""
    random = np.random.default_rng(0)
    notes = sorted((shared / "data/music/philharmonia_clarinet_cello/train/cello").iterdir())[:80]
    cello = np.concatenate([read_mono(file, RATE) for file in notes])
    ringing = random.normal(size=RATE // 2) * 10 ** (-3 * np.arange(RATE // 2) / (RATE // 2))
    ringing[0] = 8.0  # the voice itself, about as loud as the room
    band = signal.butter(6, [300, 3400], "band", fs=RATE, output="sos")

    def beneath(x: Sound, other: Sound, decibels: float) -> Sound:
        begin = int(random.integers(max(1, len(other) - len(x))))
        part = np.resize(other[begin:], len(x))
        return x + part * np.float32(10 ** (-decibels / 20) * np.sqrt(np.square(x).mean() / np.square(part).mean()))

    return {
        "clean": lambda x: x,
        "telephone, 300 to 3400 Hz": lambda x: signal.sosfilt(band, x),
        "a room that rings for 0.5 s": lambda x: signal.fftconvolve(x, ringing)[: len(x)] / 10,
        "white noise 20 dB below": lambda x: beneath(x, random.normal(size=len(x)), 20),
        "a cello 20 dB below": lambda x: beneath(x, cello, 20),
        "a cello 10 dB below": lambda x: beneath(x, cello, 10),
        "another speaker 10 dB below": lambda x: beneath(x, guests[int(random.integers(len(guests)))], 10),
    }


def rough(shared: Path, folder: Path, model: str, sentences: int) -> None:
    """Conversions of recordings with known damage: the way to real ones that are damaged alike, DNSMOS less that of
    the source, agreement of the words with those of the source, and what `inspect` goes by."""
    panel, translator = Panel(installed()), unpaired.load(model)
    files = gather(shared, folder, sentences)
    clean = {side: [read_mono(file, RATE) for file in each] for side, each in files.items()}
    source, output = folder / "source.wav", folder / "converted.wav"
    for name, damage in damages(shared, clean["a"] + clean["b"]).items():
        sounds = {side: [np.asarray(damage(x), np.float32) for x in each] for side, each in clean.items()}
        judged = {side: [panel.judge(x) for x in each] for side, each in sounds.items()}
        level = np.percentile([tones(x, RATE) for each in sounds.values() for x in each], [10, 50, 90])
        print(f"{name}: tones {level[0]:.0f}, {level[1]:.0f}, {level[2]:.0f} dB (a tenth, half, nine tenths)")
        for direction, (here, there) in SIDES.items():
            after = []
            for x in sounds[here]:
                soundfile.write(source, 0.5 * x / np.abs(x).max(), RATE)
                translator.convert(source, output, direction)
                after.append(panel.judge_file(output))
            figures = JudgedDirection(dict(enumerate(judged[here])), dict(enumerate(judged[there])))  # type: ignore[arg-type]
            rows = [[figures.figures(one, before) for one, before in zip(each, judged[here], strict=False)]
                    for each in (after, judged[here], judged[there])]  # fmt: skip
            way = way_covered(*([one["speaker"] for one in each] for each in rows))
            lost = Estimate.bootstrapped([y["dnsmos"] - x["dnsmos"] for x, y in zip(rows[1], rows[0], strict=True)])
            words = Estimate.bootstrapped([one["words"] for one in rows[0] if "words" in one])
            before = np.mean([x["dnsmos"] for x in rows[1]])
            print(f"  {direction} way {way.mean:.0f} ± {way.half:.0f} %; DNSMOS {before:.2f} {lost.mean:+.2f} ± "
                  f"{lost.half:.2f}; words {words.mean:.2f} ± {words.half:.2f}", flush=True)  # fmt: skip


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("stages", "variants", "live", "rough"))
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", type=int)
    parser.add_argument("--only", nargs="+")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.command == "rough":
            return rough(args.shared, Path(folder), args.model, args.sentences or 2)
        bench = Bench(args.shared, Path(folder), args.model, args.sentences or (2 if args.command == "live" else 4))
        if args.command == "stages":
            stages(bench)
        elif args.command == "live":
            spoken(bench, args.shared, args.only)
        else:
            variants(bench, args.only)


if __name__ == "__main__":
    main()
