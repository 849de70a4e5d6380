"""Pitch trackers compared: error, octave errors, voicing and CPU time.

    python benchmarks/pitch.py [SHARED] [--speakers 12] [--seconds 10] [--only speech]

Synthetic voices have a known pitch: harmonics under the formants of five vowels, in steady notes, glides, vibrato and
creak (irregular periods at 55 to 80 Hz), with unvoiced noise and silence between them. With SHARED, recordings of
SHARED/speech/vcc2018 are added; their reference is the consensus of the trackers on the clean recording (frames where
two of three disagree by more than 5 %, or about voicing, are left out), so figures there show how a tracker holds out
against noise, not which one is right. Pink noise is added at 20, 10 and 0 dB below the voiced parts.

cents: median absolute error where tracker and reference are voiced and within 20 %; gross: share of frames voiced in
both that are off by more than 20 % (octave: by a factor within 20 % of 2 or 1/2); missed: share of voiced frames called
unvoiced; false: share of unvoiced frames called voiced; CPU: seconds a second of sound. swift-f0 is measured where it
is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyworld
import soundfile
from scipy import signal

from unpaired.core.runtimes.offline import without_reports_of_use
from unpaired.domains.audio.signal.pitch import CONVERTED_RATE, HIGHEST, LOWEST, PERIOD, tracked
from unpaired.domains.audio.signal.sound import resampled

RATE = 16000
NOISES = (None, 20, 10, 0)
Array = npt.NDArray[Any]
Tracker = Callable[[Array], Array]

# -- trackers ---------------------------------------------------------------------------------------


def world(method: str, rate: int = RATE, speed: int = 1) -> Tracker:
    """DIO refined by StoneMask, at a rate in Hz and with one sample in `speed`; or Harvest."""

    def track(audio: Array) -> Array:
        sound = resampled(audio, RATE, rate).astype(np.float64)
        bounds: dict[str, Any] = {"f0_floor": LOWEST, "f0_ceil": HIGHEST, "frame_period": 1000 * PERIOD}
        if method == "harvest":
            return np.asarray(pyworld.harvest(sound, rate, **bounds)[0])
        rough, times = pyworld.dio(sound, rate, **bounds, speed=speed)
        return np.asarray(pyworld.stonemask(sound, rough, times, rate))

    return track


def swift(refined: bool) -> Tracker:
    """swift-f0, at the times of its frames every 16 ms brought to ours along the logarithm of the pitch."""
    with without_reports_of_use():
        from swift_f0 import SwiftF0
    detector = SwiftF0(fmin=LOWEST, fmax=HIGHEST)

    def track(audio: Array) -> Array:
        found = detector.detect_from_array(audio, RATE)
        times = np.arange(len(audio) * 200 // RATE + 1) * PERIOD
        voiced = found.voicing[np.abs(times[:, None] - found.timestamps[None]).argmin(axis=1)]
        known = found.voicing.nonzero()[0]
        if not len(known):
            return np.zeros(len(times))
        hz = np.exp(np.interp(times, found.timestamps[known], np.log(found.pitch_hz[known])))
        hz = np.where(voiced, hz, 0.0)
        return np.asarray(pyworld.stonemask(audio.astype(np.float64), hz, times, RATE)) if refined else hz

    return track


def trackers() -> dict[str, Tracker]:
    """Every tracker by name; the first is what conversion uses."""
    found: dict[str, Tracker] = {
        "DIO, 8 kHz (in use)": lambda audio: tracked(audio, RATE, CONVERTED_RATE),
        "DIO, 16 kHz": world("dio", RATE, 4),
        "DIO, every sample": world("dio", RATE, 1),
        "Harvest": world("harvest"),
    }
    if find_spec("swift_f0"):
        found |= {"swift-f0": swift(refined=False), "swift-f0, StoneMask": swift(refined=True)}
    return found


# -- voices -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Voice:
    """A sound and its pitch every 5 ms: Hz, 0 where unvoiced, negative where nothing is known."""

    kind: str
    audio: Array
    hz: Array


_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""Formants in Hz of a, i, u, e, o (Peterson and Barney 1952, men)."""


