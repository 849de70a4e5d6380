"""A rewritten generator is the same function, and those it cannot do better are left alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.networks.unet import UnetGenerator
from unpaired.core.runtimes.rewriting import rewrite
from unpaired.core.runtimes.tracing import traced


def made(generator: nn.Module) -> nn.Module:
    initialise(generator, torch.Generator().manual_seed(3), 0.2)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d) and module.bias is not None:
            nn.init.normal_(module.bias, generator=torch.Generator().manual_seed(4))
    return generator.double().eval().requires_grad_(False)


@pytest.mark.parametrize("upsampling", ["resize", "transposed", "blurred"])
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_rewritten_generator_is_the_same_function(upsampling: str, norm: str, channels: int) -> None:
    generator = made(ResnetGenerator(3, channels, filters=4, blocks=1, upsampling=upsampling, norm=norm))
    faster = rewrite(copy.deepcopy(generator))
    for size in ((8, 8), (12, 20), (44, 28)):
        x = torch.rand(2, 3, *size, dtype=torch.float64) * 2 - 1
        expected = generator(x)
        assert expected.std() > 0.05
        torch.testing.assert_close(faster(x), expected, atol=1e-12, rtol=0)


def kinds(generator: nn.Module) -> list[str]:
    return [type(module).__name__ for module in generator.modules()]


def test_convolutions_that_leave_lanes_empty_are_exchanged() -> None:
    generator = rewrite(made(ResnetGenerator(3, 3, filters=4, blocks=1, upsampling="resize")))
    last = [module for module in generator.modules() if isinstance(module, nn.Conv2d)][-1]
    assert (last.out_channels, last.kernel_size, last.stride) == (12, (8, 8), (2, 2))
    assert kinds(generator).count("ConvTranspose2d") == 2
    assert "NearestUpsample" not in kinds(generator)


@pytest.mark.parametrize(
    "generator",
    [
        ResnetGenerator(3, 5, filters=4, blocks=1),  # five channels of four pixels are more than 16
        ResnetGenerator(3, 3, 1, filters=4, blocks=1, upsampling="resize"),
        ResnetGenerator(3, 3, 3, filters=4, blocks=1, upsampling="resize"),
        UnetGenerator(3, 3, filters=4, levels=3, norm="instance"),
    ],
)
def test_other_generators_are_left_alone(generator: nn.Module) -> None:
    before = kinds(generator)
    assert kinds(rewrite(generator)) == before


def test_recording_a_graph_leaves_the_generator_itself_alone() -> None:
    generator = ResnetGenerator(3, 3, filters=4, blocks=1, upsampling="resize").eval()
    before = kinds(generator)
    drawn = torch.get_rng_state()
    graph, _ = traced(generator, 2, "own")
    assert torch.equal(torch.get_rng_state(), drawn)
    assert kinds(generator) == before
    x = torch.rand(1, 3, 24, 16) * 2 - 1
    torch.testing.assert_close(graph(x), generator(x), atol=1e-4, rtol=0)
