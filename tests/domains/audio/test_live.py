"""A voice while it speaks: all of it comes out, soon, at the pitch that was asked for."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unpaired import ConfigError
from unpaired.domains.audio.live import CHUNK, LiveConversion, convert_pipe
from unpaired.domains.audio.pitch import f0, median_and_deviation
from unpaired.domains.audio.settings import AudioConversion, AudioSettings

from .voices import Identity, Sound, Tilt, signal_to_noise, speech

RATE = 22050
PITCHED = replace(AudioSettings(), f0_a=(210.0, 0.2), f0_b=(120.0, 0.25))


def piped(conversion: LiveConversion, voice: Sound) -> Sound:
    """A voice (samples,) through pipes of raw samples."""
    target = io.BytesIO()
    source = io.BytesIO((voice * 32768).astype("<i2").tobytes())
    report = convert_pipe(conversion, source, target, RATE, 1)
    assert report.seconds == pytest.approx(len(voice) / RATE)
    return np.frombuffer(target.getvalue(), "<i2").astype(np.float32) / 32768


def test_an_identity_generator_gives_back_the_voice(assets: Path) -> None:
    voice = speech(assets, "female-1")
    settings = AudioSettings()
    result = piped(LiveConversion(RATE, 1, "a", Identity(), AudioConversion(), settings), voice)
    assert len(result) == len(voice)
    assert signal_to_noise(voice, result) > 60


def test_pitch_is_moved_and_nothing_is_lost(assets: Path) -> None:
    voice = speech(assets, "female-1", "female-2")
    result = piped(LiveConversion(RATE, 1, "a", Tilt(), AudioConversion(), PITCHED), voice)
    assert len(result) == len(voice)
    found = median_and_deviation(f0(result, RATE)[1])
    assert found
    assert abs(1200 * np.log2(found[0] / 120)) < 150


@pytest.mark.parametrize("settings", [AudioSettings(), PITCHED], ids=["keeps-pitch", "moves-pitch"])
def test_the_stages_look_ahead_by_little(settings: AudioSettings, assets: Path) -> None:
    """Computing apart, a sample leaves within 150 ms: what is held back and the chunk."""
    voice = speech(assets, "female-1")
    conversion = LiveConversion(RATE, 1, "a", Tilt(), AudioConversion(), settings)
    delays = []
    for piece in np.split(voice[None], range(441, len(voice), 441), axis=1):
        conversion.push(piece)
        delays.append(conversion.delay)
    assert max(delays) + CHUNK < 0.15


def test_a_chunk_must_be_short(assets: Path) -> None:
    conversion = LiveConversion(RATE, 1, "a", Identity(), AudioConversion(), AudioSettings())
    with pytest.raises(ConfigError, match="chunk"):
        convert_pipe(conversion, io.BytesIO(), io.BytesIO(), RATE, 1, chunk=5.0)
