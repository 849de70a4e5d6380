"""One voice into one voice, as a user would take it: 22 sentences a side (a minute), minutes of training, six held out.

    python benchmarks/voice_pairs.py SHARED OUT [--minutes 16] [--pairs 8]      the table, pair by pair
    python benchmarks/voice_pairs.py SHARED OUT VCC2SF1 VCC2TM1 [--steps 200] [--from female-male] [--seconds 30]
    python benchmarks/voice_pairs.py SHARED OUT VCC2SF1 VCC2TM1 --untrained     where a training begins, and its end

Trains on sentences 30001 to 30022 of both speakers, or the first of them up to `--seconds` of speech a side, with the
preset `small`, and scores 30023 to 30028 in both directions: MCD to the true counterpart, the way to the target's voice
(Resemblyzer), DNSMOS and word agreement (and that of two real recordings), beside the source's own. A woman and a man
begin from `female-male`, two voices of one sex near their recordings; `--from` says otherwise, and "" is no model.
`--noise 30` puts white noise so many dB below what is trained on, `--pauses speech` leaves out what is no speech.
`--share 1` has the map of an untrained model go all of the way that is left, `--without` scores without it too. What
is in OUT is not done again: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import soundfile
from voice_quality import unsettled

import unpaired
from unpaired.core.model.model_file import Model
from unpaired.core.model.shipped import load_model_named
from unpaired.core.networks.spec import Networks
from unpaired.core.networks.start import BeginsNearInput
from unpaired.domains.audio.evaluation.voices import evaluate_voices
from unpaired.domains.audio.networks import audio_networks
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal import transport
from unpaired.domains.audio.training import settling

PAIRS = (
    ("VCC2SF1", "VCC2TM1"), ("VCC2SF3", "VCC2TM1"), ("VCC2TF1", "VCC2SM1"), ("VCC2TF1", "VCC2SM3"),
    ("VCC2SF1", "VCC2TF1"), ("VCC2SF3", "VCC2TF1"), ("VCC2SM1", "VCC2TM1"), ("VCC2SM3", "VCC2TM1"),
)  # fmt: skip
"""Of the challenge's sources and targets: a woman and a man, two women, two men."""
FIRST_HELD_OUT = 30023


def gather(shared: Path, out: Path, speakers: tuple[str, str], seconds: float, noise: float | None) -> None:
    """`out`/trainA, trainB, testA, testB."""
    random = np.random.default_rng(0)
    for side, speaker in zip("AB", speakers, strict=True):
        left = seconds
        for file in sorted((shared / "data" / "speech" / "vcc2018" / speaker).glob("*.flac")):
            use = "test" if int(file.stem) >= FIRST_HELD_OUT else "train"
            if use == "train":
                if left <= 0:
                    continue
                left -= soundfile.info(file).duration
            place = out / f"{use}{side}" / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            if noise is not None and use == "train":
                sound, rate = soundfile.read(file)
                level = np.sqrt(np.square(sound).mean()) * 10 ** (-noise / 20)
                soundfile.write(place, sound + level * random.standard_normal(len(sound)), rate)


def begun_with(speakers: tuple[str, str], given: str | None) -> str:
    """The model that a pair begins with; none for two of one sex, which the shipped one knows nothing of."""
    if given is not None:
        return given
    first, second = (each[len("VCC2S")] for each in speakers)
    return "female-male" if first != second else ""


def trained(
    out: Path, domain: unpaired.Audio, speakers: tuple[str, str], length: dict[str, Any], start_from: str
) -> Model:
    """A run of so many minutes or steps, or what is left of one; its processor time goes into cpu.json."""
    run = out / "run"
    if not (run / "model.safetensors").exists() or not (out / "cpu.json").exists():
        before = processor_seconds()
        unpaired.train(
            domain, out / "trainA", out / "trainB", run, preset="small", names=speakers,
            start_from=start_from, resume=(run / "config.yaml").exists(), **length,
        )  # fmt: skip
        (out / "cpu.json").write_text(json.dumps(processor_seconds() - before))
    return load_model_named(run)


