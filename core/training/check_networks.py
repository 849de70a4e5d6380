"""The networks of a run, tried on the shapes of its samples before the first step, without memory or arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import ConfigError, UnpairedError, fault_of_others
from ..networks.spec import Networks, NetworkSpec, as_generator
from ..sides import SIDES, Side


def check_networks(
    networks: Networks, shapes: Mapping[Side, Sequence[int]], batch: int, generates: bool = False
) -> None:
    """Put a batch of samples (C, *space) of each side through its generator and its discriminator; where it
    `generates`, noise A through the only generator and samples of B through their discriminator.

    Raises:
        ConfigError: a network does not take such samples, or gives something else for them than it must.
        AdapterError: a network of somebody else's raised what is no error of ours.
    """
    if generates:
        _check_generating(networks, shapes, batch)
        return
    for direction, (side, other) in SIDES.items():
        shape, theirs, judging = shapes[side], networks.generator(direction), networks.discriminator(side)
        with torch.device("meta"):
            generator, discriminator = theirs.build("generators"), judging.build("discriminators")
            _check_sizes(theirs, generator, side, shape)
            # A network may be shown more channels than a sample has: pix2pix shows A and B as one.
            made_of = (batch, _channels(theirs, shape), *shape[1:])
            wanted = (batch, int(theirs.options.get("out_channels", shapes[other][0])), *shape[1:])
            made = _output(generator, made_of)
            if made is not None and tuple(made.shape) != wanted:
                raise _wrong(generator, tuple(made.shape), made_of, str(wanted))
            _check_discriminator(judging, discriminator, side, (batch, _channels(judging, shape), *shape[1:]))


def _check_generating(networks: Networks, shapes: Mapping[Side, Sequence[int]], batch: int) -> None:
    theirs, judging = networks.generator_a2b, networks.discriminator_b
    with torch.device("meta"):
        generator, discriminator = theirs.build("generators"), judging.build("discriminators")
        _check_sizes(theirs, generator, "a", shapes["a"])
        noise, wanted = (batch, *shapes["a"]), (batch, *shapes["b"])
        made = _output(generator, noise)
        if made is not None and tuple(made.shape) != wanted:
            raise _wrong(generator, tuple(made.shape), noise, str(wanted))
        _check_discriminator(judging, discriminator, "b", (batch, _channels(judging, shapes["b"]), *shapes["b"][1:]))
    coupled = [network for network in (generator, discriminator)
               if any(isinstance(module, _BatchNorm) for module in network.modules())]  # fmt: skip
    if batch == 1 and coupled:
        raise ConfigError(f"training.batch is 1, and {type(coupled[0]).__name__} norms over the batch, which tells "
                          "nothing of one sample; set it to 16 or more")  # fmt: skip


def _channels(spec: NetworkSpec, shape: Sequence[int]) -> int:
    return int(spec.options.get("in_channels", shape[0]))


def _check_sizes(spec: NetworkSpec, generator: nn.Module, side: Side, shape: Sequence[int]) -> None:
    takes, channels = as_generator(generator), _channels(spec, shape)
    if takes.in_channels != channels:
        raise ConfigError(
            f"{type(generator).__name__}.in_channels is {takes.in_channels}; expected {channels}, as samples of "
            f"{side.upper()} have"
        )
    if any(size % takes.multiple or size < takes.minimum for size in shape[1:]):
        raise ConfigError(
            f"samples of {side.upper()} are {' x '.join(map(str, shape[1:]))}; this generator needs "
            f"multiples of {takes.multiple}, at least {takes.minimum}: change the domain's size"
        )


def _check_discriminator(spec: NetworkSpec, discriminator: nn.Module, side: Side, shape: Sequence[int]) -> None:
    try:
        logits = _output(discriminator, shape)
    except UnpairedError:
        raise
    except (RuntimeError, ValueError):
        layers = spec.options.get("layers", 0)
        raise ConfigError(
            f"samples of {side.upper()} ({' x '.join(map(str, shape[2:]))}) are too small for {layers} discriminator "
            "layers; enlarge the domain's size or lower networks.discriminator_layers"
        ) from None
    if logits is not None and (logits.ndim == 0 or logits.shape[0] != shape[0] or logits.numel() == 0):
        raise _wrong(discriminator, tuple(logits.shape), shape, f"logits for each of the {shape[0]} samples")


def _output(network: nn.Module, shape: Sequence[int]) -> Tensor | None:
    """What a network gives for a batch of that shape; None where it cannot be told without values."""
    try:
        made: Any = network(torch.empty(*shape))
    except Exception as error:
        if isinstance(error, NotImplementedError) and "forward" not in _members(network):
            raise ConfigError(f"{type(network).__name__} has no method forward(x); define it") from error
        if "meta" in str(error).lower():
            return None
        if theirs := fault_of_others(error, f"for a batch {tuple(shape)}"):
            raise theirs from error
        raise
    if not isinstance(made, Tensor):
        raise _wrong(network, f"a {type(made).__name__}", shape, "one tensor")
    return made


def _members(network: nn.Module) -> set[str]:
    """Names that a network's classes define, those of PyTorch's own base left out."""
    return {name for kind in type(network).__mro__ if kind not in (nn.Module, object) for name in vars(kind)}


def _wrong(network: nn.Module, came: Any, shape: Sequence[int], expected: str) -> ConfigError:
    return ConfigError(f"{type(network).__name__}.forward gave {came} for {tuple(shape)}; expected {expected}")
