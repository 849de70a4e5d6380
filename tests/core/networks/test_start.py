"""Where generators begin: the linear map that they add to, and which of them have one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from unpaired import ConfigError, NetworkSettings
from unpaired.core.networks.norm import WithStatistics
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Generator, NetworkSpec
from unpaired.core.networks.start import RIDGE, BeginsNearInput, LinearStart, TowardsSide

DEPTH = {"resnet": {"blocks": 1}, "unet": {"levels": 2, "norm": "instance"}, "mobile": {"blocks": 1}}


def generator(architecture: str, start: str, channels: tuple[int, int] = (3, 3), dimensions: int = 2) -> Generator:
    options = {"in_channels": channels[0], "out_channels": channels[1], "dimensions": dimensions, "filters": 4}
    network = NetworkSpec(architecture, {**options, **DEPTH[architecture], "start": start}).build("generators").eval()
    assert isinstance(network, Generator)
    return network


def test_nothing_added_is_the_map_itself() -> None:
    start = LinearStart(2, 1)
    start.weight.copy_(torch.tensor([[0.5, -2.0]]))
    start.bias.fill_(0.1)
    x = torch.tensor([[[0.8, 1.0], [0.25, -0.5]]])  # 0.4 - 0.5 + 0.1 = 0, and 0.5 + 1 + 0.1, beyond white
    torch.testing.assert_close(start(x, torch.zeros(1, 1, 2)), torch.tensor([[[0.0, 1.0]]]))


def test_what_is_added_by_hand() -> None:
    y = LinearStart(1, 1)(torch.tensor([[[0.5, 0.5]]]), torch.tensor([[[0.2, 9.0]]]).tanh())
    assert float(y[0, 0, 0]) == pytest.approx(math.tanh(math.atanh(0.45) + 0.2) / 0.9)
    assert float(y[0, 0, 1]) == 1.0


def test_white_can_be_left() -> None:
    """The slope of tanh(atanh(0.9) + r) / 0.9 at r = 0 is (1 - 0.81) / 0.9; without the share it would be 0."""
    added = torch.zeros(1, 1, 1, requires_grad=True)
    LinearStart(1, 1)(torch.ones(1, 1, 1), added).sum().backward()
    assert added.grad is not None
    assert float(added.grad) == pytest.approx(0.19 / 0.9, rel=1e-4)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("architecture", DEPTH)
def test_a_generator_that_adds_nothing_gives_its_input(architecture: str, dimensions: int) -> None:
    network = generator(architecture, "residual", dimensions=dimensions)
    assert isinstance(network, BeginsNearInput)
    x = torch.rand(2, 3, *[16] * dimensions) * 2 - 1
    assert (network(x) - x).abs().max() > 0.01  # type: ignore[operator]
    for weight in network.last_convolution.parameters():
        weight.data.zero_()
    torch.testing.assert_close(network(x), x)  # type: ignore[operator]


def test_a_sample_is_moved_towards_its_side_by_hand() -> None:
    """The side has mean 0.1 and variance 0.04, the sample 0.5 and 0.16: halfway lie 0.3 and 0.1."""
    towards = TowardsSide(1)
    towards.mean.fill_(0.1)
    towards.variance.fill_(0.04 - RIDGE)
    x = 0.5 + math.sqrt(0.16 - RIDGE) * torch.tensor([[[-1.0, 1.0]]])
    expected = 0.1 + (x - 0.3) * math.sqrt(0.04 / 0.1)
    torch.testing.assert_close(towards(x), expected)
    both = torch.cat([x, torch.zeros_like(x)])  # samples do not see one another
    torch.testing.assert_close(towards(both)[:1], expected)


@pytest.mark.parametrize("architecture", ["resnet", "mobile"])
def test_statistics_of_a_whole_can_be_given_to_its_parts(architecture: str) -> None:
    network = WithStatistics(generator(architecture, "transport"))
    x = torch.rand(1, 3, 16, 16)
    whole, used = network(x, torch.zeros(network.size), torch.tensor(1.0))
    torch.testing.assert_close(whole, network.generator(x))
    torch.testing.assert_close(used[-6:-3], x.mean((0, 2, 3)))  # of the start, which comes last
    again, _ = network(x, used)
    torch.testing.assert_close(again, whole)
    other, _ = network(x * 0.5, used)
    assert (other - network.generator(x * 0.5)).abs().max() > 0.01


@pytest.mark.parametrize(("architecture", "shape"), [("resnet", (2, 16, 4, 6)), ("mobile", (2, 32, 4, 6))])
def test_features_are_shown_beside_the_same_translation(architecture: str, shape: tuple[int, ...]) -> None:
    network, x = generator(architecture, "transport"), torch.rand(2, 3, 16, 24)
    y, features = network.forward_with_features(x)  # type: ignore[attr-defined]
    assert torch.equal(y, network(x))  # type: ignore[operator]
    assert [tuple(each.shape) for each in features] == [shape]


@pytest.mark.parametrize(("channels", "expected"), [((3, 1), [0.2]), ((1, 3), [0.3] * 3)])
def test_channels_that_differ_in_number_begin_at_the_mean(channels: tuple[int, int], expected: list[float]) -> None:
    x = torch.tensor([0.3, 0.5, -0.2])[: channels[0], None]
    y = LinearStart(*channels)(x[None], torch.zeros(1, channels[1], 1))
    torch.testing.assert_close(y[0, :, 0], torch.tensor(expected))


def test_a_start_at_random_leaves_no_trace() -> None:
    """Header and weights are what earlier versions wrote and read."""
    networks = default_networks(2, 3, 3, "tiny", NetworkSettings())
    assert "start" not in networks.generator_a2b.options
    assert not [name for name in networks.generator_a2b.build("generators").state_dict() if "start" in name]
    begun = default_networks(2, 3, 3, "tiny", NetworkSettings(start="transport")).generator_a2b
    assert begun.options["start"] == "transport"
    names = list(begun.build("generators").state_dict())
    assert [name for name in names if "start" in name] == [
        "start.weight",
        "start.bias",
        "start.towards.mean",
        "start.towards.variance",
    ]


class OwnGenerator(nn.Module):
    """Of a user, with no start."""

    def __init__(self, in_channels: int, out_channels: int, dimensions: int, filters: int, blocks: int) -> None:
        super().__init__()


def test_what_cannot_begin_near_its_input_says_so() -> None:
    with pytest.raises(ConfigError, match=r"networks\.start: the generator .*OwnGenerator does not take it"):
        default_networks(2, 3, 3, "tiny", NetworkSettings(generator=OwnGenerator, start="residual"))
    with pytest.raises(ConfigError, match="start is 'residual'; expected random, for samples of more than 64 channels"):
        generator("resnet", "residual", (65, 3))
    with pytest.raises(ConfigError, match="start is 'near'; expected random, residual or transport"):
        generator("unet", "near")
