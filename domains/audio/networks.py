"""Networks for spectrograms: gated convolutions, in two dimensions outside and in one within.

CycleGAN-VC2 (Kaneko et al. 2019, arXiv 1904.04631, figure 4) in the sizes of MaskCycleGAN-VC (Kaneko et al. 2021, arXiv
2102.12841), for mel spectrograms. Gated: half of a convolution's channels, through a sigmoid, weigh the other half
(Dauphin et al. 2017, GLU).
"""

from __future__ import annotations

from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.errors import ConfigError, show
from ...core.networks.ends import end_of_layers, length_needed
from ...core.networks.layers import check_options, common_rules, convolution, normalisation
from ...core.networks.norm import InstanceNorm
from ...core.networks.presets import default_networks
from ...core.networks.settings import MOST_BLOCKS, NetworkSettings
from ...core.networks.spec import Networks, NetworkSpec
from ...core.networks.start import linear_start, start_rule

PRESETS: dict[str, dict[str, int]] = {
    "tiny": {"filters": 8, "blocks": 2, "discriminator_filters": 8},
    "small": {"filters": 32, "blocks": 6, "discriminator_filters": 32},
    "base": {"filters": 128, "blocks": 6, "discriminator_filters": 128},
}
"""Named widths; `base` is the published one."""


def audio_networks(bins: int, preset: str, settings: NetworkSettings) -> Networks:
    """The four networks for spectrograms of `bins` bins: gated ones by preset, and the core's where they are named.

    Raises:
        ConfigError: no such preset; or a start that is nothing to a single channel.
    """
    if preset not in PRESETS:
        raise ConfigError(f"preset is {show(preset)}; expected one of {', '.join(PRESETS)}")
    if settings.start == "transport":
        raise ConfigError("networks.start is 'transport', a mere gain where samples have one channel, as recordings "
                          "have; expected random or residual")  # fmt: skip
    sizes = PRESETS[preset]
    settings = settings.with_defaults("gated", "gated-patch").as_published()
    others = default_networks(2, 1, 1, preset, settings)

    def generator(settings: NetworkSettings) -> NetworkSpec:
        options: dict[str, Any] = {
            "in_channels": 1,
            "out_channels": 1,
            "bins": bins,
            "filters": settings.filters or sizes["filters"],
            "blocks": settings.blocks or sizes["blocks"],
            "norm": settings.norm,
        }
        if settings.start != "random":
            options["start"] = settings.start
        return NetworkSpec("gated", options)

    if settings.generator == "gated":
        directions = generator(settings), generator(settings.for_b2a())
    else:
        directions = others.generator_a2b, others.generator_b2a
    discriminator = others.discriminator_a
    if settings.discriminator == "gated-patch":
        options = {
            "in_channels": 1,
            "filters": settings.discriminator_filters or sizes["discriminator_filters"],
            "layers": settings.discriminator_layers,
            "norm": settings.norm,
        }
        discriminator = NetworkSpec("gated-patch", options)
    return Networks(*directions, discriminator, discriminator)


@runtime_checkable
class TakesMask(Protocol):
    """A generator that may be given a second channel: 1 where the spectrogram is shown, 0 where it is to be filled."""

    masked: bool