def contour(kind: str, base: float, rng: np.random.Generator) -> Array:
    """The pitch of each sample of one utterance of 0.8 s."""
    time_ = np.arange(round(0.8 * RATE)) / RATE
    if kind == "glide":
        return np.asarray(base * 2 ** (rng.uniform(-0.6, 0.6) * time_ / 0.8))
    if kind == "vibrato":
        return np.asarray(base * 2 ** (rng.uniform(30, 100) / 1200 * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * time_)))
    if kind == "creak":
        periods = 1 / rng.uniform(55, 80) * np.exp(0.04 * rng.standard_normal(200))
        ends = np.cumsum(periods)
        return np.asarray(1 / periods[np.searchsorted(ends, time_)])
    return np.full(len(time_), base)


def synthetic(kind: str, seed: int) -> Voice:
    """Eight utterances with pauses between them, by turns silent and of noise."""
    rng = np.random.default_rng(seed)
    pieces, pitch = [], []
    for number in range(8):
        base = float(np.exp(rng.uniform(np.log(85), np.log(420))))
        f0 = contour(kind, base, rng)
        pieces.append(utterance(f0, _VOWELS[number % 5], rng))
        pause = rng.standard_normal(round(0.3 * RATE)) * (0.02 if number % 2 else 0.0)
        pieces.append(signal.lfilter([1, -0.9], [1], pause))
        pitch += [f0, np.zeros(len(pause))]
    audio = np.concatenate(pieces).astype(np.float32)
    every = np.concatenate(pitch)[:: round(PERIOD * RATE)]
    if kind == "creak":  # a period's length, as no tracker sees less than two
        every = signal.medfilt(every, 5)
    return Voice(kind, audio, edges_unknown(every))


