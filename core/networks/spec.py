"""Networks by what makes them, architecture and arguments, and what they must have beside their forward."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from .. import registry
from ..deprecation import renamed_fields
from ..errors import ConfigError
from ..sides import Direction, Side

if TYPE_CHECKING:
    from torch import Tensor, nn

Kind = Literal["generators", "discriminators"]
"""What a network is for, and the group that it is registered in."""


_UNSAID = {"start": "random", "downsampling": "strided"}
"""Options of generators that are recorded only where they are another than the paper's; see `presets`."""


@runtime_checkable
class Generator(Protocol):
    """A module that translates (B, in_channels, *space) in [-1, 1] to (B, channels of the other side, *space)."""

    in_channels: int
    """Channels of the samples that it takes."""
    multiple: int
    """Of this every spatial size is a multiple ..."""
    minimum: int
    """... and at least this."""


@runtime_checkable
class FixedSizes(Protocol):
    """A generator that takes one size alone along some axes, such as the bins of a spectrogram."""

    sizes: Sequence[int | None]
    """For each spatial axis the one size, None where any will do."""


@runtime_checkable
class EndsInLayers(Protocol):
    """A generator whose translation is made, value by value, of what certain layers give in the end."""

    @property
    def last_layers(self) -> nn.Sequential:
        """These layers."""


@runtime_checkable
class GivesEnds(Protocol):
    """A generator that gives the end of a translation without computing the rest, as a live voice needs it."""

    def forward_end(self, x: Tensor, length: int) -> Tensor:
        """The last `length` positions, along the last axis, of the translation of `x` under given norm statistics."""


@runtime_checkable
class Encoder(Protocol):
    """A generator that shows what it makes of a sample on the way to the middle of the network, as `cut` needs it."""

    def encode(self, x: Tensor) -> list[Tensor]:
        """Features (B, C, *space) of `x` (B, in_channels, *space)."""

    def encoded_channels(self) -> list[int]:
        """Number of channels of each feature."""


@runtime_checkable
class ShowsFeatures(Protocol):
    """A network that shows what it makes of a sample on the way to its output: a discriminator, as `disco` needs it, or
    a generator, as `distill` compares it with another."""

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The output for `x` (B, in_channels, *space), raw logits or a translation, and features (B, C, *space)."""


@runtime_checkable
class DrawsAtTemperature(Protocol):
    """A generator that draws from distributions it predicts, such as one of texts, and so has a temperature."""

    temperature: float
    """By which logits are divided: 1 draws from the distributions themselves, less takes likelier values."""


def as_generator(module: nn.Module) -> Generator:
    """The module, known to be a generator. Raises ConfigError for one that lacks what a generator must have."""
    if not isinstance(module, Generator):
        missing = [name for name in Generator.__annotations__ if not hasattr(module, name)]
        raise ConfigError(
            f"{type(module).__name__} is no generator: it has no {', no '.join(missing)}; set them in __init__"
        )
    faults = [
        f"{type(module).__name__}.{name} is {value!r}; give a whole number from 1"
        for name in Generator.__annotations__
        if isinstance(value := getattr(module, name), bool) or not isinstance(value, int) or value < 1
    ]
    if faults:
        raise ConfigError(*faults)
    return module


@dataclass(frozen=True)
class NetworkSpec:
    """A network as data: the registered architecture and the arguments it is built with."""

    architecture: str
    """Its registered name, or the class's own ("module:Class") where it is not registered."""
    options: Mapping[str, Any]
    given: type[Any] | None = field(default=None, compare=False, repr=False)
    """The class itself, where somebody gave it; no file holds it."""

    def maker(self, kind: Kind) -> Any:
        """What makes the network: the class that was given, or what is registered. Raises UnknownName."""
        return self.given or registry.find(kind, self.architecture)

    def parameters(self, kind: Kind) -> Mapping[str, inspect.Parameter]:
        """Those of what makes it, by name. Raises UnknownName."""
        from torch import nn

        make = self.maker(kind)
        # A class without a constructor has that of nn.Module, which takes any keyword and refuses it.
        plain = isinstance(make, type) and make.__init__ is nn.Module.__init__  # type: ignore[misc]
        return {} if plain else inspect.signature(make).parameters

    def build(self, kind: Kind) -> nn.Module:
        """The network, with PyTorch's own initial weights.

        Raises:
            UnknownName: no such architecture is installed.
            ConfigError: it does not take these options, or is no generator where one is asked for.
        """
        from torch import nn

        make, name = self.maker(kind), f"the {kind[:-1]} {self.architecture}"
        try:
            inspect.signature(make).bind(**self.options)
        except TypeError as error:
            raise ConfigError(f"{name} cannot be made: {error}; it is given {', '.join(self.options) or 'nothing'}, "
                              "so give any other argument a default") from None  # fmt: skip
        network = make(**self.options)
        if not isinstance(network, nn.Module):
            raise ConfigError(f"{name} is a {type(network).__name__}; expected a torch.nn.Module")
        if kind == "generators":
            as_generator(network)
        return network

    def option(self, name: str) -> Any:
        """An option by its name, with the paper's value where only others are recorded; None where there is none."""
        return self.options.get(name, _UNSAID.get(name))

    def with_options(self, **options: Any) -> NetworkSpec:
        """The same network with some of its options replaced."""
        return replace(self, options={**self.options, **options})


@renamed_fields(further="auxiliary")
@dataclass(frozen=True)
class Networks:
    """The four networks of a cycle, and auxiliary discriminators where an objective asks for some."""

    generator_a2b: NetworkSpec
    generator_b2a: NetworkSpec
    discriminator_a: NetworkSpec
    discriminator_b: NetworkSpec
    auxiliary: Mapping[str, NetworkSpec] = field(default_factory=dict)
    """Auxiliary discriminators by name; they are trained and checkpointed with the two."""

    def generator(self, direction: Direction) -> NetworkSpec:
        """The generator of one direction."""
        return self.generator_a2b if direction == "a2b" else self.generator_b2a

    def for_size(self, size: Sequence[int]) -> Networks:
        """For samples of B of that size along the axes of space: those of the two networks into B that have an option
        `size` get it."""

        def sized(spec: NetworkSpec, kind: Kind) -> NetworkSpec:
            return spec.with_options(size=list(map(int, size))) if "size" in spec.parameters(kind) else spec

        generator, discriminator = self.generator_a2b, self.discriminator_b
        return replace(self, generator_a2b=sized(generator, "generators"),
                       discriminator_b=sized(discriminator, "discriminators"))  # fmt: skip

    def discriminator(self, side: Side) -> NetworkSpec:
        """The discriminator of one side."""
        return self.discriminator_a if side == "a" else self.discriminator_b
