"""Layout of the generators' tensors in pytorch-CycleGAN-and-pix2pix and CUT.

Their networks are numbered sequences, so that the numbers of the layers with weights tell the layers without any: the
padding, whether there is a place for norms, drop-out, blurred sampling (Zhu et al. 2017, Isola et al. 2017 and Park et
al. 2020; models/networks.py of both).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_LEVEL = re.compile(r"model\.\d+")


@dataclass(frozen=True)
class Layout:
    """A generator of theirs: its layers that may hold tensors by name, in the order of the data."""

    architecture: str
    options: dict[str, Any]
    """Those of our architecture that it takes to build the like."""
    convolutions: dict[str, str | None] = field(default_factory=dict)
    """Each convolution, and the norm that follows it, where there is a place for one."""
    transposed: list[str] = field(default_factory=list)
    """Those of the convolutions that are transposed: their outputs are the second axis."""
    filters: list[str] = field(default_factory=list)
    """Blurs, which hold a constant."""

    @property
    def norms(self) -> list[str]:
        """The places of norms."""
        return [norm for norm in self.convolutions.values() if norm is not None]

    @property
    def before_norms(self) -> list[str]:
        """Every convolution but the last, after which no network has a norm."""
        return list(self.convolutions)[:-1]

    def outputs(self, convolution: str, tensors: Mapping[str, Tensor]) -> int:
        """Number of output channels of a convolution."""
        return tensors[f"{convolution}.weight"].shape[1 if convolution in self.transposed else 0]

    def fits(self, convolutions: Collection[str], filters: Collection[str]) -> bool:
        """Whether these are its convolutions and blurs, none more and none less."""
        return set(self.convolutions) == set(convolutions) and set(self.filters) == set(filters)

    def number(self, kinds: Sequence[str], inside: Sequence[Sequence[str]], prefix: str, inner: str) -> None:
        """Number the layers of a sequence. Each "inside" in it is such a sequence of its own, from `inside` on, whose
        names begin with the layer's and `inner`."""
        for place, kind in enumerate(kinds):
            name = f"{prefix}{place}"
            if kind in ("conv", "deconv"):
                followed = list(kinds[place + 1 : place + 2]) == ["norm"]
                self.convolutions[name] = f"{prefix}{place + 1}" if followed else None
                self.transposed.extend([name] if kind == "deconv" else [])
            elif kind == "filter":
                self.filters.append(name)
            elif kind == "inside":
                self.number(inside[0], inside[1:], f"{name}.{inner}.", inner)


def layouts(names: Collection[str]) -> Iterator[Layout]:
    """Every generator that has as many blocks, or levels, as the names speak of."""
    if blocks := {match[1] for name in names if (match := _BLOCK.match(name))}:
        samplings = itertools.product(("strided", "blurred"), ("transposed", "blurred"))
        for (down, up), norms, dropout in itertools.product(samplings, (True, False), (False, True)):
            yield _resnet(len(blocks), down, up, norms, dropout)
    else:
        levels = max((len(_LEVEL.findall(name)) for name in names), default=0)
        for norms in (True, False):
            yield _unet(levels, norms)


def _resnet(blocks: int, down: str, up: str, norms: bool, dropout: bool) -> Layout:
    blur_down, blur_up = ["filter"] * (down == "blurred"), ["filter"] * (up == "blurred")
    halves = 2 * ["conv", "norm", "relu", *blur_down]
    doubles = 2 * [*blur_up, "conv" if blur_up else "deconv", "norm", "relu"]
    kinds = ["pad", "conv", "norm", "relu", *halves, *blocks * ["inside"], *doubles, "pad", "conv", "tanh"]
    block = ["pad", "conv", "norm", "relu", *["dropout"] * dropout, "pad", "conv", "norm"]
    # What is as published is left out: it is what a model file of an earlier version says.
    chosen = {"downsampling": down} if blur_down else {}
    chosen |= {"upsampling": up} if blur_up else {}
    layout = Layout("resnet", {"blocks": blocks, **chosen})
    layout.number(_with(norms, kinds), [_with(norms, block)], "model.", "conv_block")
    return layout


def _unet(levels: int, norms: bool) -> Layout:
    outermost = ["conv", "inside", "relu", "deconv", "tanh"]
    # Drop-out comes last in a level, where it moves nothing.
    between = ["leaky", "conv", "norm", "inside", "relu", "deconv", "norm"]
    innermost = ["leaky", "conv", "relu", "deconv", "norm"]
    inside = [_with(norms, kinds) for kinds in [*max(levels - 2, 0) * [between], innermost]]
    layout = Layout("unet", {"levels": levels})
    layout.number(outermost, inside, "model.model.", "model")
    return layout


def _with(norms: bool, kinds: Sequence[str]) -> list[str]:
    return [kind for kind in kinds if norms or kind != "norm"]
