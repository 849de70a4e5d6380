"""Settings of the networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ..errors import show
from ..registry import Group, name_of
from ..settings.arguments import settle_types
from ..settings.faults import raise_faults, require

MOST_BLOCKS = 64
PAPERS_LAYERS = 3
"""Strided layers of the paper's PatchGAN."""


@dataclass(frozen=True)
class NetworkSettings:
    """Settings of the networks; None means the preset's value."""

    generator: str | type[Any] | None = None
    """Registered generator architecture, such as resnet or unet, or your own class; None uses the medium's default."""
    filters: int | None = None
    """Channels after the first layer of the generators."""
    blocks: int | None = None
    """Residual blocks of a resnet generator, or levels of a unet."""
    blocks_b2a: int | None = None
    """Blocks of the generator from B to A, if it has to invent more than the other; None: the same number."""
    upsampling: Literal["transposed", "resize", "blurred"] = "transposed"
    """Transposed convolution (the paper), resize-convolution, or blurred upsampling (CUT, resnet only); the last two
    avoid checkerboard artefacts."""
    downsampling: Literal["strided", "blurred"] = "strided"
    """Strided convolution (the paper), or blurred downsampling (CUT, resnet only)."""
    start: Literal["random", "residual", "transport"] | None = None
    """Where generators begin: at random (the paper); at their input, to which they add (residual); or at the linear map
    of the channels that gives one side the other's means and covariances (transport; not of recordings, which have
    one channel). Of resnet, unet, mobile and gated. None: what suits medium, objective and files; for cycles between
    colour pictures that are not drawn transport, between two voices of one range of pitch residual; a student's is its
    teacher's."""
    norm: Literal["instance", "batch", "none"] = "instance"
    dropout: float = 0.0
    """Drop-out probability inside residual blocks, 0 to 1."""
    discriminator: str | type[Any] | None = None
    """Registered discriminator architecture, such as patchgan or pixel, or your own class; None uses the medium's
    default."""
    discriminator_filters: int | None = None
    discriminator_layers: int | None = None
    """Strided layers of a PatchGAN: 1 judges patches of 16x16, 2 of 34x34, 3 of 70x70, as in the paper. None: for
    cycles between pictures or footage the most whose patches are about half as wide and high as a crop; else 3."""

    def __post_init__(self) -> None:
        settle_types(self, "networks")
        given: dict[Group, Any] = {"generators": self.generator, "discriminators": self.discriminator}
        for group, network in given.items():
            if isinstance(network, type) and ":" not in (name := name_of(group, network)):
                object.__setattr__(self, group[:-1], name)
        faults: list[str] = []
        bounds = {"filters": 4096, "blocks": MOST_BLOCKS, "blocks_b2a": MOST_BLOCKS, "discriminator_filters": 4096,
                  "discriminator_layers": 8}  # fmt: skip
        for name, most in bounds.items():
            value = getattr(self, name)
            require(
                faults, value is None or 1 <= value <= most, f"networks.{name} is {show(value)}; expected 1 to {most}"
            )
        require(faults, 0.0 <= self.dropout < 1.0, f"networks.dropout is {self.dropout}; expected 0 to below 1")
        raise_faults(faults)

    def for_b2a(self) -> NetworkSettings:
        """These settings for the generator from B to A."""
        return replace(self, blocks=self.blocks_b2a or self.blocks)

    def with_defaults(self, generator: str, discriminator: str) -> NetworkSettings:
        """These settings with default architectures in place of None."""
        return replace(self, generator=self.generator or generator, discriminator=self.discriminator or discriminator)

    def as_published(self) -> NetworkSettings:
        """These settings with the paper's start and patches in place of None, for whoever has nothing to choose by."""
        layers = self.discriminator_layers or PAPERS_LAYERS
        return replace(self, start=self.start or "random", discriminator_layers=layers)
