"""One voice into one voice, as a user would take it: 22 sentences a side (a minute), minutes of training, six held out.

    python benchmarks/voice_pairs.py SHARED OUT [--minutes 16] [--pairs 8]      the table, pair by pair
    python benchmarks/voice_pairs.py SHARED OUT VCC2SF1 VCC2TM1 [--minutes 16] [--from female-male]
    python benchmarks/voice_pairs.py SHARED OUT VCC2SF1 VCC2TM1 --untrained     `female-male` with the pair's statistics

Trains on sentences 30001 to 30022 of both speakers with the preset `small`, and scores 30023 to 30028 in both
directions: MCD to the true counterpart, the way to the target's voice (Resemblyzer), DNSMOS and word agreement (and
that of two real recordings), beside the source's own. What is in OUT is not done again: a run that was stopped goes on.
`--from ""` starts from random weights; each pair is scored without `domain.settle` as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

import unpaired
from unpaired.core.model.model_file import Model
from unpaired.core.model.shipped import load_model_named
from unpaired.domains.audio.evaluation.voices import evaluate_voices
from unpaired.domains.audio.settings import AudioSettings

PAIRS = (
    ("VCC2SF1", "VCC2TM1"), ("VCC2SF3", "VCC2TM1"), ("VCC2TF1", "VCC2SM1"), ("VCC2TF1", "VCC2SM3"),
    ("VCC2SF1", "VCC2TF1"), ("VCC2SF3", "VCC2TF1"), ("VCC2SM1", "VCC2TM1"), ("VCC2SM3", "VCC2TM1"),
)  # fmt: skip
"""Of the challenge's sources and targets: a woman and a man, two women, two men."""
FIRST_HELD_OUT = 30023


def gather(shared: Path, out: Path, speakers: list[str]) -> None:
    """`out`/trainA, trainB, testA, testB."""
    for side, speaker in zip("AB", speakers, strict=True):
        for file in sorted((shared / "data" / "speech" / "vcc2018" / speaker).glob("*.flac")):
            use = "test" if int(file.stem) >= FIRST_HELD_OUT else "train"
            place = out / f"{use}{side}" / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def trained(out: Path, speakers: tuple[str, str], minutes: float, start_from: str) -> Model:
    """A run of so many minutes, or what is left of one."""
    run = out / "run"
    if not (run / "model.safetensors").exists() or "minutes:" in (run / "config.yaml").read_text():
        unpaired.train(
            unpaired.Audio(), out / "trainA", out / "trainB", run, preset="small", minutes=minutes, names=speakers,
            start_from=start_from, resume=(run / "config.yaml").exists(),
        )  # fmt: skip
    return load_model_named(run)


def untrained(out: Path, start_from: str) -> Model:
    """A model with the pitch and the statistics of the pair, and what still moves its translations."""
    model = load_model_named(start_from)
    sides: dict[Any, Any] = {side: unpaired.Audio().scan(out / f"train{side.upper()}") for side in "ab"}
    fitted = unpaired.Audio().fit(sides["a"], sides["b"])
    translator = unpaired.Translator(dataclasses.replace(model, domain=fitted))
    directions: dict[Any, Any] = {each: translator.for_direction(each) for each in model.generators}
    return dataclasses.replace(model, domain=fitted.settle(directions, sides))


def without_transport(model: Model) -> Model:
    """The same as it would be without `domain.settle`."""
    assert isinstance(model.domain.settings, AudioSettings)
    settings = dataclasses.replace(model.domain.settings, transport_a2b=(), transport_b2a=())
    return dataclasses.replace(model, domain=unpaired.Audio(settings))


# -- scores -----------------------------------------------------------------------------------------
def score(model: Model, out: Path) -> list[dict[str, Any]]:
    """A row for each direction, printed."""
    found = evaluate_voices(unpaired.Translator(model), out / "testA", out / "testB", paired=True)
    rows = []
    for direction, scores in found.scores.items():
        before, after, real = (scores.rows[row] for row in ("input", "converted", "target"))
        figures = {name: (before[name].mean, after[name].mean) for name in ("mcd", "dnsmos")}
        figures |= {"way": (after["speaker_way"].mean, after["speaker_way"].half)}
        figures |= {"words": (after["words"].mean, real["words"].mean)}
        rows.append({"direction": direction, "step": model.step, **figures})
        print(line(rows[-1]), flush=True)
    return rows


def line(row: dict[str, Any]) -> str:
    """A row in words."""
    (mcd, ours), (before, after), (way, half), (words, real) = (row[each] for each in ("mcd", "dnsmos", "way", "words"))
    return (f"  {row['direction']}: MCD {mcd:.2f} > {ours:.2f} dB; way {way:.0f} ± {half:.0f} %; DNSMOS {before:.2f} > "
            f"{after:.2f}; words {words:.2f} ({real:.2f})")  # fmt: skip


def done(shared: Path, out: Path, speakers: tuple[str, str], args: argparse.Namespace) -> dict[str, list[Any]]:
    """The rows of a pair with and without transport, from OUT where they are there."""
    file = out / ("untrained.json" if args.untrained else "scores.json")
    if not file.exists():
        gather(shared, out, list(speakers))
        model = untrained(out, args.start_from) if args.untrained else trained(
            out, speakers, args.minutes, args.start_from)  # fmt: skip
        print(f"{' and '.join(speakers)}, step {model.step}; then without domain.settle", flush=True)
        rows = {"settled": score(model, out), "not settled": score(without_transport(model), out)}
        file.write_text(json.dumps(rows, indent=1) + "\n")
    found: dict[str, list[Any]] = json.loads(file.read_text())
    return found


def table(pairs: list[dict[str, list[Any]]]) -> None:
    """Means over the pairs that are there, both directions."""
    for kind in ("settled", "not settled"):
        rows = [row for each in pairs for row in each[kind]]
        less = [row["mcd"][0] - row["mcd"][1] for row in rows]
        lost = [row["dnsmos"][1] - row["dnsmos"][0] for row in rows]
        way = [row["way"][0] for row in rows]
        print(f"{kind}, {len(rows)} directions: MCD {np.mean(less):+.2f} dB less (least {min(less):+.2f}), way "
              f"{np.mean(way):.0f} % (least {min(way):.0f}), DNSMOS {np.mean(lost):+.2f}")  # fmt: skip


def main() -> None:
    """Gather, train, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("speakers", nargs="*")
    parser.add_argument("--minutes", type=float, default=16)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--untrained", action="store_true")
    parser.add_argument("--from", dest="start_from", default="female-male")
    args = parser.parse_args()
    if len(args.speakers) not in (0, 2):
        parser.error("name two speakers, or none for the table")
    pairs = [(args.speakers[0], args.speakers[1])] if args.speakers else PAIRS[: args.pairs]
    table([done(args.shared, args.out / "-".join(pair), pair, args) for pair in pairs])


if __name__ == "__main__":
    main()
