"""What is speech and what is a pause: by level, and by silero-vad (`domain.pauses` level and speech).

    python benchmarks/voice_activity.py SHARED [--sentences 6]

Sentences of SHARED/speech/vcc2018 are joined with silences of 1.5 s. Where they speak is known from the clean sound:
frames of 20 ms within 40 dB of the loud ones, and what lies between two of them at most 0.4 s apart. Then noise, music,
a telephone's band or a room is put over all of it. Figures, mean over speakers: speech that is missed, and pauses that
are taken for speech, as shares of their frames; CPU seconds a minute. silero-vad (MIT; weights in its wheel) is
measured where it is installed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt
import soundfile
from scipy import ndimage, signal

from unpaired.domains.audio.judges.activity import installed, spoken
from unpaired.domains.audio.signal.levels import Frames, frame_size, loud
from unpaired.domains.audio.signal.sound import resampled

RATE, PAUSE, LONGEST = 16000, 1.5, 0.4
FRAME = frame_size(RATE)
Sound = npt.NDArray[np.float32]


def closed(frames: Frames) -> Frames:
    """With gaps of at most `LONGEST` seconds filled."""
    reach = round(LONGEST * RATE / FRAME)
    return np.asarray(ndimage.binary_closing(np.pad(frames, reach), np.ones(reach + 1)))[reach:-reach]


# -- what is put over the speech ---------------------------------------------------------------------
def noisy(audio: Sound, decibels: float, random: np.random.Generator) -> Sound:
    """With pink noise so many dB below the loud frames' mean power."""
    spectrum = np.fft.rfft(random.standard_normal(len(audio)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(audio))
    return mixed(audio, pink, decibels)


def mixed(audio: Sound, other: npt.NDArray[np.floating], decibels: float) -> Sound:
    """With another sound so many dB below."""
    frames = np.repeat(loud(audio, RATE), FRAME)
    power = np.square(audio[: len(frames)][frames]).mean() / np.square(other).mean()
    return (audio + other * np.sqrt(power * 10 ** (-decibels / 10))).astype(np.float32)


def music(shared: Path, length: int) -> Sound:
    """Notes of a cello, one after another."""
    notes = sorted((shared / "music").rglob("*cello*/*.flac")) or sorted((shared / "music").rglob("*cello*.*"))
    parts: list[Sound] = []
    while sum(map(len, parts)) < length:
        audio, rate = soundfile.read(notes[len(parts) % len(notes)], dtype="float32", always_2d=True)
        parts.append(resampled(audio[:, 0], rate, RATE))
    return np.concatenate(parts)[:length]


def telephone(audio: Sound, _random: np.random.Generator) -> Sound:
    """300 to 3400 Hz."""
    return signal.sosfilt(signal.butter(6, (300, 3400), "bandpass", fs=RATE, output="sos"), audio).astype(np.float32)


def room(audio: Sound, random: np.random.Generator) -> Sound:
    """A decaying tail of noise: a reverberation time of 0.6 s, 6 dB below the direct sound."""
    times = np.arange(int(0.6 * RATE)) / RATE
    tail = random.standard_normal(len(times)) * 10 ** (-3 * times / 0.6)
    tail *= 10 ** (-6 / 20) / np.sqrt(np.square(tail).sum())
    return (audio + signal.fftconvolve(audio, tail)[: len(audio)]).astype(np.float32)


# -- the table -----------------------------------------------------------------------------------------
def joined(folder: Path, sentences: int) -> Sound:
    """Sentences of a speaker with silences before, between and after them."""
    silence, parts = np.zeros(int(PAUSE * RATE), np.float32), list[Sound]()
    for file in sorted(folder.glob("*.flac"))[:sentences]:
        audio, rate = soundfile.read(file, dtype="float32")
        parts += [silence, resampled(audio, rate, RATE)]
    whole = np.concatenate([*parts, silence])
    return whole[: len(whole) // FRAME * FRAME]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--sentences", type=int, default=6)
    args = parser.parse_args()
    detectors = {"level": loud} | ({"speech": spoken} if installed() else {})
    overlays: dict[str, Callable[[Sound, np.random.Generator], Sound]] = {
        "clean": lambda x, r: x,
        "pink noise at 50 dB": lambda x, r: noisy(x, 50, r),
        "at 30 dB": lambda x, r: noisy(x, 30, r),
        "at 20 dB": lambda x, r: noisy(x, 20, r),
        "at 10 dB": lambda x, r: noisy(x, 10, r),
        "a cello at 20 dB": lambda x, r: mixed(x, music(args.shared, len(x)), 20),
        "a telephone's band": telephone,
        "a room": room,
    }
    print("| over it | detector | speech missed | pauses taken for speech | CPU, s a minute |\n|---|---|---|---|---|")
    voices = [
        joined(folder, args.sentences)
        for folder in sorted((args.shared / "speech/vcc2018").iterdir())
        if folder.is_dir()
    ]
    for name, overlay in overlays.items():
        for label, detect in detectors.items():
            missed, false, seconds = [], [], []
            for number, voice in enumerate(voices):
                true, heard = closed(loud(voice, RATE)), overlay(voice, np.random.default_rng(number))
                start = time.process_time()
                found = closed(detect(heard, RATE))
                seconds.append((time.process_time() - start) * 60 * RATE / len(heard))
                missed.append(1 - found[true].mean())
                false.append(found[~true].mean())
            print(f"| {name} | {label} | {mean(missed):.1%} | {mean(false):.1%} | {mean(seconds):.2f} |", flush=True)


if __name__ == "__main__":
    main()
