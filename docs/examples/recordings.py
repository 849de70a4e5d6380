"""A medium of one dimension: sensor recordings of one channel, as WAV or FLAC files of any rate."""

from __future__ import annotations

from pathlib import Path

import soundfile
import torch
from torch import Tensor

from unpaired import ArrayDomain


class Recordings(ArrayDomain):
    """Recordings (1, length), such as vibration. Translations keep the rate and the sample format."""

    name = "recordings"
    dimensions = 1
    suffixes = (".wav", ".flac")

    def channels(self, side: str) -> int:
        return 1

    def read(self, path: Path, side: str) -> Tensor:
        values, _ = soundfile.read(path, dtype="float32", always_2d=True)
        if values.shape[1] != 1:
            raise ValueError(f"it has {values.shape[1]} channels; expected 1")
        x = torch.from_numpy(values.T.copy())
        if not x.isfinite().all():
            raise ValueError("it holds values that are not finite")
        return x.clamp(-1, 1)

    def write(self, path: Path, values: Tensor, source: Path) -> None:
        info = soundfile.info(source)
        kept = info.subtype if soundfile.check_format(path.suffix[1:], info.subtype) else None
        soundfile.write(path, values[0].numpy(), info.samplerate, subtype=kept)
