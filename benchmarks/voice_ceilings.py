"""What converting men into women loses, by judges and without any training.

    python benchmarks/voice_ceilings.py strangers SHARED    real speakers, beside those of their side that they are not
    python benchmarks/voice_ceilings.py stages SHARED [--sentences 4]    pitch moved there and back; true spectrograms
    python benchmarks/voice_ceilings.py pairs SHARED     the spectrogram of one voice in the other, as in voice_pairs.py
    python benchmarks/voice_ceilings.py means SHARED [--sentences 4]     what whole conversions miss of the mean
    python benchmarks/voice_ceilings.py means SHARED --out FILE          the model with that in its map

Recordings and figures are those of `voice_stages.py`; of `pairs` those of `voice_pairs.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from packing import pack
from scipy import fft
from voice_judges import FIRST, SPEAKERS
from voice_pairs import PAIRS, gather
from voice_quality import RATE, oracle_of, unsettled
from voice_stages import Bench, cepstra

import unpaired
from unpaired.core.conversion.pipeline import Job, Pipeline
from unpaired.core.model.shipped import load_model_named
from unpaired.core.sides import SIDES, Direction, Side
from unpaired.domains.audio.evaluation.analysis import analyse_file
from unpaired.domains.audio.evaluation.scores import way_covered
from unpaired.domains.audio.judges.panel import WORDS, Panel, installed
from unpaired.domains.audio.judges.speaker import centroid, encoder
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.settings import AudioConversion, AudioSettings, Vocoder
from unpaired.domains.audio.signal.levels import normalised
from unpaired.domains.audio.signal.mel import log_mel
from unpaired.domains.audio.signal.pitch_shift import shifted
from unpaired.domains.audio.signal.sound import Sound
from unpaired.domains.audio.signal.transport import CEPSTRA, _moments, _rounded

OTHERS: dict[Side, tuple[str, ...]] = {"a": ("p225", "p228"), "b": ("p226", "p227")}
"""Of VCTK."""
FITTED = range(30001, 30008)
"""Sentences that means are taken from."""


# -- real speakers ----------------------------------------------------------------------------------
def strangers(shared: Path) -> None:
    """How near real speakers are to the mean of their side with their own recordings in it, and without them."""
    folder = shared / "data" / "speech"
    for side, names in SPEAKERS.items():
        voices = {name: [_voice(folder / "vcc2018" / name / f"{number}.flac") for number in range(FIRST, FIRST + 4)]
                  for name in names}  # fmt: skip
        everyone = centroid([one for each in voices.values() for one in each])
        for name, own in voices.items():
            rest = centroid([one for other, each in voices.items() if other != name for one in each])
            print(f"{name}: {_near(own, everyone):.3f} with its own, {_near(own, rest):.3f} without", flush=True)
        for name in OTHERS[side]:
            files = sorted((folder / "vctk_parallel_16k" / name).glob("*.flac"))[:5]
            print(f"{name}: {_near([_voice(file) for file in files], everyone):.3f}", flush=True)


def _voice(file: Path) -> Any:
    return encoder().embedding(read_mono(file, 16000))


def _near(voices: Sequence[Any], centre: Any) -> float:
    return float(np.mean([voice @ centre for voice in voices]))


# -- stages alone -----------------------------------------------------------------------------------
class _Made:
    """In place of a translator: converts by a function of a file."""

    def __init__(self, make: Callable[[Path, Path], None]) -> None:
        self._make = make

    def convert(self, file: Path, output: Path, direction: Direction, **options: Any) -> None:
        self._make(file, output)


def stages(bench: Bench) -> None:
    """Men's voices with the spectrograms of women who say the same; and women's lowered and raised, men's raised and
    lowered, for which the whole of the way, from the other side's, is what they had."""
    translator = bench.translator
    settings, real = translator.domain.settings, bench.real
    assert isinstance(settings, AudioSettings)

    def there_and_back(first: float, second: float) -> Callable[[Path, Path], None]:
        def make(file: Path, output: Path) -> None:
            moved = shifted(shifted(read_mono(file, RATE), RATE, first), RATE, second)
            soundfile.write(output, moved, RATE)

        return make

    plain = unsettled(settings)

    def true(file: Path, output: Path) -> None:
        others = [each for each in real["a"] if each.name == file.name]
        with_spectrogram(others[[*real["b"]].index(file) % len(others)], file, output, "b2a", plain)

    bench.translator = _Made(true)
    bench.report("b2a", "men, women's spectrograms", {})
    for side, direction, first in (("a", "b2a", settings.ratio), ("b", "a2b", 1 / settings.ratio)):
        bench.translator = _Made(there_and_back(first, 1 / first))
        bench.report(direction, f"the target's own, x {first:.2f} and back", {}, begin=side)


