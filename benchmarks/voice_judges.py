"""What judges with weights of their own say of converted voices, and how far they can be trusted.

    python benchmarks/voice_judges.py table SHARED [--model female-male] [--sentences 4] [--pitch auto] [--page FILE]
    python benchmarks/voice_judges.py noise SHARED [--sentences 4]     real voices alone, as they are and damaged
    python benchmarks/voice_judges.py speakers SHARED   what is said of recordings of one speaker and of two
    python benchmarks/voice_judges.py ranges SHARED     how often they are said to be of low and high voices

Needs the extra `judges` and resemblyzer (docs/voice-scores.md). SHARED holds speech/vcc2018: of each held-out sentence
(30023 on) there are four women and four men, so four sentences are 16 recordings each way.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

import unpaired
from unpaired.core.sides import Side
from unpaired.domains.audio.evaluation.results import BY_JUDGES, FIGURES, ROWS
from unpaired.domains.audio.evaluation.scores import Estimate
from unpaired.domains.audio.evaluation.voices import evaluate_voices
from unpaired.domains.audio.inspection.file import examine
from unpaired.domains.audio.inspection.ranges import two_ranges
from unpaired.domains.audio.inspection.scan import _speakers
from unpaired.domains.audio.judges.panel import Panel, in_words, installed
from unpaired.domains.audio.judges.speaker import centroid, encoder
from unpaired.domains.audio.judges.weights import RATE
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.levels import trimmed
from unpaired.domains.audio.signal.sound import Sound

SPEAKERS: dict[Side, tuple[str, ...]] = {
    "a": ("VCC2SF1", "VCC2SF3", "VCC2SF4", "VCC2TF1"),
    "b": ("VCC2SM1", "VCC2SM3", "VCC2SM4", "VCC2TM1"),
}
FIRST = 30023


def gather(shared: Path, data: Path, sentences: int) -> dict[Side, list[Path]]:
    """`data`/a and b with a folder for each speaker."""
    found: dict[Side, list[Path]] = {"a": [], "b": []}
    for side, speakers in SPEAKERS.items():
        for speaker in speakers:
            for number in range(FIRST, FIRST + sentences):
                place = data / side / speaker / f"{number}.flac"
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(shared / "data" / "speech" / "vcc2018" / speaker / place.name, place)
                found[side].append(place)
    return found


def table(shared: Path, model: str, sentences: int, pitch: str, page: Path | None) -> None:
    """Sources, conversions and real voices of both directions, with bootstrapped 95% intervals."""
    with tempfile.TemporaryDirectory() as folder:
        gather(shared, Path(folder), sentences)
        found = evaluate_voices(
            unpaired.load(model), Path(folder) / "a", Path(folder) / "b", paired=True, page=page,
            options={"pitch": pitch},
        )  # fmt: skip
    for direction, scores in found.scores.items():
        print(f"{direction}, {scores.files} recordings")
        print(" " * 20 + "".join(f"{ROWS[row]:>18}" for row in scores.rows))
        for name in ("f0_offset", *BY_JUDGES):
            cells = [_cell(figures.get(name)) for figures in scores.rows.values()]
            print(f"{FIGURES[name]:<20}" + "".join(f"{cell:>18}" for cell in cells))
    print("\n".join([*in_words(found.judges), *found.notes]))


def _cell(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.mean:.3f}" + ("" if np.isnan(estimate.half) else f"±{estimate.half:.3f}")


def noise(shared: Path, sentences: int) -> None:
    """Speakers of a side among themselves, and what the judges make of known damage."""
    random = np.random.default_rng(0)
    damage: dict[str, Callable[[Sound], Sound]] = {
        "as it is": lambda x: x,
        "3.4 kHz": lambda x: _low_pass(x, 3400),
        "white noise, 20 dB below": lambda x: _noisy(x, 20, random),
        "white noise, 10 dB below": lambda x: _noisy(x, 10, random),
        "reversed in time": lambda x: np.ascontiguousarray(x[::-1]),
    }
    panel = Panel(installed())
    with tempfile.TemporaryDirectory() as folder:
        files = gather(shared, Path(folder), sentences)
        sounds = {side: [read_mono(file, RATE) for file in each] for side, each in files.items()}
    for name, change in damage.items():
        judged = {side: [panel.judge(change(x)) for x in each] for side, each in sounds.items()}
        voices = {side: [np.asarray(each.speaker) for each in judgements] for side, judgements in judged.items()}
        everyone = [each for judgements in judged.values() for each in judgements]
        own = _similarity(voices["a"], voices["a"]) + _similarity(voices["b"], voices["b"])
        other = _similarity(voices["a"], voices["b"]) + _similarity(voices["b"], voices["a"])
        figures = {
            "own side": own, "other side": other,
            "DNSMOS": [each.quality.overall for each in everyone if each.quality],
            "fit": [each.words.fit for each in everyone if each.words],
        }  # fmt: skip
        cells = (f"{label} {Estimate.bootstrapped(values).mean:.4f} ± {Estimate.bootstrapped(values).half:.4f}"
                 for label, values in figures.items())  # fmt: skip
        print(f"{name:<26}" + "; ".join(cells), flush=True)


def speakers(shared: Path) -> None:
    """How often `inspect` takes draws of recordings for several people's, or one of them for a stranger's: of one
    speaker of VCC 2018 and VCTK, of two in halves and three to one, and of one with a guest."""
    voices: dict[str, list[np.ndarray]] = {}
    for folder in sorted((shared / "data" / "speech").glob("v*/*")):
        sounds = [trimmed(read_mono(file, RATE), RATE) for file in sorted(folder.glob("*.flac"))]
        voices[folder.name] = [encoder().embedding(sound) for sound in sounds if len(sound) >= 1.5 * RATE]
    voices = {name: each for name, each in voices.items() if each}
    random = np.random.default_rng(0)
    for count in (4, 6, 8, 10, 16, 20):
        there = {name: each for name, each in voices.items() if len(each) >= count}
        drawn: dict[str, list[list[np.ndarray]]] = {"one speaker": [], "halves": [], "three to one": [], "a guest": []}
        for name, each in there.items():
            drawn["one speaker"] += [_some(each, count, random) for _ in range(40)]
            for other in there.keys() - {name}:
                for title, guests in (("halves", count // 2), ("three to one", max(2, count // 4)), ("a guest", 1)):
                    both = _some(each, count - guests, random) + _some(there[other], guests, random)
                    drawn[title].append(both)
        found = {title: np.mean([bool(_said(each)) for each in draws]) for title, draws in drawn.items()}
        print(f"{count} recordings, {len(there)} speakers: " + ", ".join(f"{t} {x:.1%}" for t, x in found.items()))


def ranges(shared: Path) -> None:
    """How often `inspect` takes draws of recordings for low and high voices mixed: of one speaker of VCC 2018, VCTK and
    FSDD (of which 50 recordings each), and of a woman and a man of the first two, the guests being either. In brackets
    by the rule of before: pitch deviates by more than six semitones."""
    settings, pitch = AudioSettings(), dict[str, list[np.ndarray]]()
    for folder in sorted((shared / "data" / "speech").glob("[vf]*/*/")):
        files = sorted(folder.glob("*.flac"))
        heard = [examine(file, settings).analysis for file in files[:: max(1, len(files) // 50)]]
        pitch[folder.name] = [each.pitch for each in heard if each is not None]
    medians = {name: np.median(np.concatenate(each)) for name, each in pitch.items()}
    spoken = [name for name in pitch if name.startswith(("VCC2", "p2"))]
    pairs = [(a, b) for a in spoken for b in spoken if (medians[a] > 140) != (medians[b] > 140)]
    random = np.random.default_rng(0)
    for count in (2, 4, 8, 20):
        drawn = {"one speaker": [_some(each, count, random) for each in pitch.values() if len(each) >= count
                                 for _ in range(100)]}  # fmt: skip
        for guests in sorted({count // 2, max(1, count // 4), max(1, count // 10)} - ({1} if count > 2 else set())):
            drawn[f"{guests} of another"] = [
                _some(pitch[a], count - guests, random) + _some(pitch[b], guests, random)
                for a, b in pairs for _ in range(10) if len(pitch[a]) >= count - guests
            ]  # fmt: skip
        found = {title: np.mean([(two_ranges(each) is not None, 12 * np.log2(np.concatenate(each)).std() > 6)
                                 for each in draws], axis=0) for title, draws in drawn.items()}  # fmt: skip
        shares = (f"{title} {now:.1%} ({before:.1%})" for title, (now, before) in found.items())
        print(f"{count} recordings: {', '.join(shares)}", flush=True)


def _some(voices: Sequence[np.ndarray], count: int, random: np.random.Generator) -> list[np.ndarray]:
    return [voices[place] for place in random.permutation(len(voices))[:count]]


def _said(voices: Sequence[np.ndarray]) -> list[str]:
    return [*_speakers([(Path(str(number)), voice) for number, voice in enumerate(voices)])]


def _similarity(voices: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> list[float]:
    return [float(each @ centroid(others)) for each in voices]


def _low_pass(sound: Sound, hz: float) -> Sound:
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) > hz] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def _noisy(sound: Sound, decibels: float, random: np.random.Generator) -> Sound:
    level = np.sqrt(np.square(sound).mean()) * 10 ** (-decibels / 20)
    return (sound + level * random.standard_normal(len(sound))).astype(np.float32)


def main() -> None:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("table", "noise", "speakers", "ranges"))
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--sentences", type=int, default=4)
    parser.add_argument("--pitch", default="auto")
    parser.add_argument("--page", type=Path)
    args = parser.parse_args()
    if args.command == "table":
        table(args.shared, args.model, args.sentences, args.pitch, args.page)
    elif args.command == "speakers":
        speakers(args.shared)
    elif args.command == "ranges":
        ranges(args.shared)
    else:
        noise(args.shared, args.sentences)


if __name__ == "__main__":
    main()
