"""The generator `mobile`: its size and reach, what it shows, no grid, and what it does not take."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from unpaired import ConfigError, MediaError, NetworkSettings
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import NetworkSpec, ShowsFeatures


def mobile(**options: int | str) -> torch.nn.Module:
    spec = NetworkSpec("mobile", {"in_channels": 3, "out_channels": 3, **options})
    return spec.build("generators").eval()


def multiplications(network: torch.nn.Module) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 128, 128))
    return float(counter.get_total_flops()) / 2


def test_tiny_multiplies_far_less_than_the_small_resnet() -> None:
    settings = NetworkSettings(generator="mobile")
    tiny = default_networks(2, 3, 3, "tiny", settings).generator_a2b.build("generators")
    small = default_networks(2, 3, 3, "small", NetworkSettings()).generator_a2b.build("generators")
    assert multiplications(small) / multiplications(tiny) > 10
    assert sum(weight.numel() for weight in tiny.parameters()) < 50_000


def test_three_blocks_see_as_far_as_six_of_the_resnet() -> None:
    x = torch.zeros(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
    network = mobile(filters=4, norm="none").double()
    for weight in network.parameters():
        weight.data.fill_(0.02)  # so that no gradient vanishes in a ReLU
    y = network(x)
    y[0, 0, 80, 80].backward()
    rows = x.grad[0].abs().sum((0, 2)).nonzero()
    assert int(rows.max() - rows.min()) + 1 >= 95


def test_it_shows_the_middle_and_the_last_block() -> None:
    network = mobile(filters=4, blocks=3)
    assert isinstance(network, ShowsFeatures)
    x = torch.rand(2, 3, 16, 24)
    y, features = network.forward_with_features(x)
    assert torch.equal(y, network(x))
    assert [tuple(each.shape) for each in features] == [(2, 32, 4, 6)] * 2
    assert len(mobile(filters=4, blocks=1).forward_with_features(x)[1]) == 1


def test_the_resnet_shows_them_too() -> None:
    spec = NetworkSpec("resnet", {"in_channels": 3, "out_channels": 3, "filters": 4, "blocks": 4})
    network, x = spec.build("generators").eval(), torch.rand(2, 3, 16, 24)
    y, features = network.forward_with_features(x)
    assert torch.equal(y, network(x))
    assert [tuple(each.shape) for each in features] == [(2, 16, 4, 6)] * 2


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_it_leaves_no_grid_whatever_its_weights(dimensions: int) -> None:
    """Where nothing changes in the sample, nothing does in the translation."""
    network = mobile(filters=4, dimensions=dimensions)
    initialise(network, torch.Generator().manual_seed(0), deviation=0.5)
    y = network(torch.full((1, 3, *[16] * dimensions), 0.3))
    assert float((y.detach() - y.detach().flatten(2)[..., :1].reshape(1, 3, *[1] * dimensions)).abs().max()) < 1e-5


def test_it_refuses_what_it_does_not_take() -> None:
    with pytest.raises(ConfigError, match=r"networks\.upsampling: the generator mobile does not take it"):
        default_networks(2, 3, 3, "tiny", NetworkSettings(generator="mobile", upsampling="resize"))
    with pytest.raises(ConfigError, match="blocks is 0; expected 1 to 64"):
        mobile(blocks=0)


@pytest.mark.parametrize(("network", "least"), [("mobile", 12), ("unet", 8)])
def test_sizes_that_it_does_not_take_are_refused_in_one_line(network: str, least: int) -> None:
    """From either entrance; a translator pads them."""
    options = {"filters": 4, **({"levels": 3} if network == "unet" else {})}
    generator = NetworkSpec(network, {"in_channels": 3, "out_channels": 3, **options}).build("generators").eval()
    several = [generator] + ([generator.forward_with_features] if network == "mobile" else [])  # type: ignore[list-item]
    for forward in several:
        for size in ((16, 18), (17, 16), (4, 16)):
            with pytest.raises(
                MediaError, match=rf"the samples are {size[0]} x {size[1]}; expected .* {least} or more"
            ):
                forward(torch.zeros(1, 3, *size))
        forward(torch.zeros(1, 3, 16, 24))
