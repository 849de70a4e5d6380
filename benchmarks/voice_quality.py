"""Quality of voice conversion: female to male and back, trained without pairs, scored on true pairs.

    python benchmarks/voice_quality.py gather SHARED DATA          pooled speakers; sentences 30023 to 30028 held out
    python benchmarks/voice_quality.py train DATA RUN              an hour on one core
    python benchmarks/voice_quality.py pack RUN PACKED.safetensors
    python benchmarks/voice_quality.py settle PACKED.safetensors DATA SETTLED.safetensors
    python benchmarks/voice_quality.py equalise SETTLED.safetensors DATA models/female-male.safetensors --only b2a
    python benchmarks/voice_quality.py score MODEL DATA OUT        scores.json, scores.txt, listen.html
    python benchmarks/voice_quality.py ceiling MODEL DATA          the true mel through the same waveform stage
    python benchmarks/voice_quality.py real DATA                   real speakers of a side against each other

SHARED holds speech/vcc2018 and speech/vctk_parallel_16k (see its MANIFEST). Of each held-out sentence there are four
female and four male recordings; every recording is converted and compared with all four of the other side.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from packing import pack
from torch import Tensor

import unpaired
from unpaired.core.conversion.pipeline import Job, Pipeline
from unpaired.core.model.shipped import load_model_named
from unpaired.core.sides import Direction, Side
from unpaired.domains.audio import AudioConversion, AudioSettings
from unpaired.domains.audio.evaluation.alignment import aligned
from unpaired.domains.audio.evaluation.analysis import FRAME_SECONDS, Voice, analyse_file
from unpaired.domains.audio.evaluation.results import VoiceEvaluation
from unpaired.domains.audio.evaluation.scores import Estimate, against_target, cents, mel_cepstral_distortion
from unpaired.domains.audio.evaluation.voices import evaluate_voices
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.signal.levels import normalised
from unpaired.domains.audio.signal.mel import log_mel, to_sample
from unpaired.domains.audio.training.objective import AudioCycleSettings
from unpaired.domains.audio.training.settling import as_translated, equalised, settled

SPEAKERS: dict[Side, tuple[str, ...]] = {
    "a": ("VCC2SF1", "VCC2SF3", "VCC2SF4", "VCC2TF1", "p225", "p228"),
    "b": ("VCC2SM1", "VCC2SM3", "VCC2SM4", "VCC2TM1", "p226", "p227"),
}
HELD_OUT = [str(number) for number in range(30023, 30029)]
RATE = 22050
SIDES: dict[Direction, tuple[Side, Side]] = {"a2b": ("a", "b"), "b2a": ("b", "a")}


CARD = {
    "description": "Women's voices into men's and back: timbre by the network, pitch by statistics, prosody as it was",
    "data": "Six women and six men of the Voice Conversion Challenge 2018 and of VCTK, 22 and 10 sentences each",
    "licence": "Apache-2.0 (weights); ODbL and CC BY 4.0 (recordings)",
}


# -- data and training ------------------------------------------------------------------------------
def gather(shared: Path, data: Path) -> None:
    """`data`/trainA, trainB, testA, testB with a folder for each speaker; a sentence has one name everywhere."""
    for side, speakers in SPEAKERS.items():
        for speaker in speakers:
            folder = "vcc2018" if speaker.startswith("VCC2") else "vctk_parallel_16k"
            for file in sorted((shared / "speech" / folder / speaker).glob("*.flac")):
                sentence = file.stem.rpartition("_")[2]
                use = "test" if sentence in HELD_OUT else "train"
                place = data / f"{use}{side.upper()}" / speaker / f"{sentence}.flac"
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)


def train(data: Path, run: Path, steps: int, preset: str, seed: int) -> None:
    """Train, or go on with, the run: discriminators of half the preset's width, as most of a step's time is theirs, and
    twice the paper's rates, as the steps are few."""
    unpaired.train(
        unpaired.Audio(sample_rate=RATE),
        data / "trainA",
        data / "trainB",
        run,
        preset=preset,
        names=("female", "male"),
        networks=unpaired.NetworkSettings(discriminator_filters=16),
        objective=AudioCycleSettings(identity_steps=None),
        steps=steps,
        held_out=0,
        seed=seed,
        learning_rate=4e-4,
        discriminator_learning_rate=2e-4,
        workers=0,
        log_every=50,
        checkpoint_every=500,
        preview_every=2000,
        resume=(run / "config.yaml").exists(),
    )


def settle(model: str, data: Path, out: Path) -> None:
    """The model with what moves its translations to the other side's moments, and gives it their high tones."""
    _measured(model, data, out, settled, tuple(SIDES))


def equalise(model: str, data: Path, out: Path, only: Direction | None) -> None:
    """The latter alone, of one direction or both, once the map is what it is to be."""
    _measured(model, data, out, equalised, (only,) if only else tuple(SIDES))