def with_spectrogram(
    other: Path, file: Path, output: Path, direction: Direction, settings: AudioSettings, how: Vocoder = "source-filter"
) -> None:
    """Convert a recording by what a generator would give that knew another, of the same sentence, in its time."""
    pair = analyse_file(file, RATE), analyse_file(other, RATE)
    oracle: Any = oracle_of(file, other, pair, SIDES[direction][0], settings)
    job = Job(file, output)
    Pipeline(unpaired.Audio(settings), oracle, direction, AudioConversion(vocoder=how), None).run([job])
    job.check()


# -- one voice into one voice ------------------------------------------------------------------------
WAYS: Mapping[str, tuple[int, Vocoder]] = {
    "as it is": (24, "source-filter"),
    "gains of 40 cepstra": (40, "source-filter"),
    "every bin, by Griffin-Lim": (80, "griffin-lim"),
}
"""Cepstra that gains are smoothed to, and the waveform stage."""


def pairs(shared: Path) -> None:
    """What waveform stages make of a generator that gave the very sentence of the very target, in the source's time."""
    panel = Panel({**installed(), WORDS: False})
    with tempfile.TemporaryDirectory() as place:
        for speakers in PAIRS:
            folder = Path(place) / "-".join(speakers)
            gather(shared, folder, speakers, float("inf"), None)
            domain = unpaired.Audio()
            settings = domain.fit(domain.scan(folder / "trainA"), domain.scan(folder / "trainB")).settings
            real = {side: {file: panel.judge_file(file) for file in sorted((folder / f"test{side}").iterdir())}
                    for side in "AB"}  # fmt: skip
            for direction, name in itertools.product(SIDES, WAYS):
                found = _through(WAYS[name], direction, settings, real, panel)
                print(f"{' and '.join(speakers)}, {direction}, {name}: {found}", flush=True)


def _through(
    way: tuple[int, Vocoder], direction: Direction, settings: AudioSettings, real: Mapping[str, Any], panel: Panel
) -> str:
    """The way to the target, and what is lost of DNSMOS."""
    own, there = (real[side.upper()] for side in SIDES[direction])
    made = []
    with tempfile.TemporaryDirectory() as place, cepstra(way[0]):
        output = Path(place) / "converted.wav"
        for file, target in zip(own, there, strict=True):
            with_spectrogram(target, file, output, direction, settings, way[1])
            made.append(panel.judge_file(output))
            output.unlink()
    centre = centroid([each.speaker for each in there.values()])
    near = [[float(each.speaker @ centre) for each in all_of] for all_of in (made, own.values(), there.values())]
    lost = np.mean([new.quality.overall - old.quality.overall for new, old in zip(made, own.values(), strict=True)])
    covered = way_covered(*near)
    return f"{covered.mean:.0f} ± {covered.half:.0f} % of the way, DNSMOS {lost:+.2f}"


# -- means of what is heard --------------------------------------------------------------------------
def means(shared: Path, name: str, bench: Bench | None, out: Path | None) -> None:
    """The mean that whole conversions miss, raised as they are, added to the map: judged beside none of it and twice
    as much, or written as a model."""
    model = load_model_named(name)
    settings = model.domain.settings
    assert isinstance(settings, AudioSettings)
    missed = _missed(shared / "data" / "speech" / "vcc2018", unpaired.load(name), settings)
    print("in dB:", np.round(20 / np.log(10) * fft.idct(np.pad(missed, (0, settings.bins - CEPSTRA)), norm="ortho"), 1))
    for share in (1.0,) if out else (0.0, 1.0, 2.0):
        numbers = np.reshape(settings.transport_b2a, (CEPSTRA, CEPSTRA + 1)).copy()
        numbers[:, -1] += share * missed
        changed = unpaired.Audio(dataclasses.replace(settings, transport_b2a=_rounded(numbers)))
        if out:
            pack(model, out, domain=changed)
        if bench:
            bench.translator = unpaired.Translator(dataclasses.replace(model, domain=changed))
            bench.report("b2a", f"{share:g} of what is missed", {})


def _missed(folder: Path, translator: unpaired.Translator, settings: AudioSettings) -> Any:
    """Cepstra (24,): real women's mean less that of men who were converted."""
    heard, aim = [], []
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "converted.wav"
        for speaker in SPEAKERS["b"]:
            for number in FITTED:
                translator.convert(folder / speaker / f"{number}.flac", output, "b2a")
                heard.append(_mel(output, settings))
    for speaker in SPEAKERS["a"]:
        aim += [_mel(folder / speaker / f"{number}.flac", settings) for number in FITTED]
    return _moments(aim)[0] - _moments(heard)[0]


def _mel(file: Path, settings: AudioSettings) -> Sound:
    return log_mel(normalised(read_mono(file, RATE), RATE), settings)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("strangers", "stages", "pairs", "means"))
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if args.command == "strangers":
        strangers(args.shared)
        return
    if args.command == "pairs":
        pairs(args.shared)
        return
    if args.out:
        means(args.shared, args.model, None, args.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.shared, Path(folder), args.model, args.sentences)
        if args.command == "means":
            means(args.shared, args.model, bench, None)
        else:
            stages(bench)


if __name__ == "__main__":
    main()
