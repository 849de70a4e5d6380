"""Timbre of instruments: clarinet to cello and back, trained on single notes without pairs, scored on true pairs.

    python benchmarks/music_quality.py train SHARED RUN [--steps N]     174 notes of the clarinet, 149 of the cello
    python benchmarks/music_quality.py score MODEL SHARED               40 notes that both instruments play alike

SHARED holds music/philharmonia_clarinet_cello (CC BY-SA 3.0, not to be made available as samples). Trained is on notes
within the range that both instruments have, D3 to C6: with all of them, of which two fifths of the cello's lie below
the clarinet's lowest, the difference in range is learnt as part of the timbre.
Log-mel distance: the mean over bins and frames of the difference in dB, of notes without their silence and at one
loudness, from their onsets to the end of the shorter one. The input as it is, is scored beside.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

import unpaired
from unpaired.core.sides import Direction
from unpaired.domains.audio.evaluation.scores import Estimate
from unpaired.domains.audio.reading.mono import read_mono
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.levels import normalised, trimmed
from unpaired.domains.audio.signal.mel import log_mel
from unpaired.domains.audio.training.objective import AudioCycleSettings

FOLDER = Path("music", "philharmonia_clarinet_cello")
NAMES = "clarinet", "cello"
STEPS = "C", "Cs", "D", "Ds", "E", "F", "Fs", "G", "Gs", "A", "As", "B"
SETTINGS = AudioSettings(content="music")
_DB = 20 / np.log(10)


def train(shared: Path, run: Path, steps: int) -> None:
    """Train, or go on with, the run; as the voices are, with `content` music: pitch is left alone."""
    first, second = in_common_range(shared, run)
    unpaired.train(
        unpaired.Audio(SETTINGS),
        first,
        second,
        run,
        preset="small",
        names=NAMES,
        networks=unpaired.NetworkSettings(discriminator_filters=16),
        objective=AudioCycleSettings(identity_steps=None),
        steps=steps,
        held_out=0,
        learning_rate=4e-4,
        discriminator_learning_rate=2e-4,
        workers=0,
        checkpoint_every=500,
        resume=(run / "config.yaml").exists(),
    )


def in_common_range(shared: Path, run: Path) -> list[Path]:
    """Folders beside the run with links to the training notes whose pitch lies between the highest of the two
    instruments' lowest notes and the lowest of their highest."""
    notes = [sorted((shared / FOLDER / "train" / name).glob("*.mp3")) for name in NAMES]
    lowest = max(min(map(semitone, side)) for side in notes)
    highest = min(max(map(semitone, side)) for side in notes)
    folders = [run.with_name(f"{run.name}-notes") / name for name in NAMES]
    for folder, side in zip(folders, notes, strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        for file in side:
            link = folder / file.name
            if lowest <= semitone(file) <= highest and not link.exists():
                link.symlink_to(file.resolve())
    return folders


def semitone(file: Path) -> int:
    """MIDI number of a note, by its name: As3 is 58."""
    name = file.stem.split("_")[1]
    return 12 * (int(name[-1]) + 1) + STEPS.index(name[:-1])


def score(model: str, shared: Path) -> None:
    """Print the distance to the true counterpart, of the translation and of the input, and how often it fell."""
    translator = unpaired.load(model)
    notes = {name: {key(file): file for file in (shared / FOLDER / "test" / name).glob("*.mp3")} for name in NAMES}
    directions: tuple[tuple[Direction, str, str], ...] = (("a2b", *NAMES), ("b2a", *reversed(NAMES)))  # type: ignore[assignment]
    for direction, source, target in directions:
        before, after = [], []
        with tempfile.TemporaryDirectory() as scratch:
            for pair in sorted(notes[source].keys() & notes[target].keys()):
                output = Path(scratch, "note.wav")
                translator.convert(notes[source][pair], output, direction)
                true = analyse_file(notes[target][pair])
                before.append(distance(analyse_file(notes[source][pair]), true))
                after.append(distance(analyse_file(output), true))
                output.unlink()
        nearer = sum(now < then for now, then in zip(after, before, strict=True))
        print(f"{source} to {target}: {Estimate.of(after)} dB of the input's {Estimate.of(before)} dB, "
              f"nearer in {nearer} of {len(after)} notes", flush=True)  # fmt: skip


def key(file: Path) -> str:
    """Pitch, length and dynamic of a note, which pairs share."""
    return "_".join(file.stem.split("_")[1:4])


def note(file: Path) -> npt.NDArray[np.float32]:
    """A note (samples,) from its onset on, at one loudness."""
    rate = SETTINGS.sample_rate
    return normalised(trimmed(read_mono(file, rate), rate), rate)


def analyse_file(file: Path) -> npt.NDArray[np.float32]:
    """Its log-mel spectrogram (bins, frames)."""
    return log_mel(note(file), SETTINGS)


def distance(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """In dB; see above."""
    frames = min(first.shape[1], second.shape[1])
    return float(_DB * np.abs(first[:, :frames] - second[:, :frames]).mean())


def main() -> None:
    """One of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    one = steps.add_parser("train")
    one.add_argument("shared", type=Path)
    one.add_argument("run", type=Path)
    one.add_argument("--steps", type=int, default=3_000)
    two = steps.add_parser("score")
    two.add_argument("model")
    two.add_argument("shared", type=Path)
    args = parser.parse_args()
    if args.what == "train":
        train(args.shared, args.run, args.steps)
    else:
        score(args.model, args.shared)


if __name__ == "__main__":
    main()
