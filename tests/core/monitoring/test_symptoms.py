"""Symptoms of quality on samples made to have them, and on sound ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from unpaired.core.monitoring.symptoms import Figures, lost, quality


def textures(seed: int, samples: int = 8, size: int = 48) -> Tensor:
    """Noise with most of its power at low frequencies, as pictures have."""
    generator = torch.Generator().manual_seed(seed)
    spectrum = torch.fft.rfft2(torch.randn(samples, 3, size, size, generator=generator))
    rows, columns = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)
    made = torch.fft.irfft2(spectrum / ((rows**2 + columns**2).sqrt() + 0.02) ** 2, s=(size, size))
    return 0.25 * made / made.std()


def blurred(x: Tensor) -> Tensor:
    kernel = torch.ones(3, 1, 5, 5) / 25
    return conv2d(x, kernel, padding=2, groups=3)


def gridded(x: Tensor) -> Tensor:
    y = x.clone()
    y[..., ::4, ::4] += 0.15
    y[..., 2::4, 2::4] -= 0.15
    return y


def speckled(x: Tensor) -> Tensor:
    return x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(7))


def found(made: Tensor, real: Tensor) -> list[str]:
    return [name for name, evidence in quality(Figures.of(made), Figures.of(real)).items() if evidence]


@pytest.mark.parametrize(
    ("names", "spoil"),
    [
        ([], lambda x: x),
        ([], lambda x: 0.8 * x + 0.1),
        (["blur"], blurred),
        (["noise"], speckled),
        (["checkerboard"], gridded),
        (["low contrast"], lambda x: 0.3 * x),
        (["colour cast"], lambda x: x + torch.tensor([0.0, 0.4, 0.0])[:, None, None]),
    ],
)
def test_each_symptom_is_found_and_no_other(names: list[str], spoil: object) -> None:
    assert found(spoil(textures(1)), textures(2)) == names  # type: ignore[operator]


@pytest.mark.parametrize("shape", [(6, 1, 256), (6, 2, 32, 40), (6, 1, 8, 20, 20), (6, 1, 3, 3)])
def test_symptoms_know_any_number_of_axes(shape: tuple[int, ...]) -> None:
    x, y = (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert found(x, y) == []
    assert "colour cast" in found(x + 3, y)


def test_one_sample_alone_shows_nothing() -> None:
    assert found(blurred(textures(1))[:1], textures(2)[:1]) == []


def test_unlike_channels_are_compared_but_for_their_colours() -> None:
    assert found(textures(1), textures(2)[:, :1] + 0.5) == []


def test_detail_speckle_and_contrast_by_hand() -> None:
    x = torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]])
    figures = Figures.of(x)
    contrast = (7 * 0.125 + 0.875) / 8
    assert float(figures.contrast) == pytest.approx(contrast)
    assert float(figures.speckle) == pytest.approx(0.125 / contrast, rel=1e-4), "the peak alone is off its median"
    rest = 1 - 6 / 16 + (1 + 4 + 4 + 1) / 16  # weights 1 2 1 taken twice are 1 4 6 4 1
    assert float(figures.detail) == pytest.approx(rest / 8 / contrast, rel=1e-4)
    assert figures.levels.tolist() == [[0.125]]


def test_content_is_lost_where_the_cycle_is_no_better_than_a_constant() -> None:
    assert lost(0.89) == ""
    assert "95%" in lost(0.95)
    assert lost(float("nan")) == ""
