"""What a generator or a discriminator of one's own must do to be trained, stored, resumed and exported.

Each rule is a function of a `NetworkCase`; `check_generator` and `check_discriminator` run them all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import ConfigError
from ..networks.norm import WithStatistics
from ..networks.spec import Generator, as_generator
from ..runtimes.onnx import onnx_graph, session
from ..runtimes.tracing import fixed_sizes, traced
from .case import ContractError, expect, faults_of

_ALIKE = 1e-4
"""Largest difference between two ways to compute the same values in [-1, 1]."""


@dataclass(frozen=True)
class NetworkCase:
    """A network, what makes it, and the samples that it is tried on."""

    make: Callable[[], nn.Module]
    """The class, or any function, that gives a new network with random weights."""
    in_channels: int
    dimensions: int = 2
    """Number of spatial axes of its samples."""
    out_channels: int | None = None
    """Channels of what a generator makes; None for a discriminator."""
    size: int = 32
    """Least size of each axis of the samples."""

    def network(self) -> nn.Module:
        """A new network, with the same random weights each time."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.make()

    def spaces(self, network: nn.Module) -> Iterator[tuple[int, ...]]:
        """Sizes to try: the least that it takes, one step more, and both along different axes."""
        if not isinstance(network, Generator):
            yield from ((self.size,) * self.dimensions, (self.size + 5, *(self.size,) * (self.dimensions - 1)))
            return
        steps = -(-max(network.minimum, self.size) // network.multiple)
        sizes = [steps * network.multiple, (steps + 1) * network.multiple]
        fixed = fixed_sizes(network, self.dimensions)
        yield from dict.fromkeys(product(*([size] if size else sizes for size in fixed)))

    def batch(self, network: nn.Module, samples: int = 2, space: Sequence[int] | None = None) -> Tensor:
        """Noise (samples, in_channels, *space) in [-1, 1]."""
        space = space or next(iter(self.spaces(network)))
        random = torch.Generator().manual_seed(samples)
        return torch.rand(samples, self.in_channels, *space, generator=random) * 2 - 1


NetworkRule = Callable[[NetworkCase], None]


def is_a_generator(case: NetworkCase) -> None:
    """It has the attributes of `unpaired.core.networks.spec.Generator`, whole numbers from 1."""
    try:
        network = as_generator(case.network())
    except ConfigError as error:
        raise ContractError(str(error)) from error
    wanted = case.in_channels
    expect(network.in_channels == wanted, f"in_channels is {network.in_channels}, asked for {wanted}")


def translates_every_size_that_it_names(case: NetworkCase) -> None:
    """(B, in_channels, *space) becomes (B, out_channels, *space), finite and in [-1, 1], at every multiple."""
    network = case.network().eval()
    for space in case.spaces(network):
        x = case.batch(network, space=space)
        y = _run(network, x)
        wanted = (2, case.out_channels, *space)
        expect(y.shape == wanted, f"{tuple(x.shape)} becomes {tuple(y.shape)}; expected {wanted}")
        expect(bool(y.isfinite().all()), f"{tuple(x.shape)} becomes values that are not finite")
        expect(bool(y.abs().max() <= 1), f"{tuple(x.shape)} becomes values outside [-1, 1]; end with tanh")


def gives_logits(case: NetworkCase) -> None:
    """(B, in_channels, *space) becomes finite logits (B, ...), at sizes that are no multiples of anything."""
    network = case.network().eval()
    for space in case.spaces(network):
        x = case.batch(network, space=space)
        y = _run(network, x)
        expect(y.ndim >= 1 and y.shape[0] == 2 and y.numel() > 0, f"{tuple(x.shape)} becomes {tuple(y.shape)}; "
               "expected logits for each of the 2 samples")  # fmt: skip
        expect(bool(y.isfinite().all()), f"{tuple(x.shape)} becomes logits that are not finite")


def treats_samples_by_themselves(case: NetworkCase) -> None:
    """In eval mode a sample gives the same alone, in a batch, and a second time."""
    network = case.network().eval()
    x = case.batch(network)
    together, again = _run(network, x), _run(network, x)
    expect(torch.equal(together, again), "the same batch gives other values a second time; draw nothing in eval mode")
    alone = torch.cat([_run(network, each[None]) for each in x])
    difference = float((together - alone).abs().max())
    expect(
        difference < _ALIKE, f"a sample differs by {difference:.2g} between alone and in a batch; keep samples apart"
    )


def learns_in_every_weight(case: NetworkCase) -> None:
    """Gradients that are finite reach every weight that has any, and the samples."""
    network = case.network().train()
    x = case.batch(network).requires_grad_(True)
    y = network(x)
    # Not the mean alone: the norms of some networks hold it fixed.
    (y.square().mean() + (y * torch.linspace(-1, 1, y.numel()).reshape(y.shape)).mean()).backward()
    expect(x.grad is not None and bool(x.grad.isfinite().all()), "no finite gradient reaches the samples")
    still = [name for name, value in network.named_parameters() if value.requires_grad and value.grad is None]
    expect(not still, f"no gradient reaches {', '.join(still[:3])}; use every weight, or register it as a buffer")
    wild = [name for name, value in network.named_parameters()
            if value.grad is not None and not bool(value.grad.isfinite().all())]  # fmt: skip
    expect(not wild, f"the gradient of {', '.join(wild[:3])} is not finite")


def stores_all_that_it_is(case: NetworkCase) -> None:
    """A file of its state dict gives the same network again."""
    network = case.network().train()
    network(case.batch(network))  # what it counts as it goes, it must store too
    network.eval()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        try:
            save_file({name: value.contiguous().clone() for name, value in network.state_dict().items()}, file)
        except Exception as error:
            raise ContractError(f"its state dict cannot be stored ({error}); keep tensors in it alone") from error
        other = case.make()
        other.load_state_dict(load_file(file))
    x = case.batch(network)
    same = torch.equal(_run(network, x), _run(other.eval(), x))
    expect(same, "a network with its state dict gives other values; register what it needs as parameters or buffers")


def goes_on_as_if_never_stopped(case: NetworkCase) -> None:
    """A step after loading gives the weights, bit for bit, that it gives without a stop."""
    network = case.network().train()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    x = case.batch(network)
    _learn(network, optimiser, x)
    other = case.make().train()
    other.load_state_dict(copy.deepcopy(network.state_dict()))
    continued = torch.optim.Adam(other.parameters(), 1e-3)
    continued.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for each, its in ((network, optimiser), (other, continued)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            _learn(each, its, x)
    one, two = network.state_dict(), other.state_dict()
    differing = [name for name, value in one.items() if not torch.equal(value, two[name])]
    expect(not differing, f"after a stop {', '.join(differing[:3])} differs; keep no state outside the state dict")


def traces_for_every_size(case: NetworkCase) -> None:
    """A graph that is recorded at one size gives what the network gives at the others, statistics from outside too."""
    network = case.network().eval()
    for statistics in ("own", "given"):
        module: Any = network if statistics == "own" else WithStatistics(network)
        if statistics == "given" and module.size == 0:
            continue  # no norm of it takes statistics
        try:
            graph, _ = traced(network, case.dimensions, statistics)  # type: ignore[arg-type]
        except Exception as error:
            raise ContractError(f"it cannot be recorded as a graph: {error}") from error
        more = () if statistics == "own" else (_statistics(network, case.batch(network, 1)),)
        for space in case.spaces(network):
            x = case.batch(network, 1, space)
            _expect_alike(graph, module, (x, *more), f"recorded as a graph (statistics: {statistics})")


def exports_as_onnx(case: NetworkCase) -> None:
    """The ONNX graph gives what the network gives, at every size."""
    network = case.network().eval()
    try:
        run = session(onnx_graph(network, case.dimensions))
    except Exception as error:
        raise ContractError(f"it cannot be exported as ONNX: {str(error).strip().splitlines()[0]}") from error
    for space in case.spaces(network):
        x = case.batch(network, 2, space)
        try:
            (found,) = run.run(None, {"x": x.numpy()})
        except Exception as error:
            raise ContractError(f"its ONNX graph does not take {tuple(x.shape)}: {str(error)[:160]}") from error
        difference = float((torch.from_numpy(found) - _run(network, x)).abs().max())
        expect(difference < 10 * _ALIKE, f"its ONNX graph differs by {difference:.2g} at {tuple(x.shape)}")


GENERATOR_RULES: tuple[NetworkRule, ...] = (
    is_a_generator, translates_every_size_that_it_names, treats_samples_by_themselves, learns_in_every_weight,
    stores_all_that_it_is, goes_on_as_if_never_stopped, traces_for_every_size, exports_as_onnx,
)  # fmt: skip
"""Rules for a generator, in the order in which to fix a new one."""
DISCRIMINATOR_RULES: tuple[NetworkRule, ...] = (
    gives_logits, treats_samples_by_themselves, learns_in_every_weight, stores_all_that_it_is,
    goes_on_as_if_never_stopped,
)  # fmt: skip
"""The same for a discriminator, which is never exported."""


def check_generator(
    make: Callable[[], nn.Module], in_channels: int, out_channels: int, dimensions: int = 2, size: int = 32
) -> tuple[str, ...]:
    """Every fault of a generator, one line each; empty when it can be trained, stored, resumed and exported.

    Args:
        make: gives a new network; a class that takes arguments goes in as `lambda: Mine(3, 3)`.
        in_channels: channels of the samples that it takes.
        out_channels: channels of what it makes of them.
        dimensions: number of spatial axes, 1 to 3.
        size: least size of each axis of the samples that it is tried on.
    """
    return _faults(NetworkCase(make, in_channels, dimensions, out_channels, size), GENERATOR_RULES)


def check_discriminator(
    make: Callable[[], nn.Module], in_channels: int, dimensions: int = 2, size: int = 64
) -> tuple[str, ...]:
    """Every fault of a discriminator, one line each; see `check_generator`."""
    return _faults(NetworkCase(make, in_channels, dimensions, None, size), DISCRIMINATOR_RULES)


def _faults(case: NetworkCase, rules: Sequence[NetworkRule]) -> tuple[str, ...]:
    def word(error: Exception) -> str:
        return str(error).strip().split("\n")[0][:200]

    # The rest takes what the first rule asks for as given.
    return tuple(faults_of(rules[:1], case, word)) or tuple(faults_of(rules[1:], case, word))


def _run(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        y = network(x)
    expect(isinstance(y, Tensor), f"it gives a {type(y).__name__}; give one tensor")
    assert isinstance(y, Tensor)
    return y


def _statistics(network: nn.Module, x: Tensor) -> Tensor:
    """A sample's own statistics of every norm, as a graph takes them."""
    module = WithStatistics(network)
    with torch.no_grad():
        used: Tensor = module(x, torch.zeros(module.size), torch.tensor(1.0))[1]
    return used


def _learn(network: nn.Module, optimiser: torch.optim.Optimizer, x: Tensor) -> None:
    optimiser.zero_grad()
    network(x).square().mean().backward()
    optimiser.step()


def _expect_alike(graph: Any, module: Any, inputs: tuple[Tensor, ...], what: str) -> None:
    with torch.no_grad():
        found, expected = graph(*inputs), module(*inputs)
    found, expected = (each[0] if isinstance(each, tuple) else each for each in (found, expected))
    same = found.shape == expected.shape
    expect(same, f"{what} it gives {tuple(found.shape)} for {tuple(inputs[0].shape)}; do not compute with sizes")
    difference = float((found - expected).abs().max())
    expect(difference < _ALIKE, f"{what} it differs by {difference:.2g} at {tuple(inputs[0].shape)}")
