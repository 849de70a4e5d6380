"""A preview of a recording as sound."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import unpaired
from unpaired.domains.audio.signal.mel import log_mel, to_sample


@pytest.mark.parametrize("pitch", [220.0, 1200.0])
def test_a_tone_is_heard_at_its_pitch(pitch: float) -> None:
    domain = unpaired.Audio()
    rate = domain.settings.sample_rate
    tone = 0.3 * np.sin(2 * np.pi * pitch * np.arange(rate) / rate).astype(np.float32)
    mel = log_mel(tone, domain.settings)
    before = torch.get_rng_state()
    made = domain.preview_sound(torch.from_numpy(to_sample(mel, (), ())), "a")
    assert torch.equal(torch.get_rng_state(), before)
    sound, got = made
    length = mel.shape[1] * domain.settings.hop_length
    assert (got, sound.dtype, tuple(sound.shape)) == (rate, torch.float32, (1, length))
    assert float(sound.abs().max()) <= 1.0
    spectrum = np.abs(np.fft.rfft(sound[0].numpy()))
    heard = float(spectrum.argmax()) * rate / sound.shape[1]
    assert heard == pytest.approx(pitch, rel=0.06)  # as near as a mel bin tells
