"""One voice into one voice, as a user would take it: 22 sentences a side (a minute), minutes of training, six held out.

    python benchmarks/voice_pairs.py SHARED OUT VCC2SF1 VCC2TM1 [--minutes 16] [--from female-male]

Trains on sentences 30001 to 30022 of both speakers with the preset `small`, unless OUT holds a finished run, and scores
30023 to 30028 in both directions: MCD to the true counterpart, the way to the target's voice (Resemblyzer), DNSMOS and
word agreement (and that of two real recordings), beside the source's own. `--from ""` starts from random weights.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import unpaired
from unpaired.domains.audio.evaluation.voices import evaluate_voices

FIRST_HELD_OUT = 30023


def gather(shared: Path, out: Path, speakers: list[str]) -> None:
    """`out`/trainA, trainB, testA, testB."""
    for side, speaker in zip("AB", speakers, strict=True):
        for file in sorted((shared / "data" / "speech" / "vcc2018" / speaker).glob("*.flac")):
            use = "test" if int(file.stem) >= FIRST_HELD_OUT else "train"
            place = out / f"{use}{side}" / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def train(out: Path, speakers: list[str], minutes: float, start_from: str) -> None:
    """A run of so many minutes."""
    unpaired.train(
        unpaired.Audio(), out / "trainA", out / "trainB", out / "run", preset="small", minutes=minutes,
        names=(speakers[0], speakers[1]), start_from=start_from,
    )  # fmt: skip


def score(out: Path) -> None:
    """A line for each direction."""
    translator = unpaired.load(str(out / "run"))
    found = evaluate_voices(translator, out / "testA", out / "testB", paired=True)
    for direction, scores in found.scores.items():
        before, after, real = (scores.rows[row] for row in ("input", "converted", "target"))
        print(f"{direction}: MCD {before['mcd'].mean:.2f} > {after['mcd'].mean:.2f} dB; "
              f"way {after['speaker_way'].mean:.0f} ± {after['speaker_way'].half:.0f} %; "
              f"DNSMOS {before['dnsmos'].mean:.2f} > {after['dnsmos'].mean:.2f} ± {after['dnsmos'].half:.2f}; "
              f"words {after['words'].mean:.2f} ± {after['words'].half:.2f} ({real['words'].mean:.2f})")  # fmt: skip


def main() -> None:
    """Gather, train, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("speakers", nargs=2)
    parser.add_argument("--minutes", type=float, default=16)
    parser.add_argument("--from", dest="start_from", default="female-male")
    args = parser.parse_args()
    gather(args.shared, args.out, args.speakers)
    if not (args.out / "run" / "model.safetensors").exists():
        train(args.out, args.speakers, args.minutes, args.start_from)
    score(args.out)


if __name__ == "__main__":
    main()
