"""What the translation makes of spectrograms that are not all there."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from unpaired.domains.audio.conversion.gains import Gains, Steady, full_bins
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.audio.signal.mel import centres

from .voices import Identity

BINS = 80
MEASURED = dataclasses.replace(
    AudioSettings(), mean_a=(-6.0,) * BINS, deviation_a=(2.0,) * BINS, mean_b=(-6.0,) * BINS, deviation_b=(2.0,) * BINS
)
middles = centres(22050, BINS)


def frames(upper: float, lower: float = 0.0) -> Any:
    """Log-mel (80, 64) of sound between two frequencies in Hz."""
    mel = np.random.default_rng(0).normal(-4, 1.5, (BINS, 64)).astype(np.float32)
    mel[(middles > upper) | (middles < lower)] = -11.5
    return mel


@pytest.mark.parametrize(("lower", "upper"), [(0, 9000), (300, 3400)])
def test_a_band_is_found(lower: float, upper: float) -> None:
    full = full_bins(frames(upper, lower), "a", 22050, MEASURED)
    np.testing.assert_array_equal(full, (middles <= upper) & (middles >= lower))


def test_no_bin_lies_beyond_the_rate() -> None:
    full = full_bins(frames(9000), "a", 8000, MEASURED)
    assert not full[middles > 4000].any()
    assert full[middles < 3800].all()


def test_silence_and_music_have_all_bins() -> None:
    assert full_bins(np.full((BINS, 8), -11.5, np.float32), "a", 22050, MEASURED).all()
    assert full_bins(frames(3400), "a", 22050, dataclasses.replace(MEASURED, content="music")).all()


def test_what_is_missing_is_shown_as_mean_and_not_made_louder() -> None:
    shown = []

    class Louder(Identity):
        """As if all were to be a deviation above the mean."""

        def __call__(self, x: Tensor) -> Tensor:
            shown.append(x.numpy().copy())
            return (0 * x + 1 / 3).clamp(-1, 1)

    mel = frames(3400, 300)
    gains = Gains(Louder(), mel, "a", 22050, 1.0, MEASURED, 64, 16)
    assert gains.push(mel).shape[1] == 0
    gain = np.concatenate(list(gains.finish()), axis=1)
    full = full_bins(mel, "a", 22050, MEASURED)
    assert all(np.abs(each[0, 0, ~full]).max() == 0 for each in shown)
    # As loud as beside it; by what the sample says of the empty bins themselves it would be 22 dB everywhere.
    assert gain[~full].mean() * 20 / np.log(10) < 5


def test_a_gain_has_its_share_of_the_frames_beside() -> None:
    steady = Steady(1, 0.5)
    given = [steady.push(np.array([[4.0, 0.0]], np.float32)), steady.push(np.array([[0.0, 8.0]], np.float32))]
    np.testing.assert_array_equal(np.concatenate([*given, steady.finish()], axis=1), [[3, 1, 2, 6]])


@given(st.lists(st.integers(0, 12), max_size=6), st.sampled_from([0.0, 0.5]))
def test_steady_gains_do_not_depend_on_the_pieces(cuts: list[int], share: float) -> None:
    gains = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32)
    steady = Steady(3, share)
    pieces = [steady.push(piece) for piece in np.split(gains, sorted(cuts), axis=1)]
    found = np.concatenate([*pieces, steady.finish()], axis=1)
    beside = np.pad(gains, ((0, 0), (1, 1)), mode="edge")
    expected = (1 - share) * gains + share / 2 * (beside[:, :-2] + beside[:, 2:])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    if not share:
        np.testing.assert_array_equal(found, gains)


def test_nothing_comes_of_no_frames() -> None:
    steady = Steady(3, 0.5)
    assert steady.push(np.zeros((3, 0), np.float32)).shape == steady.finish().shape == (3, 0)
