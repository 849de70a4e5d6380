"""Tone curves: what the networks see, and that nobody else sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from unpaired import ConfigError, Image, NetworkSettings, Translator, evaluate
from unpaired.core.model.model_file import Model
from unpaired.domains.image import ImageSettings
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.picture import Picture
from unpaired.domains.image.tone import apply_gamma, undo_gamma


class Untouched(nn.Module):
    """A generator that hands its input on."""

    in_channels, multiple, minimum = 3, 1, 1

    def forward(self, x: Tensor) -> Tensor:
        return x.clone()


def untouched(domain: Image) -> Translator:
    """A translator that hands its input on as the networks see it."""
    model = Model({"a2b": Untouched(), "b2a": Untouched()}, domain.networks("tiny", NetworkSettings()), domain)
    return Translator(model, runtime="torch", device="cpu")


def test_road_and_land_are_told_apart() -> None:
    road, land = (torch.tensor(value / 127.5 - 1.0) for value in (254.0, 236.0))
    assert float(road - land) == pytest.approx(18 / 127.5)
    # 2 ((254 / 255)^6 - (236 / 255)^6)
    assert float(apply_gamma(road, 6.0) - apply_gamma(land, 6.0)) == pytest.approx(0.697, abs=1e-3)


@given(st.floats(-0.8, 1.0), st.floats(0.1, 6.0))
def test_straightening_undoes_the_curve(value: float, gamma: float) -> None:
    x = torch.tensor(value, dtype=torch.float64)
    assert float(undo_gamma(apply_gamma(x, gamma), gamma)) == pytest.approx(value, abs=1e-6)


def test_values_outside_the_range_are_clipped() -> None:
    assert undo_gamma(torch.tensor([-1.5, 1.5]), 6.0).tolist() == [-1.0, 1.0]


def test_samples_are_curved_and_plain_again(photo: Path) -> None:
    domain, without = Image(size=32, gamma_b=3.0), Image(size=32)
    assert torch.equal(domain.load(photo, "a"), without.load(photo, "a"))
    assert torch.allclose(domain.load(photo, "b"), apply_gamma(without.load(photo, "b"), 3.0))
    assert torch.allclose(domain.denormalise(domain.load(photo, "b"), "b"), without.load(photo, "b"), atol=1e-3)
    drawn = [each.sample(photo, "b", np.random.default_rng(3)) for each in (domain, without)]
    assert torch.allclose(drawn[0], apply_gamma(drawn[1], 3.0))


@pytest.mark.parametrize("tile_above", [1_000_000, 1000], ids=["whole", "tiles"])
def test_conversion_curves_and_straightens(tile_above: int, tmp_path: Path) -> None:
    pixels = np.linspace(4000, 65535, 200 * 200).reshape(200, 200, 1).repeat(3, axis=2).astype(np.uint16)
    save_picture(Picture(pixels), tmp_path / "x.png", 90)
    options = {"tile_above": tile_above, "tile": 128, "overlap": 32}

    def through(domain: Image, **more: float) -> np.ndarray:
        untouched(domain).convert(tmp_path / "x.png", tmp_path / "y.png", **options, **more)
        return read_picture(tmp_path / "y.png").pixels.astype(float) / 65535

    given = pixels / 65535
    # What goes in as v^2 and comes out as w^4 = v^2 is w = sqrt(v).
    assert np.abs(through(Image(gamma_a=2.0, gamma_b=4.0)) - np.sqrt(given)).max() < 1e-3
    assert np.abs(through(Image(gamma_a=2.0, gamma_b=4.0), strength=0.0) - given).max() < 1e-4


def test_scores_are_those_of_plain_pictures(photo: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = read_picture(photo).pixels
            save_picture(Picture(np.roll(pixels, 5 * number, axis=0)), tmp_path / name / f"{number}.png", 90)
    # The curves are equal, so the untouched sample is the true counterpart, whatever the curve.
    report = evaluate(untouched(Image(size=32, gamma_a=3.0, gamma_b=3.0)), tmp_path / "a", tmp_path / "b", paired=True)
    assert report.scores["a2b"].paired["l1"] == pytest.approx(0.0, abs=1e-3)
    # G hands v^3 on, which B reads as v^3 too: A's own curve alone makes the translation darker by v - v^3.
    darker = evaluate(untouched(Image(size=32, gamma_a=3.0)), tmp_path / "a", tmp_path / "b", paired=True)
    plain = torch.stack([Image(size=32).load(tmp_path / "a" / f"{number}.png", "a") for number in range(3)])
    expected = float((plain - apply_gamma(plain, 3.0)).abs().mean()) * 127.5
    assert darker.scores["a2b"].paired["l1"] == pytest.approx(expected, rel=1e-2)


def test_impossible_curves_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"domain\.gamma_a is 0\.0.*domain\.gamma_b is 11"):
        ImageSettings(gamma_a=0.0, gamma_b=11.0)