def _measured(
    model: str, data: Path, out: Path, measure: Callable[..., AudioSettings], of: tuple[Direction, ...]
) -> None:
    translator, found = unpaired.load(model), load_model_named(model)
    domain = found.domain
    assert isinstance(domain.settings, AudioSettings)
    directions: dict[Direction, Any] = {each: translator.for_direction(each) for each in of}
    settings = measure(domain.settings, directions, domain.scan(data / "trainA"), domain.scan(data / "trainB"))
    pack(found, out, domain=unpaired.Audio(settings))


# -- scores -----------------------------------------------------------------------------------------
def score(model: str, data: Path, out: Path, options: dict[str, Any]) -> None:
    """Both directions, beside the input as it is and the target's own recordings; and what was aimed at."""
    out.mkdir(parents=True, exist_ok=True)
    translator = unpaired.load(model)
    evaluation = evaluate_voices(
        translator, data / "testA", data / "testB", paired=True, page=out / "listen.html", options=options
    )
    settings = translator.domain.settings
    assert isinstance(settings, AudioSettings)
    aims = {
        direction: aims_met(evaluation, direction, settings.f0(SIDES[direction][1])[0])
        for direction in evaluation.scores
    }
    lines = [
        evaluation.text(),
        *(f"{direction}: {name}: {text}" for direction, each in aims.items() for name, text in each.items()),
    ]
    (out / "scores.txt").write_text("\n".join(lines) + "\n")
    (out / "scores.json").write_text(json.dumps(evaluation.as_dict(), indent=2) + "\n")
    print("\n".join(lines))


def aims_met(evaluation: VoiceEvaluation, direction: Direction, pool: float) -> dict[str, str]:
    """What was aimed at, and whether it was reached. `pool`: median pitch in Hz of all speakers of the target that were
    trained on; two of six a side are in training alone."""
    rows = evaluation.scores[direction].rows
    trained_on = cents(evaluation.scores[direction].target_f0, pool)
    ours, source, true = rows["converted"], rows["input"], rows["target"]
    figures = {
        "MCD below the input's by 1.5 dB or more": (source["mcd"].mean - ours["mcd"].mean, lambda x: x >= 1.5),
        "median F0 within 50 cents of the pool's": (ours["f0_offset"].mean + trained_on, lambda x: abs(x) <= 50),
        "median F0 within 50 cents of the held-out speakers'": (ours["f0_offset"].mean, lambda x: abs(x) <= 50),
        "HNR within 2 dB of the target's": (ours["hnr"].mean - true["hnr"].mean, lambda x: abs(x) <= 2),
        "V/UV error below 0.15": (ours["vuv_error"].mean, lambda x: x < 0.15),
        "V/UV change below 0.15": (ours["vuv_change"].mean, lambda x: x < 0.15),
    }
    return {name: f"{value:.2f}, {'yes' if met(value) else 'no'}" for name, (value, met) in figures.items()}


