"""Generators as pytorch-CycleGAN-and-pix2pix and CUT build them, in plain PyTorch: what an import is compared with.

Only the numbering of the layers, which names their tensors, is the reference's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NORMS: dict[str, Callable[[int], nn.Module] | None] = {
    "instance": nn.InstanceNorm2d,
    "batch": nn.BatchNorm2d,
    "none": lambda channels: nn.Identity(),
    "left out": None,
}


def normed(kind: str, convolution: nn.Module, channels: int) -> list[nn.Module]:
    """A convolution and its norm, if there is a place for one."""
    make = NORMS[kind]
    return [convolution] if make is None else [convolution, make(channels)]


class Block(nn.Module):
    def __init__(self, norm: str, channels: int, bias: bool, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for half in range(2):
            layers += [nn.ReflectionPad2d(1), *normed(norm, nn.Conv2d(channels, channels, 3, bias=bias), channels)]
            if half == 0:
                layers += [nn.ReLU(), *([nn.Dropout(0.5)] if dropout else [])]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = x + self.conv_block(x)
        return changed


class Blur(nn.Module):
    def __init__(self, channels: int, up: bool) -> None:
        super().__init__()
        self.up = up
        row = torch.tensor([1.0, 3.0, 3.0, 1.0] if up else [1.0, 2.0, 1.0])
        square = row[:, None] * row[None, :]
        square = square / square.sum() * (4 if up else 1)
        self.register_buffer("filt", square[None, None].repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        weight: Any = self.filt
        if not self.up:
            return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), weight, stride=2, groups=len(weight))
        wide = F.conv_transpose2d(F.pad(x, (1, 1, 1, 1), "replicate"), weight, stride=2, padding=2, groups=len(weight))
        return wide[:, :, 1:-1, 1:-1]


class Resnet(nn.Module):
    """`blurred` down and up are CUT's; `bias` is what stands before the norms."""

    def __init__(
        self,
        norm: str = "instance",
        *,
        bias: bool = True,
        blurred: tuple[bool, bool] = (False, False),
        dropout: bool = False,
        filters: int = 8,
        blocks: int = 3,
        channels: tuple[int, int] = (3, 3),
    ) -> None:
        super().__init__()
        first = nn.Conv2d(channels[0], filters, 7, bias=bias)
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), *normed(norm, first, filters), nn.ReLU()]
        for width in (filters, 2 * filters):
            narrow = nn.Conv2d(width, 2 * width, 3, stride=1 if blurred[0] else 2, padding=1, bias=bias)
            layers += [*normed(norm, narrow, 2 * width), nn.ReLU()]
            layers += [Blur(2 * width, up=False)] if blurred[0] else []
        layers += [Block(norm, 4 * filters, bias, dropout) for _ in range(blocks)]
        for width in (4 * filters, 2 * filters):
            half = width // 2
            if blurred[1]:
                layers += [Blur(width, up=True), *normed(norm, nn.Conv2d(width, half, 3, padding=1, bias=bias), half)]
            else:
                wide = nn.ConvTranspose2d(width, half, 3, stride=2, padding=1, output_padding=1, bias=bias)
                layers += normed(norm, wide, half)
            layers += [nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(filters, channels[1], 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x)
        return y


class Level(nn.Module):
    def __init__(
        self,
        norm: str,
        outer: int,
        inner: int,
        below: Level | None,
        bias: bool,
        dropout: bool,
        ends: tuple[int, int] | None,
    ) -> None:
        super().__init__()
        self.outermost = ends is not None
        before, after = ends or (outer, outer)
        down = nn.Conv2d(before, inner, 4, stride=2, padding=1, bias=bias)
        width = inner if below is None else 2 * inner
        up = nn.ConvTranspose2d(width, after, 4, stride=2, padding=1, bias=bias or self.outermost)
        if self.outermost:
            assert below is not None
            layers = [down, below, nn.ReLU(), up, nn.Tanh()]
        elif below is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), *normed(norm, up, outer)]
        else:
            layers = [nn.LeakyReLU(0.2), *normed(norm, down, inner), below, nn.ReLU(), *normed(norm, up, outer)]
            layers += [nn.Dropout(0.5)] if dropout else []
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x)
        return y if self.outermost else torch.cat([x, y], 1)


class Unet(nn.Module):
    """`levels` halvings: 7 for pictures of 128, 8 for 256."""

    def __init__(
        self, norm: str = "batch", *, bias: bool = False, dropout: bool = False, levels: int = 7, filters: int = 4
    ) -> None:
        super().__init__()
        level = Level(norm, 8 * filters, 8 * filters, None, bias, False, None)
        for _ in range(levels - 5):
            level = Level(norm, 8 * filters, 8 * filters, level, bias, dropout, None)
        for width in (4 * filters, 2 * filters, filters):
            level = Level(norm, width, 2 * width, level, bias, False, None)
        self.model = Level(norm, filters, filters, level, bias, False, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x)
        return y


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """`network` in eval mode with weights, statistics and biases that all show in the output."""
    random = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.08, generator=random)
            if module.bias is not None:
                nn.init.normal_(module.bias, std=0.3, generator=random)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.2, generator=random)
            nn.init.normal_(module.bias, 0.0, 0.2, generator=random)
            module.running_mean = 0.2 * torch.randn(module.num_features, generator=random)
            module.running_var = 0.5 + torch.rand(module.num_features, generator=random)
    return network.eval().requires_grad_(False)
