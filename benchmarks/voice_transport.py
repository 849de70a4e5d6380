"""Closed-form maps of spectrograms beside the generator, in place of it and after it, by judges.

    python benchmarks/voice_transport.py table SHARED [--model female-male] [--sentences 4]
    python benchmarks/voice_transport.py others SHARED     fitted to half of the speakers, judged on the other half

Maps are fitted to the sentences 30001 to 30022 of the eight speakers of VCC 2018, and judged on those of
`voice_judges.py`, as `voice_stages.py` prints them. What the model has of `signal.transport` is left out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from scipy import fft
from voice_judges import FIRST, SPEAKERS
from voice_stages import Bench

import unpaired
from unpaired.core.adapter.arrays import for_arrays
from unpaired.core.gaussians import monge
from unpaired.core.sides import SIDES, Side, other_side
from unpaired.domains.audio.conversion import gains
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.mel import from_sample, log_mel, to_sample
from unpaired.domains.audio.signal.sound import Sound
from unpaired.domains.audio.signal.transport import _RIDGE, CEPSTRA, _speech
from unpaired.domains.audio.training.sampling import pitch_shifted, prepared

Mels = Sequence[Sound]
Map = Callable[[Sound], Sound]
HALVES = ("VCC2SF1", "VCC2SF3", "VCC2SM1", "VCC2SM3"), ("VCC2SF4", "VCC2TF1", "VCC2SM4", "VCC2TM1")


# -- maps -------------------------------------------------------------------------------------------
def transport(source: Mels, target: Mels, share: float = 1.0, cepstra: int = CEPSTRA) -> Map:
    """The optimal transport of one Gaussian to the other, of the first coefficients of the cosine transform."""
    (mean, own), (aim, other) = _moments(source, cepstra), _moments(target, cepstra)
    linear = monge(own, other)

    def apply(mel: Sound) -> Sound:
        before = fft.dct(mel, axis=0, norm="ortho")[:cepstra]
        added = np.zeros_like(mel)
        added[:cepstra] = share * (linear @ (before - mean) + aim - before)
        return np.asarray(mel + fft.idct(added, axis=0, norm="ortho"), np.float32)

    return apply


def by_bins(source: Mels, target: Mels, deviations: bool) -> Map:
    """Each bin's mean, and deviation if asked for."""
    (mean, own), (aim, other) = ((each.mean(1), each.std(1)) for each in map(_of_speech, (source, target)))
    factor = other / own if deviations else np.ones_like(own)
    return lambda mel: np.asarray((mel - mean[:, None]) * factor[:, None] + aim[:, None], np.float32)


def _of_speech(mels: Mels) -> Sound:
    return np.concatenate([_speech(mel) for mel in mels], axis=1)


def _moments(mels: Mels, cepstra: int) -> tuple[Any, Any]:
    found = fft.dct(_of_speech(mels).astype(np.float64), axis=0, norm="ortho")[:cepstra]
    return found.mean(axis=1, keepdims=True), np.cov(found) + _RIDGE * np.eye(cepstra)


# -- spectrograms -----------------------------------------------------------------------------------
class Voices:
    """Spectrograms of the speakers, and what the model makes of them."""

    def __init__(self, shared: Path, model: str) -> None:
        self._translator = unpaired.load(model)
        settings = self._translator.domain.settings
        assert isinstance(settings, AudioSettings)
        self.settings = settings
        self._real: dict[str, list[Sound]] = {}
        for side, speakers in SPEAKERS.items():
            for speaker in speakers:
                files = sorted((shared / "data" / "speech" / "vcc2018" / speaker).glob("*.flac"))
                self._real[speaker] = [self._mel(file, side) for file in files if int(file.stem) < FIRST]

    def _mel(self, file: Path, side: Side) -> Sound:
        mel = log_mel(pitch_shifted(prepared(file, self.settings, 0, 1), side, self.settings), self.settings)
        return mel[:, : mel.shape[1] // 4 * 4]

    def real(self, side: Side, among: Sequence[str] | None = None) -> list[Sound]:
        """Of a side's speakers, or of those named."""
        return [mel for each in SPEAKERS[side] if among is None or each in among for mel in self._real[each]]

    def translated(self, direction: Any, among: Sequence[str] | None = None) -> list[Sound]:
        """The generator's translations of them."""
        side = SIDES[direction][0]
        here = self.settings.mean(side), self.settings.deviation(side)
        there = self.settings.mean(other_side(side)), self.settings.deviation(other_side(side))
        generator = for_arrays(self._translator.for_direction(direction))
        return [from_sample(generator(to_sample(mel, *here)[None])[0], *there) for mel in self.real(side, among)]


def judged(bench: Bench, direction: Any, name: str, change: Callable[[Sound, Sound], Sound]) -> None:
    """Print what the judges say where the translation is `change(source, generator's)`."""

    def between(x: Sound, y: Sound, side: Side, settings: AudioSettings) -> Sound:
        source = from_sample(x[0], settings.mean(side), settings.deviation(side))
        other = other_side(side)
        made = from_sample(y[0], settings.mean(other), settings.deviation(other))
        return np.asarray(change(source, made) - source, np.float32)

    with mock.patch.object(gains, "gain_between", between):
        bench.report(direction, name, {})


def table(bench: Bench, voices: Voices) -> None:
    """All maps."""
    bins = voices.settings.bins
    for direction, (here, there) in SIDES.items():
        made, aim, source = voices.translated(direction), voices.real(there), voices.real(here)
        maps: dict[str, tuple[bool, Map]] = {
            "the generator alone": (True, lambda mel: mel),
            "nothing": (False, lambda mel: mel),
            "transport of 80 bins": (False, transport(source, aim, cepstra=bins)),
            "means and deviations": (False, by_bins(source, aim, True)),
            "after it, means": (True, by_bins(made, aim, False)),
            "after it, means and deviations": (True, by_bins(made, aim, True)),
            "after it, transport of 80 bins": (True, transport(made, aim, cepstra=bins)),
            "after it, transport": (True, transport(made, aim)),
            "after it, 0.6 of that": (True, transport(made, aim, 0.6)),
        }
        for name, (after, change) in maps.items():
            judged(bench, direction, name, partial(_applied, change, after))


def _applied(change: Map, after: bool, source: Sound, made: Sound) -> Sound:
    return change(made if after else source)


def others(bench: Bench, voices: Voices) -> None:
    """By maps that the judged speakers had no part in."""
    everyone = bench.real
    for fitted, left in (HALVES, HALVES[::-1]):
        for direction, (here, there) in SIDES.items():
            among = {file: each for file, each in everyone[here].items() if file.parent.name in left}
            bench.real = {**everyone, here: among}
            change = transport(voices.translated(direction, fitted), voices.real(there, fitted))
            judged(bench, direction, f"{left[0]} and others, alone", lambda source, made: made)
            judged(bench, direction, "after it, transport", partial(_applied, change, True))


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("table", "others"))
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", type=int, default=4)
    args = parser.parse_args()
    voices = Voices(args.shared, args.model)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.shared, Path(folder), args.model, args.sentences)
        (table if args.command == "table" else others)(bench, voices)


if __name__ == "__main__":
    main()
