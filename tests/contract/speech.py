"""Series of numbers out of the speech of the repository: how loud and how bright each hundredth of a second is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

ORDER = ("1.csv", "2.csv")


def speech_series(assets: Path, root: Path) -> Path:
    """Folders `a` (a woman's sentences) and `b` (a man's) of CSV files below `root`."""
    for side, voice in (("a", "female"), ("b", "male")):
        (root / side).mkdir()
        for number, name in enumerate(ORDER, start=1):
            sound, rate = soundfile.read(assets / "speech" / f"{voice}-{number}.flac")
            blocks = sound[: len(sound) // (rate // 100) * (rate // 100)].reshape(-1, rate // 100)
            level = np.sqrt(np.mean(np.square(blocks), axis=1))
            power = np.square(np.abs(np.fft.rfft(blocks, axis=1))) + 1e-12
            brightness = power @ np.fft.rfftfreq(rate // 100, 1 / rate) / power.sum(axis=1)
            columns = np.stack([level, brightness], axis=1)
            np.savetxt(root / side / name, columns, "%.7g", ",", header="level,brightness", comments="")
    return root
