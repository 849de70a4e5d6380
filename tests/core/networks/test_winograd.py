"""3x3 convolutions by Winograd's algorithm against direct ones, and where they are taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unpaired.core.networks import winograd
from unpaired.core.networks.layers import Convolution2d, use_winograd
from unpaired.core.networks.norm import InstanceNorm
from unpaired.core.networks.resnet import ResnetGenerator


def close(found: Tensor, exact: Tensor) -> bool:
    """Whether an fp32 result is right but for rounding: the transforms multiply by up to 25."""
    return float((found - exact).abs().max()) < 2e-5 * float(exact.abs().max())


@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("shape", [(1, 5, 6, 6), (2, 3, 10, 22), (3, 8, 18, 6)])
def test_result_and_gradients_are_those_of_a_direct_convolution(shape: tuple[int, ...], channels_last: bool) -> None:
    x, weight, bias = (torch.randn(each) for each in (shape, (7, shape[1], 3, 3), (7,)))
    if channels_last:
        x, weight = x.to(memory_format=torch.channels_last), winograd.laid_out(weight)
    found, exact = (
        [each.to(kind).requires_grad_() for each in (x, weight, bias)] for kind in (torch.float32, torch.float64)
    )
    ours, direct = winograd.convolve(*found), F.conv2d(*exact)
    gradient = torch.randn(ours.shape)
    assert close(ours, direct)
    of_ours = torch.autograd.grad(ours, found, gradient)
    for one, other in zip(of_ours, torch.autograd.grad(direct, exact, gradient.double()), strict=True):
        assert close(one, other)
    assert of_ours[1].stride() == weight.stride() or not channels_last


def test_only_gradients_that_are_asked_for_are_computed() -> None:
    x, weight = torch.randn(1, 2, 6, 6), torch.randn(2, 2, 3, 3, requires_grad=True)
    winograd.convolve(x, weight).sum().backward()
    assert x.grad is None
    assert weight.grad is not None


def test_a_layer_goes_by_it_in_fp32_where_windows_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Convolution2d(128, 128, 3)
    use_winograd(layer)
    calls: list[tuple[int, ...]] = []
    whole = winograd.convolve
    monkeypatch.setattr(winograd, "convolve", lambda x, *others: calls.append(tuple(x.shape)) or whole(x, *others))
    large = torch.randn(2, 128, 6, 6)
    with torch.no_grad():
        layer(large)
        assert calls == [(2, 128, 6, 6)]
        layer(large[..., :-1])  # no whole windows
        with torch.autocast("cpu", torch.bfloat16):
            layer(large)
        layer.double()(large.double())
    assert len(calls) == 1


@pytest.mark.parametrize(
    "layer",
    [
        Convolution2d(64, 128, 3),
        Convolution2d(128, 128, 3, stride=2),
        Convolution2d(128, 128, 3, padding=1),
        Convolution2d(128, 128, 4),
        Convolution2d(128, 128, 3, groups=2),
        Convolution2d(128, 128, 3, dilation=2),
    ],
)
def test_other_layers_stay_as_they_are(layer: Convolution2d) -> None:
    use_winograd(layer)
    assert not layer.winograd


def test_a_generator_is_the_same_but_for_rounding() -> None:
    torch.manual_seed(0)
    plain = ResnetGenerator(3, 3, filters=32, blocks=2)
    other = ResnetGenerator(3, 3, filters=32, blocks=2)
    other.load_state_dict(plain.state_dict())
    use_winograd(other)
    assert sum(getattr(module, "winograd", False) for module in other.modules()) == 4
    x = torch.rand(2, 3, 64, 80) * 2 - 1
    made, expected = other(x), plain(x)
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-4)
    for network, y in ((other, made), (plain, expected)):
        (y - x).abs().mean().backward()
        assert all(weight.grad is not None for weight in network.parameters())
    for one, two in zip(other.parameters(), plain.parameters(), strict=True):
        if two.dim() > 1:  # gradients of biases before a norm are nothing but rounding
            assert float((one.grad - two.grad).abs().max()) < 1e-3 * float(two.grad.abs().max())
    assert {name: tuple(value.shape) for name, value in other.state_dict().items()} == {
        name: tuple(value.shape) for name, value in plain.state_dict().items()
    }


@pytest.mark.parametrize("samples", [1, 3])
def test_the_norm_of_channels_last_is_the_same_formula(samples: int) -> None:
    x = torch.randn(samples, 4, 6, 10) * 3 + 1
    gradient = torch.randn(x.shape)
    results = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        given = x.to(memory_format=memory_format).requires_grad_()
        y = InstanceNorm(4)(given)
        assert y.is_contiguous(memory_format=memory_format)
        results.append((y, *torch.autograd.grad(y, given, gradient)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)
    assert float(results[0][0][0, 0].mean()) == pytest.approx(0.0, abs=1e-6)
