"""Networks by what makes them: architecture and arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import nn

from .. import registry
from ..deprecation import renamed_fields
from ..errors import ConfigError
from ..sides import Direction, Side


@dataclass(frozen=True)
class NetworkSpec:
    """A network as data: the registered architecture and the arguments it is built with."""

    architecture: str
    options: Mapping[str, Any]

    def build(self, kind: Literal["generators", "discriminators"]) -> nn.Module:
        """The network, with PyTorch's own initial weights.

        Raises:
            UnknownName: no such architecture is installed.
            ConfigError: it does not take these options.
        """
        make = registry.find(kind, self.architecture)
        try:
            inspect.signature(make).bind(**self.options)
        except TypeError as error:
            raise ConfigError(f"{self.architecture} {kind[:-1]}: {error}") from None
        network = make(**self.options)
        assert isinstance(network, nn.Module)
        return network


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

    def discriminator(self, side: Side) -> NetworkSpec:
        """The discriminator of one side."""
        return self.discriminator_a if side == "a" else self.discriminator_b
