"""Building blocks of every network here, for 1, 2 or 3 spatial dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError, MediaError, show
from . import winograd
from .norm import InstanceNorm


class Convolution2d(nn.Conv2d):
    """nn.Conv2d that may go by Winograd's algorithm where that is exact to fp32's rounding and faster on the CPU."""

    winograd = False
    """Set by `use_winograd`."""

    def forward(self, x: Tensor) -> Tensor:
        if self.winograd and winograd.fits(x, self.weight):
            return winograd.convolve(x, self.weight, self.bias)
        return super().forward(x)


def use_winograd(network: nn.Module) -> None:
    """Let the 3x3 convolutions of a network that is trained on the CPU go by Winograd's algorithm."""
    for module in network.modules():
        if isinstance(module, Convolution2d) and winograd.pays(module):
            module.winograd = True
            module.weight.data = winograd.laid_out(module.weight.data)


def use_channels_last(network: nn.Module) -> None:
    """Let the channels of what a network of pictures computes lie side by side in memory, as its weights do then."""
    for weight in network.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


_CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: Convolution2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_SPREAD: dict[int, Callable[..., Tensor]] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_BATCH_NORMS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


def convolution(dimensions: int, *arguments: Any, **options: Any) -> nn.Module:
    """nn.ConvNd for the number of spatial dimensions."""
    return _CONVOLUTIONS[dimensions](*arguments, **options)


def transposed_convolution(dimensions: int, *arguments: Any, **options: Any) -> nn.Module:
    """nn.ConvTransposeNd for the number of spatial dimensions."""
    return _TRANSPOSED[dimensions](*arguments, **options)


def normalisation(name: str, dimensions: int, channels: int) -> list[nn.Module]:
    """The norm layer of that name as a list, empty for `none`."""
    if name == "instance":
        return [InstanceNorm(channels)]
    if name == "batch":
        return [_BATCH_NORMS[dimensions](channels)]
    return []


class ReflectionPad(nn.Module):
    """Reflection padding of `size` on both sides of every spatial axis (1, 2 or 3 of them)."""

    def __init__(self, dimensions: int, size: int) -> None:
        super().__init__()
        self.padding = [size, size] * dimensions

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.padding, mode="reflect")

    def extra_repr(self) -> str:
        return f"{self.padding[0]}"