class Scale(nn.Module):
    """A factor and an offset for each channel, after a norm: how far its gates open is learnt."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.dim() - 2)
        return x * self.weight.reshape(shape) + self.bias.reshape(shape)


class Gate(nn.Module):
    """The first half of the channels times the sigmoid of the second: (B, 2 C, *space) -> (B, C, *space)."""

    def forward(self, x: Tensor) -> Tensor:
        return F.glu(x, dim=1)


class ShuffledNorm(InstanceNorm):
    """`InstanceNorm` behind a pixel shuffle, of whose result the exporter to ONNX knows neither rank nor channels."""

    def forward(self, x: Tensor) -> Tensor:
        if self.given is None and torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
            off = x - x.mean((2, 3), keepdim=True)
            return off * torch.rsqrt(off.square().mean((2, 3), keepdim=True) + self.eps)
        return super().forward(x)


def _make_norm(norm: str, dimensions: int, channels: int) -> list[nn.Module]:
    layers = normalisation(norm, dimensions, channels)
    return [*layers, Scale(channels)] if norm == "instance" else layers


class GatedBlock(nn.Module):
    """x + norm-conv of a gated conv-norm, over time: (B, C, frames) -> (B, C, frames)."""

    def __init__(self, channels: int, norm: str) -> None:
        super().__init__()
        inner = 2 * channels
        self.layers = nn.Sequential(
            convolution(1, channels, 2 * inner, 3, padding=1),
            *_make_norm(norm, 1, 2 * inner),
            Gate(),
            convolution(1, inner, channels, 3, padding=1),
            *_make_norm(norm, 1, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.layers(x))


class GatedGenerator(nn.Module):
    """The 2-1-2D generator: two halvings of bins and frames, gated blocks over time alone, two doublings.

    forward: (B, 1, bins, frames) in [-1, 1], or (B, 2, bins, frames) with a second channel that is 1 where the
    spectrogram is shown and 0 where it is to be filled in; one of all ones is put in its place where it is missing.
    Gives (B, 1, bins, frames) in [-1, 1]. Frames: any multiple of 4. A frame of the result depends on up to
    35 + 8 `blocks` frames to each side (norms apart), rounded up to a multiple of 4. With a start other than random it
    adds to the spectrogram, see `LinearStart`.

    Args:
        filters: channels after the first layer; 128 as published (23 million parameters at 80 bins), 32 has 1.5.
        blocks: gated residual blocks over time.

    Raises:
        ConfigError: an option is out of range.
    """

    masked = True
    """Takes the channel that says what is to be filled in."""

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        bins: int = 80,
        filters: int = 128,
        blocks: int = 6,
        norm: str = "instance",
        start: str = "random",
    ) -> None:
        super().__init__()
        rules = common_rules(2, in_channels, out_channels, filters, norm)
        check_options("gated generator", rules + _rules(in_channels, bins, filters, blocks, start))
        self.in_channels, self.out_channels, self.bins = in_channels, out_channels, bins
        self.multiple, self.minimum = 4, 8
        self.sizes = (bins, None)
        wide = 2 * filters
        self.narrow = nn.Sequential(
            convolution(2, in_channels + 1, 2 * filters, (5, 15), padding=(2, 7)),
            Gate(),
            *_halving(filters, wide, norm),
            *_halving(wide, wide, norm),
        )
        flat = wide * bins // 4
        self.flatten = nn.Sequential(convolution(1, flat, wide, 1), *_make_norm(norm, 1, wide))
        self.blocks = nn.Sequential(*(GatedBlock(wide, norm) for _ in range(blocks)))
        self.unflatten = nn.Sequential(convolution(1, wide, flat, 1), *_make_norm(norm, 1, flat))
        self.widen = nn.Sequential(
            *_doubling(wide, wide, norm),
            *_doubling(filters, filters, norm),
            convolution(2, filters // 2, out_channels, (5, 15), padding=(2, 7)),
            nn.Tanh(),
        )
        self.start = linear_start(start, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] == self.in_channels:
            x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
        return self._ended(x, self.widen(self._unflattened(self._translated(self.narrow(x)))))

    def forward_end(self, x: Tensor, length: int) -> Tensor:
        """The last `length` frames of the translation of `x` under given norm statistics; see `GivesEnds`."""
        needed = length_needed(self.widen, length)
        if x.shape[1] != self.in_channels or 4 * needed >= x.shape[-1]:
            return cast(Tensor, self(x))[..., -length:]
        inside = self._translated(self.narrow[1:](self._unmasked(x)))[..., -needed:]
        return self._ended(x[..., -length:], end_of_layers(list(self.widen), self._unflattened(inside), length))

    def _ended(self, x: Tensor, y: Tensor) -> Tensor:
        """With the spectrogram that `y` is added to, if there is one."""
        return y if self.start is None else cast(Tensor, self.start(x[:, : self.in_channels], y))

    def _unmasked(self, x: Tensor) -> Tensor:
        """What the first convolution makes of `x` and a mask of ones: its share is the same for all samples of a size,
        so a graph of one size computes it once."""
        first = cast(nn.Conv2d, self.narrow[0])
        ones = torch.conv2d(torch.ones_like(x), first.weight[:, 1:], first.bias, padding=first.padding)
        return torch.conv2d(x, first.weight[:, :1], padding=first.padding) + ones

    def _translated(self, narrow: Tensor) -> Tensor:
        """What the blocks make of (B, channels, bins / 4, frames / 4): (B, channels, frames / 4)."""
        return cast(Tensor, self.blocks(self.flatten(narrow.flatten(1, 2))))

    def _unflattened(self, flat: Tensor) -> Tensor:
        y: Tensor = self.unflatten(flat)
        return y.reshape(y.shape[0], -1, self.bins // 4, y.shape[-1])

    @property
    def last_layers(self) -> nn.Sequential:
        """Those that widen; see `EndsInLayers`."""
        return self.widen

    @property
    def last_convolution(self) -> nn.Module:
        """See `BeginsNearInput`."""
        return self.widen[-2]


def _rules(in_channels: int, bins: int, filters: int, blocks: int, start: str) -> list[tuple[str, object, bool, str]]:
    return [
        ("in_channels", in_channels, in_channels == 1, "1"),
        ("bins", bins, bins % 4 == 0 and 8 <= bins <= 512, "a multiple of 4, 8 to 512"),
        ("blocks", blocks, 0 <= blocks <= MOST_BLOCKS, f"0 to {MOST_BLOCKS}"),
        ("filters", filters, filters % 2 == 0, "an even number"),
        start_rule(start, in_channels),
    ]


def _halving(channels_in: int, channels_out: int, norm: str) -> list[nn.Module]:
    conv = convolution(2, channels_in, 2 * channels_out, 5, stride=2, padding=2)
    return [conv, *_make_norm(norm, 2, 2 * channels_out), Gate()]


def _doubling(channels_in: int, channels_between: int, norm: str) -> list[nn.Module]:
    """To twice the size by pixel shuffle (Shi et al. 2016); half of `channels_between` is left by the gate."""
    conv = convolution(2, channels_in, 4 * channels_between, 5, padding=2)
    normed = _make_norm(norm, 2, channels_between)
    if norm == "instance":
        normed[0] = ShuffledNorm(channels_between)
    return [conv, nn.PixelShuffle(2), *normed, Gate()]


class GatedPatchDiscriminator(nn.Module):
    """Judges overlapping patches of a spectrogram by gated convolutions.

    forward: (B, in_channels, bins, frames) -> (B, 1, *patches), raw logits without a sigmoid. Every layer that is
    built is used.

    Args:
        filters: channels after the first layer, doubled by each halving up to 8 times; 128 as published.
        layers: halvings of bins and frames; 3 as published.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(self, in_channels: int = 1, filters: int = 128, layers: int = 3, norm: str = "instance") -> None:
        super().__init__()
        check_options(
            "gated-patch discriminator",
            [
                *common_rules(2, in_channels, 1, filters, norm),
                ("layers", layers, 1 <= layers <= 8, "1 to 8"),
            ],
        )
        stack: list[nn.Module] = [convolution(2, in_channels, 2 * filters, 3, padding=1), Gate()]
        width = filters
        for layer in range(1, layers + 1):
            wider = filters * min(2**layer, 8)
            stack += [convolution(2, width, 2 * wider, 3, stride=2, padding=1), *_make_norm(norm, 2, 2 * wider), Gate()]
            width = wider
        stack += [convolution(2, width, 2 * width, (1, 5), padding=(0, 2)), *_make_norm(norm, 2, 2 * width), Gate()]
        self.layers = nn.Sequential(*stack, convolution(2, width, 1, (1, 3), padding=(0, 1)))

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.layers(x))