def processor_seconds() -> float:
    """Of this process and those that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def untrained(out: Path, domain: unpaired.Audio, start_from: str, share: float | None = None) -> Model:
    """A model with the pitch and the statistics of the pair, and what still moves its translations."""
    model = load_model_named(start_from) if start_from else near_input()
    sides: dict[Any, Any] = {side: domain.scan(out / f"train{side.upper()}") for side in "ab"}
    fitted = domain.fit(sides["a"], sides["b"])
    translator = unpaired.Translator(dataclasses.replace(model, domain=fitted))
    directions: dict[Any, Any] = {each: translator.for_direction(each) for each in model.generators}
    fit = transport.fitted
    with mock.patch.object(settling, "fitted", lambda made, real, usual: fit(made, real, share or usual)):
        return dataclasses.replace(model, domain=fitted.settle(directions, sides))


def near_input() -> Model:
    """One whose generators give their input, as a training without a model begins."""
    networks: Networks = audio_networks(80, "small", unpaired.NetworkSettings(start="residual"))
    generators: dict[Any, Any] = {}
    for direction in ("a2b", "b2a"):
        generator = networks.generator(direction).build("generators").eval().requires_grad_(False)
        assert isinstance(generator, BeginsNearInput)
        for weight in generator.last_convolution.parameters():
            weight.zero_()
        generators[direction] = generator
    return dataclasses.replace(load_model_named("female-male"), generators=generators, networks=networks, step=0)


def without_settling(model: Model) -> Model:
    """The same as it would be without `domain.settle`."""
    assert isinstance(model.domain.settings, AudioSettings)
    return dataclasses.replace(model, domain=unpaired.Audio(unsettled(model.domain.settings)))


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


def done(out: Path, speakers: tuple[str, str], args: argparse.Namespace) -> dict[str, list[Any]]:
    """The rows of a pair, from OUT where they are there."""
    file = out / ("untrained.json" if args.untrained else "scores.json")
    if not file.exists():
        gather(args.shared, out, speakers, args.seconds, args.noise)
        start, domain = begun_with(speakers, args.start_from), unpaired.Audio(pauses=args.pauses)
        length: dict[str, Any] = {"steps": args.steps} if args.steps else {"minutes": args.minutes}
        model = untrained(out, domain, start, args.share) if args.untrained else trained(
            out, domain, speakers, length, start)  # fmt: skip
        spent = "" if args.untrained else f", {json.loads((out / 'cpu.json').read_text()):.0f} s of a processor"
        print(f"{' and '.join(speakers)}, from {start or 'their recordings'}, step {model.step}{spent}", flush=True)
        rows = {"settled": score(model, out)}
        if args.without:
            print("  without domain.settle", flush=True)
            rows["not settled"] = score(without_settling(model), out)
        file.write_text(json.dumps(rows, indent=1) + "\n")
    found: dict[str, list[Any]] = json.loads(file.read_text())
    return found


def table(pairs: list[dict[str, list[Any]]]) -> None:
    """Means over the pairs that are there, both directions."""
    for kind in ("settled", "not settled"):
        rows = [row for each in pairs for row in each.get(kind, ())]
        if not rows:
            continue
        less = [row["mcd"][0] - row["mcd"][1] for row in rows]
        lost = [row["dnsmos"][1] - row["dnsmos"][0] for row in rows]
        way = [row["way"][0] for row in rows]
        words, real = (np.mean([row["words"][place] for row in rows]) for place in (0, 1))
        print(f"{kind}, {len(rows)} directions: MCD {np.mean(less):+.2f} dB less (least {min(less):+.2f}), way "
              f"{np.mean(way):.0f} % (least {min(way):.0f}), DNSMOS {np.mean(lost):+.2f}, words {words:.2f} "
              f"({real:.2f})")  # fmt: skip


def main() -> None:
    """Gather, train, score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("speakers", nargs="*")
    parser.add_argument("--minutes", type=float, default=16)
    parser.add_argument("--steps", type=int, help="in place of minutes")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of speech a side that is trained on")
    parser.add_argument("--share", type=float)
    parser.add_argument("--noise", type=float)
    parser.add_argument("--pauses", default="level")
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--untrained", action="store_true")
    parser.add_argument("--without", action="store_true")
    parser.add_argument("--from", dest="start_from")
    args = parser.parse_args()
    if len(args.speakers) not in (0, 2):
        parser.error("name two speakers, or none for the table")
    pairs = [(args.speakers[0], args.speakers[1])] if args.speakers else PAIRS[: args.pairs]
    table([done(args.out / "-".join(pair), pair, args) for pair in pairs])


if __name__ == "__main__":
    main()