# -- the ceiling ------------------------------------------------------------------------------------
class Oracle:
    """In place of a generator: the true mel spectrogram of the target, in the source's time.

    Which part of the recording a window is, is found by its content, so nothing depends on how conversion cuts it.

    Args:
        source, target: (bins, frames) samples in [-1, 1]; frame n of both belongs together.
    """

    def __init__(self, source: npt.NDArray[np.float32], target: npt.NDArray[np.float32]) -> None:
        self.source, self.target = source, target

    def __call__(self, x: Tensor) -> Tensor:
        return torch.stack([torch.from_numpy(self._window(each[0].numpy()))[None] for each in x])

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """There are none."""
        return self(x), torch.zeros(1)

    def _window(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        frames = x.shape[1]
        source, target = (np.pad(each, ((0, 0), (frames, frames)), "edge") for each in (self.source, self.target))
        places = range(source.shape[1] - frames + 1)
        at = min(places, key=lambda place: float(np.square(source[:, place : place + frames] - x).sum()))
        return np.ascontiguousarray(target[:, at : at + frames])


def unsettled(settings: AudioSettings) -> AudioSettings:
    """Without what moves a generator's translations, which is not for true ones."""
    return dataclasses.replace(settings, transport_a2b=(), transport_b2a=(), equaliser_a2b=(), equaliser_b2a=())


def ceiling(model: str, data: Path, options: dict[str, Any]) -> None:
    """Print what the true mel reaches: each recording with one of its counterparts, in turn."""
    settings = unpaired.load(model).domain.settings
    assert isinstance(settings, AudioSettings)
    plain = unsettled(settings)
    domain, chosen = unpaired.Audio(plain), AudioConversion(**options)
    for direction, (source_side, target_side) in SIDES.items():
        values: dict[str, list[float]] = {}
        files = sorted((data / f"test{source_side.upper()}").rglob("*.flac"))
        with tempfile.TemporaryDirectory() as scratch:
            for number, file in enumerate(files):
                others = sorted((data / f"test{target_side.upper()}").rglob(file.name))
                other = others[number // len(HELD_OUT) % len(others)]
                output = Path(scratch) / f"{number}.wav"
                pair = analyse_file(file, RATE), analyse_file(other, RATE)
                oracle = oracle_of(file, other, pair, source_side, plain)
                job = Job(file, output)
                Pipeline(domain, oracle, direction, chosen, None).run([job])
                job.check()
                for name, value in against_target(analyse_file(output, RATE), pair[1]).items():
                    values.setdefault(name, []).append(value)
                values.setdefault("mcd of the input", []).append(against_target(*pair)["mcd"])
        print(direction, {name: str(Estimate.of(each)) for name, each in values.items()}, flush=True)


def oracle_of(file: Path, other: Path, pair: tuple[Voice, Voice], side: Side, settings: AudioSettings) -> Oracle:
    """The oracle of one pair: alignment by the scores' own analysis, mels as the generators see them."""
    voice, target = pair
    first, second = np.flatnonzero(voice.speech), np.flatnonzero(target.speech)
    left, right = aligned(voice.cepstrum[first], target.cepstrum[second])
    target_side: Side = "b" if side == "a" else "a"
    source_mel, target_mel = _sample(file, side, side, settings), _sample(other, target_side, target_side, settings)
    step = settings.hop_length / settings.sample_rate / FRAME_SECONDS
    here = np.arange(source_mel.shape[1]) * step
    there = np.interp(here, first[left] + 1e-6 * np.arange(len(left)), second[right]) / step
    return Oracle(source_mel, target_mel[:, np.clip(there.round().astype(int), 0, target_mel.shape[1] - 1)])


def _sample(file: Path, side: Side, moved_as: Side, settings: AudioSettings) -> npt.NDArray[np.float32]:
    audio = normalised(read_mono(file, settings.sample_rate), settings.sample_rate)
    mel = log_mel(as_translated(audio, moved_as, settings), settings)
    return to_sample(mel, settings.mean(side), settings.deviation(side))[0]


# -- real speakers -----------------------------------------------------------------------------------
SHRUNK = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


def real(data: Path) -> None:
    """Print the MCD of real speakers of a side against the others of it who say the same sentence, as they are and with
    their cepstra shrunk to their mean: what a conversion into one of these voices reaches at best, and blurred."""
    for side in ("A", "B"):
        voices = {file: analyse_file(file, RATE) for file in sorted((data / f"test{side}").rglob("*.flac"))}
        found: dict[float, list[float]] = {share: [] for share in SHRUNK}
        for file, other in itertools.permutations(voices, 2):
            if file.name != other.name:
                continue
            ours, theirs = (voices[each].cepstrum[voices[each].speech] for each in (file, other))
            for share, values in found.items():
                shrunk = ours.mean(axis=0) + share * (ours - ours.mean(axis=0))
                left, right = aligned(shrunk, theirs)
                values.append(mel_cepstral_distortion(shrunk[left], theirs[right]))
        cells = (f"x{share} {np.mean(values):.2f}" for share, values in found.items())
        print(f"test{side}, {len(found[1.0])} pairs, MCD in dB: {', '.join(cells)}", flush=True)


# -- the program ------------------------------------------------------------------------------------
def main() -> None:
    """One of the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    for name, places in {
        "gather": ("shared", "data"),
        "train": ("data", "run"),
        "pack": ("run", "out"),
        "settle": ("model", "data", "out"),
        "equalise": ("model", "data", "out"),
        "score": ("model", "data", "out"),
        "ceiling": ("model", "data"),
        "real": ("data",),
    }.items():
        step = steps.add_parser(name)
        for place in places:
            step.add_argument(place, type=str if place == "model" else Path)
        if name == "train":
            step.add_argument("--steps", type=int, default=14_000)
            step.add_argument("--preset", default="small")
            step.add_argument("--seed", type=int, default=0)
        if name == "equalise":
            step.add_argument("--only", choices=tuple(SIDES))
        if name in ("score", "ceiling"):
            step.add_argument("--vocoder", default="source-filter")
    args = parser.parse_args()
    if args.what == "gather":
        gather(args.shared, args.data)
    elif args.what == "train":
        train(args.data, args.run, args.steps, args.preset, args.seed)
    elif args.what == "pack":
        pack(load_model_named(args.run), args.out, card=CARD)
    elif args.what == "settle":
        settle(args.model, args.data, args.out)
    elif args.what == "equalise":
        equalise(args.model, args.data, args.out, args.only)
    elif args.what == "score":
        score(args.model, args.data, args.out, {"vocoder": args.vocoder})
    elif args.what == "ceiling":
        ceiling(args.model, args.data, {"vocoder": args.vocoder})
    else:
        real(args.data)


if __name__ == "__main__":
    main()
