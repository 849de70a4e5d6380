"""Samples at a temperature: of logits where a generator has one, of the noise where it has none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.conversion.generate import generate
from unpaired.core.errors import ArgumentError, ConfigError
from unpaired.core.noise import Noise


class Echo(nn.Module):
    """Gives its noise."""

    def forward(self, z: Tensor) -> Tensor:
        return z


class Draws(nn.Module):
    """Gives its temperature."""

    temperature = 0.9

    def forward(self, z: Tensor) -> Tensor:
        if self.temperature == 0.1:
            raise RuntimeError("too cold")
        return torch.full_like(z, self.temperature)


def samples(generator: nn.Module, temperature: Any) -> Tensor:
    noise = Noise(3, ("x", "y"))
    model: Any = SimpleNamespace(noise=noise, generators={"a2b": generator}, domain=SimpleNamespace(dimensions=1))
    return torch.stack(list(generate(model, "cpu", 4, temperature=temperature)))[..., 0]


def test_noise_is_multiplied_and_labels_are_not() -> None:
    plain, cold = samples(Echo(), 1.0), samples(Echo(), 0.5)
    assert torch.equal(cold[:, :3], 0.5 * plain[:, :3])
    assert torch.equal(cold[:, 3:], plain[:, 3:])
    assert cold[:, 3:].tolist() == [[1, 0], [0, 1]] * 2


def test_a_generator_with_a_temperature_has_it_for_these_samples_alone() -> None:
    generator = Draws()
    assert float(samples(generator, 2).mean()) == 2.0
    with pytest.raises(RuntimeError, match="too cold"):
        samples(generator, 0.1)
    assert generator.temperature == 0.9


@pytest.mark.parametrize("temperature", [0.0, -1.0, 10.5, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(ConfigError, match="expected a number above 0 and up to 10"):
        samples(Echo(), temperature)
    with pytest.raises(ArgumentError, match="temperature is 'hot'; expected a number"):
        samples(Echo(), "hot")
