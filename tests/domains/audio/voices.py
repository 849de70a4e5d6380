"""Translations made to order, and recordings through the whole chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import torch
from torch import Tensor

from unpaired.domains.audio.conversion.stream import convert, prepare
from unpaired.domains.audio.reading.reader import open_recording
from unpaired.domains.audio.reading.survey import survey
from unpaired.domains.audio.settings import AudioConversion, AudioSettings
from unpaired.domains.audio.writing.writer import AudioWriter

Sound = npt.NDArray[np.float32]


class Identity:
    """Gives back what it gets."""

    def __call__(self, x: Tensor) -> Tensor:
        return x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(0)


class Tilt(Identity):
    """Blurs over 15 frames, and makes low tones quieter and high ones louder."""

    def __call__(self, x: Tensor) -> Tensor:
        wide = torch.nn.functional.pad(x, (7, 7, 0, 0), mode="replicate")
        blurred = torch.nn.functional.conv2d(wide, torch.ones(1, 1, 1, 15) / 15)
        slope = torch.linspace(-0.2, 0.2, x.shape[2])[None, None, :, None]
        return (0.7 * blurred + slope).clamp(-1, 1)


def read(path: Path) -> Sound:
    """(channels, samples)."""
    samples: Sound = soundfile.read(path, dtype="float32", always_2d=True)[0].T
    return samples


def speech(assets: Path, *names: str) -> Sound:
    """Excerpts one after another, (samples,) at 22.05 kHz."""
    return np.concatenate([read(assets / "speech" / f"{name}.flac")[0] for name in names])


def converted(
    audio: Sound,
    rate: int,
    translate: Any,
    settings: AudioSettings | None = None,
    options: AudioConversion | None = None,
    side: Any = "a",
    cuts: Sequence[int] = (),
    **windows: int,
) -> Sound:
    """What becomes of a recording (channels, samples) that is handed over in pieces."""
    known = survey([audio], rate, len(audio))
    way = prepare(known, side, translate, options or AudioConversion(), settings or AudioSettings(), **windows)
    pieces = [way.push(piece) for piece in np.split(audio, cuts, axis=1)]
    return np.concatenate([piece for piece in (*pieces, *way.finish()) if piece.shape[1]], axis=1)


def through(source: Path, target: Path, translate: Any = None, **chosen: Any) -> list[str]:
    """Convert a file; what reader and writer had to say of it."""
    options, settings = AudioConversion(**chosen), AudioSettings()
    with open_recording(source, "a", options.start, options.end) as reader:
        writer = AudioWriter(target, reader, options)
        try:
            stages = prepare(reader.survey, reader.side, translate or Identity(), options, settings)
            for chunk in convert(reader.arrays(), stages):
                writer.write(chunk)
            writer.finish()
        except BaseException:
            writer.discard()
            raise
        return [*reader.warnings, *writer.warnings]


def signal_to_noise(clean: Sound, other: Sound) -> float:
    """dB."""
    noise = float(np.square(clean - other).sum())
    return 10 * float(np.log10(np.square(clean).sum() / max(noise, 1e-20)))