class NearestUpsample(nn.Module):
    """Nearest-neighbour enlargement to twice the size, the resize of a resize-convolution (Odena et al. 2016)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class _Blur(nn.Module):
    """A binomial filter, the same for every channel. It is stored with the weights: a graph wants it as a constant, and
    an imported network keeps its own."""

    filter: Tensor

    def __init__(self, dimensions: int, channels: int, taps: Sequence[float], gain: float) -> None:
        super().__init__()
        axis = torch.tensor(taps) / sum(taps)
        kernel = torch.ones(())
        for _ in range(dimensions):
            kernel = kernel[..., None] * axis
        self.register_buffer("filter", (gain * kernel).repeat(channels, 1, *[1] * dimensions))
        self.dimensions, self.channels = dimensions, channels


class BlurredHalf(_Blur):
    """Half the size without aliasing: [1, 2, 1], then every second value (Zhang 2019, Making convolutional networks
    shift-invariant again).

    forward: (B, channels, *space), even sizes -> (B, channels, *space / 2).
    """

    def __init__(self, dimensions: int, channels: int) -> None:
        super().__init__(dimensions, channels, [1.0, 2.0, 1.0], 1.0)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, [1, 1] * self.dimensions, mode="reflect")
        return _CONVOLVE[self.dimensions](padded, self.filter, stride=2, groups=self.channels)


class BlurredDouble(_Blur):
    """Twice the size without a checkerboard: zeros between the values, then [1, 3, 3, 1] (as CUT has it).

    forward: (B, channels, *space) -> (B, channels, *2 space).
    """

    def __init__(self, dimensions: int, channels: int) -> None:
        super().__init__(dimensions, channels, [1.0, 3.0, 3.0, 1.0], 2.0**dimensions)

    def forward(self, x: Tensor) -> Tensor:
        padded = F.pad(x, [1, 1] * self.dimensions, mode="replicate")
        # A padding of a transposed convolution is taken off: what the added edge became.
        return _SPREAD[self.dimensions](padded, self.filter, stride=2, padding=3, groups=self.channels)


def downsample(kind: str, dimensions: int, channels_in: int, norm: str, bias: bool) -> list[nn.Module]:
    """Half the size and twice the channels, with norm and ReLU: a strided convolution (the CycleGAN paper), or a
    convolution whose output is blurred before every second value is taken (CUT)."""
    wider, stride = 2 * channels_in, 1 if kind == "blurred" else 2
    return [
        convolution(dimensions, channels_in, wider, 3, stride=stride, padding=1, bias=bias),
        *normalisation(norm, dimensions, wider),
        nn.ReLU(),
        *([BlurredHalf(dimensions, wider)] if kind == "blurred" else []),
    ]


def upsample(kind: str, dimensions: int, channels_in: int, channels_out: int, bias: bool) -> list[nn.Module]:
    """Twice the size: a transposed convolution (the CycleGAN paper), a resize-convolution or a blurred enlargement
    before a convolution (CUT); the last two leave no checkerboard."""
    if kind == "blurred":
        smooth = convolution(dimensions, channels_in, channels_out, 3, padding=1, bias=bias)
        return [BlurredDouble(dimensions, channels_in), smooth]
    if kind == "transposed":
        return [
            transposed_convolution(
                dimensions, channels_in, channels_out, 3, stride=2, padding=1, output_padding=1, bias=bias
            )
        ]
    return [
        NearestUpsample(),
        ReflectionPad(dimensions, 1),
        convolution(dimensions, channels_in, channels_out, 3, bias=bias),
    ]


def intermediate_outputs(layers: nn.Sequential, x: Tensor, places: Sequence[int]) -> list[Tensor]:
    """Outputs of the layers at the given positions (in rising order) for `x`; later layers are not computed."""
    found = []
    for place in range(places[-1] + 1):
        x = layers[place](x)
        if place in places:
            found.append(x)
    return found


def check_space(owner: str, x: Tensor, multiple: int, minimum: int) -> None:
    """Raise a MediaError for samples (B, C, *space) of a size that a network does not take. A graph does not check."""
    if torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return
    if any(size % multiple or size < minimum for size in x.shape[2:]):
        least = -(-minimum // multiple) * multiple
        raise MediaError(
            f"{owner}: the samples are {' x '.join(map(str, x.shape[2:]))}; expected multiples of {multiple}, {least} "
            "or more: pad them and crop the output, as a translator does"
        )


def check_options(owner: str, rules: Sequence[tuple[str, Any, bool, str]]) -> None:
    """Raise one ConfigError for every (name, value, holds, expectation) that does not hold."""
    faults = [
        f"{owner}: {name} is {show(value)}; expected {wanted}" for name, value, holds, wanted in rules if not holds
    ]
    if faults:
        raise ConfigError(*faults)


def common_rules(
    dimensions: int, in_channels: int, out_channels: int, filters: int, norm: str
) -> list[tuple[str, Any, bool, str]]:
    """The rules that every network's options obey; the bounds also keep hostile files from asking for terabytes."""
    return [
        ("dimensions", dimensions, dimensions in (1, 2, 3), "1, 2 or 3"),
        ("in_channels", in_channels, 1 <= in_channels <= 4096, "1 to 4096"),
        ("out_channels", out_channels, 1 <= out_channels <= 4096, "1 to 4096"),
        ("filters", filters, 1 <= filters <= 1024, "1 to 1024"),
        ("norm", norm, norm in ("instance", "batch", "none"), "instance, batch or none"),
    ]
