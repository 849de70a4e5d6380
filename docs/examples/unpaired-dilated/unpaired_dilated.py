"""A generator without downsampling, and a plain discriminator."""

import torch
from torch import Tensor, nn

from unpaired.core.networks.norm import InstanceNorm


class DilatedGenerator(nn.Module):
    """Dilated convolutions at full size: details stay where they are."""

    multiple, minimum = 1, 4

    def __init__(self, in_channels: int, out_channels: int, filters: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.first = nn.Conv2d(in_channels, filters, 3, padding=1)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(filters, filters, 3, padding=2**place, dilation=2**place), InstanceNorm(filters), nn.ReLU()
            )
            for place in range(blocks)
        )
        self.last = nn.Conv2d(filters, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        features = self.first(x)
        for block in self.blocks:
            features = features + block(features)
        return torch.tanh(self.last(features))


class StridedDiscriminator(nn.Module):
    """Raw logits, one for each patch: no sigmoid at the end."""

    def __init__(self, in_channels: int, filters: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, filters, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(filters, 2 * filters, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * filters, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
