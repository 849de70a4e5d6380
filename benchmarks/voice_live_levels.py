"""How loud a live voice comes out beside how it went in, after nothing, silence or hiss, and after a pause.

    python benchmarks/voice_live_levels.py [RECORDING ...]     default: those of tests/assets/speech

Each recording, a woman's by `female-male` a2b and a man's b2a (by its name), is spoken twice with a second of silence
between: dB by which each time came out louder, and samples at full scale.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

import unpaired
from unpaired.domains.audio.conversion.live import CHUNK, LiveConversion
from unpaired.domains.audio.settings import AudioConversion

SPEECH = Path(__file__).parent.parent / "tests/assets/speech"


def main() -> None:
    """Print a line for each recording and what is before it."""
    translator: Any = unpaired.load("female-male")
    files = [Path(each) for each in sys.argv[1:]] or sorted(SPEECH.glob("*male-[12].flac"))
    for file in files:
        voice, rate = soundfile.read(file, dtype="float32")
        side: Any = "a" if file.stem.startswith("female") else "b"
        for name, seconds, hiss in (("nothing", 0, 0.0), ("silence", 1, 0.0), ("hiss", 1, 1e-3)):
            before = hiss * np.random.default_rng(0).standard_normal(seconds * rate).astype(np.float32)
            whole = np.concatenate([before, voice, np.zeros(rate, np.float32), voice])
            translate = translator.for_direction("a2b" if side == "a" else "b2a")
            conversion = LiveConversion(rate, 1, side, translate, AudioConversion(), translator.domain.settings)
            size = round(CHUNK * rate)
            pieces = [conversion.push(whole[None, at : at + size]) for at in range(0, len(whole), size)]
            made = np.concatenate([*pieces, conversion.finish()], axis=1)[0]
            begins = len(before), len(before) + len(voice) + rate
            louder = [20 * np.log10(made[at : at + len(voice)].std() / voice.std()) for at in begins]
            print(f"{file.stem} after {name}: {louder[0]:+.1f} and {louder[1]:+.1f} dB, "
                  f"{int((np.abs(made) >= 32767 / 32768).sum())} at full scale", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
