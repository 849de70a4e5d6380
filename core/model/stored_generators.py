"""Generators of a model file, made networks of torch when something asks for them.

A file that was read before is known again by its digest: then its weights have been checked, and what a conversion must
know of its generators beside their graphs is in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from .. import registry
from ..errors import ModelFileError
from ..networks.spec import NetworkSpec
from ..runtimes.cache import keep_entry, read_entry
from ..runtimes.graphs import tools
from ..runtimes.source import GeneratorSource, Takes
from ..sides import Direction
from .stored import checksum, first_difference, first_line, open_tensors, shapes

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..values import Array

_PACKAGE = f"{__package__.partition('.')[0]}."
_OURS = f"{__package__.rpartition('.')[0]}.networks"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Known:
    """One generator of a file that was read before."""

    takes: Takes
    content: str
    """See `GeneratorSource`."""
    weights: tuple[str, ...]
    """Their names, in the order of its layers."""


class StoredGenerators(Mapping[Direction, "nn.Module"]):
    """The generators of a model file, in fp32 and in eval mode.

    Args:
        path: the file.
        specs: its networks by direction.
        checksums: of the weights, as its header has them.
    """

    def __init__(self, path: Path, specs: Mapping[Direction, NetworkSpec], checksums: Any) -> None:
        self._path, self._specs, self._checksums = path, specs, checksums
        self._digest = digest_of(path)
        self._known = _recall(self._digest, specs)
        self._networks: dict[Direction, nn.Module] = {} if self._known else _without_memory(specs)
        self._filled = False

    def __getitem__(self, direction: Direction) -> nn.Module:
        if not self._filled:
            if self._known:
                self._check_unchanged()
                self._networks = _without_memory(self._specs)
            self._fill()
        return self._networks[direction]

    def __iter__(self) -> Iterator[Direction]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, direction: object) -> bool:
        return direction in self._specs

    def check(self) -> None:
        """Read a file that is not known. Raises ModelFileError."""
        if not self._known:
            self._fill()

    def source(self, direction: Direction, dimensions: int) -> GeneratorSource:
        """One generator, for a runtime."""
        if self._known and not self._filled:
            known = self._known[direction]
            return GeneratorSource(lambda: self[direction], dimensions, known.takes, lambda: known.content)
        generator = self[direction]
        return GeneratorSource.of(generator, dimensions, lambda: content_of(generator))

    def weights(self, direction: Direction) -> Iterator[tuple[str, Array]]:
        """The weights of one generator by name, in the order of its layers. Raises ModelFileError."""
        if not self._known or self._filled:
            yield from weights_of(self[direction])
            return
        import numpy as np

        self._check_unchanged()
        with open_tensors(self._path, "np") as handle:
            for name in self._known[direction].weights:
                value = handle.get_tensor(f"generators.{direction}.{name}")
                yield name, value.astype(np.float32) if value.dtype.kind == "f" else value

    def _fill(self) -> None:
        tensors = _read(self._networks, self._path)
        _compare_checksums(self._checksums, tensors, self._path)
        for direction, network in self._networks.items():
            prefix = f"generators.{direction}."
            own = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
            fill(network, own)
        # Only where it was not replaced meanwhile, and its weights can be read without torch.
        if not self._known and digest_of(self._path) == self._digest and all(map(_numpy_has, tensors.values())):
            _remember(self._digest, self._networks)
        self._filled = True

    def _check_unchanged(self) -> None:
        if digest_of(self._path) != self._digest:
            raise ModelFileError(f"{self._path} was replaced while it was in use; load it again")


def _without_memory(specs: Mapping[Direction, NetworkSpec]) -> dict[Direction, nn.Module]:
    import torch

    for spec in specs.values():
        spec.maker("generators")  # imported outside: tensors that a module makes of its own are to have memory
    # On the meta device a network has shapes and no memory.
    with torch.device("meta"):
        return {direction: spec.build("generators") for direction, spec in specs.items()}


def digest_of(path: Path) -> str:
    """Digest of a file's bytes. Raises ModelFileError."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def weights_of(generator: nn.Module) -> Iterator[tuple[str, Array]]:
    """The weights of a generator by name, in the order of its layers."""
    for name, value in generator.state_dict().items():
        yield name, value.detach().cpu().contiguous().numpy()


