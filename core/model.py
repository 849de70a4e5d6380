"""The model file: generators and all that is needed to use them, in one safetensors file.

The header's metadata holds one JSON document under `unpaired`. Loading executes nothing the file names: networks
and domain come from the registry, and shapes are compared with the header before any weight is read.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from . import registry
from .config import from_mapping, to_mapping
from .domain import DIRECTIONS, Direction, Domain
from .errors import ConfigError, MissingFile, ModelFileError
from .files import atomic
from .networks import Networks, NetworkSpec

FORMAT = 1
"""Version of the file format; a file with a higher one is refused."""

_LARGEST_HEADER = 1 << 20


@dataclass
class Model:
    """A trained translator as it is stored: generators in fp32, in eval mode."""

    generators: dict[Direction, nn.Module]
    networks: Networks
    domain: Domain
    names: tuple[str, str] = ("A", "B")
    """What the two domains are called."""
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    data_hash: str = ""
    card: dict[str, str] = field(default_factory=dict)
    """Free text for people: description, data, licence."""


def save_model(model: Model, path: Path, half: bool = False) -> None:
    """Write the model file atomically; `half` stores weights in 16-bit floats (half the size).

    Raises:
        OutputError: the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "domain": {"name": model.domain.name, "settings": to_mapping(model.domain.settings)},
        "networks": _described(model.networks),
        "directions": list(model.generators),
        "names": list(model.names),
        "step": model.step,
        "metrics": model.metrics,
        "data_hash": model.data_hash,
        "card": model.card,
    }
    tensors = {
        f"generators.{direction}.{name}": _stored(value, half)
        for direction, generator in model.generators.items()
        for name, value in generator.state_dict().items()
    }
    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={"unpaired": json.dumps(header, sort_keys=True)})
        except SafetensorError as error:  # wraps what the system said
            raise OSError(_first_line(error)) from error


def _stored(value: Tensor, half: bool) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if half and value.is_floating_point() else value


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a model file, checked for format and version.

    Raises:
        MissingFile: no such file.
        ModelFileError: not a model file of ours, damaged, or made by a newer version.
    """
    if not path.is_file():
        raise MissingFile(f"no model file at {path}")
    try:
        with safe_open(path, framework="pt") as handle:
            text = (handle.metadata() or {}).get("unpaired")
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is not a safetensors model file ({_first_line(error)})") from error
    if text is None or len(text) > _LARGEST_HEADER:
        raise ModelFileError(f"{path} holds no unpaired model header; `unpaired import` reads other checkpoints")
    try:
        header = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"{path} has a damaged header ({error})") from error
    version = header.get("format") if isinstance(header, dict) else None
    if not isinstance(version, int):
        raise ModelFileError(f"{path} has a header without a format version")
    if version > FORMAT:
        raise ModelFileError(
            f"{path} was made by a newer version (format {version}, this one reads up to {FORMAT}); update unpaired"
        )
    return cast(dict[str, Any], header)


def load_model(path: Path, domain: type[Domain] | None = None) -> Model:
    """Read a model file. `domain` is its domain's class where that is not registered (an adapter being written).

    Raises:
        MissingFile: no such file.
        ModelFileError: its header is wrong or its tensors do not match it.
        UnknownName: its domain or an architecture is not installed.
    """
    path = Path(path)
    header = read_header(path)
    try:
        adapter = _domain(header["domain"], domain)
        networks = _networks(header["networks"])
        directions = [direction for direction in DIRECTIONS if direction in header["directions"]]
        names = (str(header["names"][0]), str(header["names"][1]))
        generators = {d: _skeleton(getattr(networks, f"generator_{d}")) for d in directions}
        model = Model(
            generators=generators,
            networks=networks,
            domain=adapter,
            names=names,
            step=int(header.get("step", 0)),
            metrics=dict(header.get("metrics", {})),
            data_hash=str(header.get("data_hash", "")),
            card=dict(header.get("card", {})),
        )
    except (ConfigError, KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ModelFileError(f"{path} has a header that cannot be used: {_first_line(error)}") from error
    if not generators:
        raise ModelFileError(f"{path} names no generator; expected directions a2b, b2a or both")
    _fill(generators, path)
    return model


def _described(networks: Networks) -> dict[str, Any]:
    description = dataclasses.asdict(networks)
    if not networks.further:  # the header stays what earlier versions wrote and read
        del description["further"]
    return description


def _networks(description: Mapping[str, Any]) -> Networks:
    four = {name: NetworkSpec(**spec) for name, spec in description.items() if name != "further"}
    further = {name: NetworkSpec(**spec) for name, spec in description.get("further", {}).items()}
    return Networks(**four, further=further)


def _domain(description: Mapping[str, Any], given: type[Domain] | None) -> Domain:
    name = description["name"]
    kind = given if given is not None and given.name == name else registry.find("domains", name)
    settings = from_mapping(kind.settings_type, description["settings"], where="domain")
    domain = kind(settings)
    assert isinstance(domain, Domain)
    return domain


def _skeleton(spec: NetworkSpec) -> nn.Module:
    # On the meta device a network has shapes and no memory.
    with torch.device("meta"):
        return spec.build("generators")


def _fill(generators: Mapping[Direction, nn.Module], path: Path) -> None:
    expected = {
        f"generators.{direction}.{name}": tuple(value.shape)
        for direction, generator in generators.items()
        for name, value in generator.state_dict().items()
    }
    try:
        with safe_open(path, framework="pt") as handle:
            found = {name: tuple(handle.get_slice(name).get_shape()) for name in handle.keys()}  # noqa: SIM118
            _compare(expected, found, path)
            tensors = {name: handle.get_tensor(name) for name in found}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is damaged ({_first_line(error)})") from error
    for direction, generator in generators.items():
        prefix = f"generators.{direction}."
        state = {
            name.removeprefix(prefix): value.float() if value.is_floating_point() else value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }
        if not all(bool(value.isfinite().all()) for value in state.values()):
            raise ModelFileError(f"{path} holds weights that are not finite")
        generator.load_state_dict(state, assign=True)
        generator.eval().requires_grad_(False)


def _compare(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], path: Path) -> None:
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            wanted, got = expected.get(name, "nothing"), found.get(name, "nothing")
            raise ModelFileError(f"{path} does not match its header: {name} is {got}, expected {wanted}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