def utterance(f0: Array, formants: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Harmonics of a pitch, falling by 12 dB an octave, under three resonances, and a little breath."""
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    sound = np.zeros(len(f0))
    for harmonic in range(1, int(7500 / f0.min()) + 1):
        hz = harmonic * f0
        gain = sum(1 / (1 + ((hz - middle) / (60 + 0.05 * middle)) ** 2) for middle in formants) + 0.02
        sound += np.where(hz < 7500, gain / harmonic, 0) * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    sound += 0.01 * rng.standard_normal(len(f0)) * np.abs(sound).max()
    fade = np.minimum(1, np.minimum(np.arange(len(f0)), np.arange(len(f0))[::-1]) / (0.03 * RATE))
    return np.asarray(0.3 * fade * sound / np.abs(sound).max())


def edges_unknown(hz: Array) -> Array:
    """Frames within 25 ms of a change of voicing count neither way."""
    voiced = hz > 0
    near = np.convolve(np.abs(np.diff(voiced.astype(float), prepend=float(voiced[0]))), np.ones(11), "same") > 0
    return np.where(near, -1.0, hz)


def recorded(shared: Path, speakers: int, seconds: float, judges: list[Tracker]) -> Iterator[Voice]:
    """Recordings of several speakers with the pitch that most trackers agree on."""
    for folder in sorted((shared / "speech" / "vcc2018").iterdir())[:speakers]:
        files = sorted(folder.glob("*.flac"))
        if not files:
            continue
        sound, rate = soundfile.read(files[0], dtype="float32")
        for file in files[1:]:
            if len(sound) >= seconds * rate:
                break
            sound = np.concatenate([sound, soundfile.read(file, dtype="float32")[0]])
        audio = resampled(sound, rate, RATE)[: round(seconds * RATE)]
        yield Voice("speech", audio, consensus([judge(audio) for judge in judges]))


def consensus(found: list[Array]) -> Array:
    """The median where most agree within 5 %, 0 where all but one are unvoiced, -1 elsewhere."""
    count = min(map(len, found))
    hz = np.stack([each[:count] for each in found])
    voiced = (hz > 0).sum(axis=0)
    middle = np.nanmedian(np.where(hz > 0, hz, np.nan), axis=0, keepdims=True) if voiced.any() else hz[:1]
    near = (np.abs(hz / np.maximum(middle, 1) - 1) < 0.05).sum(axis=0)
    agreed = np.where(near >= len(found) - 1, middle[0], -1.0)
    return np.where(voiced == 0, 0.0, np.nan_to_num(agreed, nan=-1.0))


def noisy(voice: Voice, ratio: int | None, seed: int) -> Array:
    """The sound with pink noise `ratio` dB below its voiced parts."""
    if ratio is None:
        return voice.audio
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(len(voice.audio)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(voice.audio))
    loud = np.repeat(voice.hz > 0, round(PERIOD * RATE))[: len(voice.audio)]
    power = np.square(voice.audio[: len(loud)][loud]).mean()
    noise *= np.sqrt(power / np.square(noise).mean() / 10 ** (ratio / 10))
    return np.asarray(voice.audio + noise, np.float32)


# -- scores -----------------------------------------------------------------------------------------
def errors(found: Array, true: Array) -> dict[str, Array]:
    """What each frame adds to every score."""
    count = min(len(found), len(true))
    found, true = found[:count], true[:count]
    both = (found > 0) & (true > 0)
    ratio = found[both] / true[both]
    gross = np.abs(ratio - 1) > 0.2
    octave = (np.abs(ratio / 2 - 1) < 0.2) | (np.abs(ratio * 2 - 1) < 0.2)
    return {
        "cents": np.abs(1200 * np.log2(ratio[~gross])),
        "gross": gross,
        "octave": octave,
        "missed": found[true > 0] == 0,
        "false": found[true == 0] > 0,
    }


def table(voices: list[Voice], chosen: dict[str, Tracker]) -> None:
    """Print a row for each tracker, kind of voice and noise."""
    scores = "".join(f"{score:>8}" for score in ("gross", "octave", "missed", "false"))
    print(f"{'voice':<9}{'noise':>6}  {'tracker':<22}{'cents':>7}{scores}{'CPU':>9}")
    for kind in dict.fromkeys(each.kind for each in voices):
        for ratio in NOISES:
            sounds = [(noisy(each, ratio, n), each.hz) for n, each in enumerate(voices) if each.kind == kind]
            for name, tracker in chosen.items():
                print(row(kind, ratio, name, tracker, sounds), flush=True)


def row(kind: str, ratio: int | None, name: str, tracker: Tracker, sounds: list[tuple[Array, Array]]) -> str:
    """One line: the scores of a tracker over several sounds."""
    tracker(sounds[0][0])
    begin = time.process_time()
    contours = [tracker(sound) for sound, _ in sounds]
    cpu = (time.process_time() - begin) / sum(len(sound) / RATE for sound, _ in sounds)
    found = [errors(ours, true) for ours, (_, true) in zip(contours, sounds, strict=True)]
    joined = {score: np.concatenate([each[score] for each in found]) for score in found[0]}
    shares = "".join(f"{100 * joined[score].mean():>7.1f}%" for score in ("gross", "octave", "missed", "false"))
    noise = "clean" if ratio is None else f"{ratio} dB"
    return f"{kind:<9}{noise:>6}  {name:<22}{np.median(joined['cents']):>7.1f}{shares}{cpu:>9.5f}"


def main() -> None:
    """Measure every tracker on every kind of voice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path, nargs="?")
    parser.add_argument("--speakers", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", metavar="KIND", help="of voices: steady, glide, vibrato, creak or speech")
    args = parser.parse_args()
    chosen = trackers()
    voices = [synthetic(kind, seed) for kind in ("steady", "glide", "vibrato", "creak") for seed in range(3)]
    if args.shared:
        judges = [chosen[name] for name in ("DIO, every sample", "Harvest", "swift-f0") if name in chosen]
        voices += recorded(args.shared, args.speakers, args.seconds, judges)
    table([each for each in voices if args.only in (None, each.kind)], chosen)


if __name__ == "__main__":
    main()