def content_of(generator: nn.Module) -> str | None:
    """Digest of a generator's layers and weights; None where some of its code is neither torch's nor ours."""
    homes = {type(module).__module__ for module in generator.modules()}
    ours = __package__.partition(".")[0]
    if not {home.partition(".")[0] for home in homes} <= {"torch", ours}:
        return None
    digest = hashlib.blake2b(repr(generator).encode(), digest_size=16)
    for home in sorted(home for home in homes if home.startswith(f"{ours}.") and not home.startswith(_OURS)):
        digest.update(Path(str(sys.modules[home].__file__)).read_bytes())
    for name, value in weights_of(generator):
        digest.update(f"{name} {value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()


def _recall(digest: str, specs: Mapping[Direction, NetworkSpec]) -> dict[Direction, Known] | None:
    """What is known of the generators of a file; None where it was not read before, or may be read otherwise now."""
    homes = {registry.home_of("generators", spec.architecture) for spec in specs.values() if spec.given is None}
    if not all(home.startswith(_PACKAGE) for home in homes):
        return None
    found = read_entry("models", _about(digest, homes)) or {}
    try:
        return {
            direction: Known(
                Takes(**found[direction]["takes"]), found[direction]["content"], tuple(found[direction]["weights"])
            )
            for direction in specs
        }
    except (KeyError, TypeError):
        return None


def _remember(digest: str, generators: Mapping[Direction, nn.Module]) -> None:
    found: dict[str, Any] = {}
    for direction, generator in generators.items():
        content, names = content_of(generator), tuple(generator.state_dict())
        if content is None:
            return
        found[direction] = asdict(Known(Takes.of(generator), content, names))
    keep_entry("models", _about(digest, {type(each).__module__ for each in generators.values()}), found)


def _about(digest: str, homes: Set[str]) -> dict[str, str]:
    """What facts about the generators of a file, which are classes of the modules `homes`, hold for: other code may
    make another network of it. The modules of a medium are found without being imported."""
    code = hashlib.blake2b(tools().encode(), digest_size=16)
    for home in sorted(homes):
        if not home.startswith(_OURS) and (spec := find_spec(home)) and spec.origin:
            code.update(Path(spec.origin).read_bytes())
    return {"file": digest, "tools": code.hexdigest()}


def _read(generators: Mapping[Direction, nn.Module], path: Path) -> dict[str, Tensor]:
    """The tensors of a model file, once their shapes are those of the generators. Raises ModelFileError."""
    own = {
        f"generators.{d}.{name}": value for d, each in generators.items() for name, value in each.state_dict().items()
    }
    try:
        with open_tensors(path) as handle:
            found = {name: tuple(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118
            if unlike := first_difference(shapes(own), found):
                raise ModelFileError(f"{path} does not match its header: {unlike}")
            tensors = {name: handle.get_tensor(name) for name in found}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is damaged ({first_line(error)})") from error
    for name, value in tensors.items():
        if value.is_floating_point() != own[name].is_floating_point():
            raise ModelFileError(f"{path} does not match its header: {name} is of type {value.dtype}")
        if not bool(value.float().isfinite().all()):
            raise ModelFileError(f"{path} holds weights that are not finite")
    return tensors


def fill(generator: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Make a generator the one of a state dict, in fp32 and in eval mode."""
    whole = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    generator.load_state_dict(whole, assign=True)
    generator.eval().requires_grad_(False)


def _numpy_has(value: Tensor) -> bool:
    """Whether numpy has the type of a tensor."""
    return f"{value.dtype}".removeprefix("torch.") in ("float16", "float32", "float64", "int64")


def _compare_checksums(recorded: Any, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Refuse weights that are not as they were written; earlier versions recorded no checksums."""
    if recorded is None:
        return
    for name, value in tensors.items():
        if not isinstance(recorded, Mapping) or recorded.get(name) != checksum(value):
            raise ModelFileError(
                f"{path} is damaged: {name} is not as it was written (its checksum differs); take another copy of it"
            )
