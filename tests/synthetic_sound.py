"""Sound that tests make for themselves.

Voices are a pulse train through a vocal tract of three resonances, with known pitch and silences; any sound becomes a
file, or the packets of a track.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

RATE = 22050
Sound = npt.NDArray[np.float32]


def voice(hz: float, seconds: float, seed: int = 0, tract: float = 1.0, rate: int = RATE, level: float = 0.1) -> Sound:
    """(samples,): vowels of a voice at `hz`, gliding by two semitones around it, without silence.

    tract: factor on the resonances' frequencies, below 1 for a longer vocal tract.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    glide = 2 ** (np.sin(2 * np.pi * 0.7 * time + rng.uniform(0, 6)) / 6)
    turns = np.cumsum(hz * glide / rate)
    pulses = np.diff(np.floor(turns), prepend=0.0)
    sound = pulses + 0.001 * rng.standard_normal(len(time))
    for formant, width in ((600, 90), (1300, 110), (2600, 160)):
        middle = formant * tract * rng.uniform(0.95, 1.05)
        radius = np.exp(-np.pi * width / rate)
        sound = signal.lfilter([1.0], [1.0, -2 * radius * np.cos(2 * np.pi * middle / rate), radius**2], sound)
    return (level * sound / np.sqrt(np.mean(np.square(sound)))).clip(-1, 1).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> Sound:
    """Digital silence (samples,)."""
    return np.zeros(round(seconds * rate), np.float32)


def write(path: Path, audio: Sound, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    """A recording of (samples,) or (channels, samples), in the format of its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio.T, rate, subtype=subtype if path.suffix in (".wav", ".flac") else None)
    return path


def sound_frame(audio: npt.NDArray[Any], rate: int, start: int = 0, layout: str = "mono") -> av.AudioFrame:
    """Samples (samples,) or (channels, samples), int16 or floats, as a frame that begins `start` samples after 0."""
    packed = np.ascontiguousarray(np.atleast_2d(audio).T).reshape(1, -1)
    packed, form = (packed, "s16") if packed.dtype == np.int16 else (packed.astype(np.float32), "flt")
    frame = av.AudioFrame.from_ndarray(packed, form, layout)
    frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
    return frame


def encode_sound(stream: Any, audio: npt.NDArray[Any], start: int = 0, together: int = 1024) -> list[Any]:
    """All packets of a stream of a file that is written; `together`: samples that are encoded at a time."""
    context, packets = stream.codec_context, []
    for at in range(0, audio.shape[-1], together):
        part = audio[..., at : at + together]
        packets += stream.encode(sound_frame(part, context.sample_rate, start + at, context.layout.name))
    return [*packets, *stream.encode(None)]


def folders(root: Path, count: int = 3, low: float = 110.0, high: float = 220.0, seconds: float = 1.2) -> Path:
    """Folders `a` (high voices, short tracts) and `b` (low voices, long ones) of recordings below `root`."""
    for side, hz, tract in (("a", high, 1.15), ("b", low, 0.95)):
        for number in range(count):
            around = silence(0.2)
            sound = np.concatenate([around, voice(hz, seconds, seed=number, tract=tract), around])
            write(root / side / f"{number}.wav", sound)
    return root
