"""The model file: generators and all that is needed to use them, in one safetensors file.

The header's metadata holds one JSON document under `unpaired`. Loading executes nothing the file names: networks
and domain come from the registry, shapes are compared with the header before any weight is read, and weights with
the checksums that were recorded when they were written.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from safetensors import SafetensorError

from .. import registry
from ..adapter.domain import Domain
from ..adapter.installed import find_domain
from ..errors import ConfigError, MissingFile, ModelFileError, UnknownName, show
from ..files import atomic
from ..networks.spec import Networks, NetworkSpec
from ..noise import Noise
from ..runtimes.source import GeneratorSource
from ..settings.arguments import expect
from ..settings.mapping import from_mapping, portable
from ..settings.plain import from_json
from ..sides import DIRECTIONS, Direction
from .stored import checksum, first_line, open_tensors, save_tensors
from .stored_generators import StoredGenerators, weights_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..values import Array

FORMAT = 1
"""Version of the file format; a file with a higher one is refused."""

_LARGEST_HEADER = 1 << 20
_FOUR = ("generator_a2b", "generator_b2a", "discriminator_a", "discriminator_b")
_WEIGHTS = (
    "holds weights of PyTorch; `unpaired import` makes a model file of those of pytorch-CycleGAN-and-pix2pix and CUT"
)
_FOREIGN = {
    ".onnx": "is an ONNX file, as `unpaired export` writes for other programs; give the run folder or the .safetensors "
    "file that it was made from",
    **dict.fromkeys((".pth", ".pt", ".ckpt"), _WEIGHTS),
}
"""Files that are sometimes given instead of a model file, by ending."""


@dataclass
class Model:
    """A trained translator as it is stored: generators in fp32, in eval mode."""

    generators: Mapping[Direction, nn.Module]
    networks: Networks
    domain: Domain
    names: tuple[str, str] = ("A", "B")
    """Names of the two domains."""
    step: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    data_hash: str = ""
    card: dict[str, str] = field(default_factory=dict)
    """Free text for people: description, data, licence."""
    noise: Noise | None = None
    """What it generates samples of B from; None where it translates samples of A."""

    def check_direction(self, direction: Direction) -> None:
        """Raise ConfigError unless it translates in that direction, ArgumentError for what is none."""
        expect("direction", direction, str, "a2b or b2a")
        if self.noise:
            raise ConfigError("this model generates from noise, and translates nothing: unpaired generate MODEL OUT "
                              "(in Python translator.generate)")  # fmt: skip
        if direction not in self.generators:
            raise ConfigError(f"direction is {show(direction)}; this model translates {' or '.join(self.generators)}")

    def source(self, direction: Direction) -> GeneratorSource:
        """One of its generators, for a runtime."""
        if isinstance(self.generators, StoredGenerators):
            return self.generators.source(direction, self.domain.dimensions)
        return GeneratorSource.of(self.generators[direction], self.domain.dimensions)

    def weights(self, direction: Direction) -> Iterator[tuple[str, Array]]:
        """The weights of one of its generators by name, in the order of its layers."""
        if isinstance(self.generators, StoredGenerators):
            return self.generators.weights(direction)
        return weights_of(self.generators[direction])


def save_model(model: Model, path: Path, half: bool = False) -> None:
    """Write the model file atomically; `half` stores weights in 16-bit floats (half the size).

    Raises:
        OutputError: the file cannot be written.
    """
    header = {
        "format": FORMAT,
        "domain": {"name": model.domain.name, "settings": portable(model.domain.settings)},
        "networks": _described(model.networks),
        "directions": list(model.generators),
        "names": list(model.names),
        "step": model.step,
        "metrics": model.metrics,
        "data_hash": model.data_hash,
        "card": model.card,
    }
    if model.noise:
        header["noise"] = model.noise.as_dict()
    tensors = {
        f"generators.{direction}.{name}": _stored(value, half)
        for direction, generator in model.generators.items()
        for name, value in generator.state_dict().items()
    }
    header["checksums"] = {name: checksum(value) for name, value in tensors.items()}
    with atomic(path) as temporary:
        save_tensors(tensors, temporary, {"unpaired": json.dumps(header, sort_keys=True)})


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
        with open_tensors(path, "np") as handle:
            text = (handle.metadata() or {}).get("unpaired")
    except (SafetensorError, OSError) as error:
        known = _FOREIGN.get(path.suffix.lower(), f"is not a safetensors model file ({first_line(error)})")
        raise ModelFileError(f"{path} {known}") from error
    if text is None or len(text) > _LARGEST_HEADER:
        raise ModelFileError(f"{path} holds no unpaired model header; `unpaired import` reads other checkpoints")
    try:
        header = from_json(text)
    except ValueError as error:
        raise ModelFileError(f"{path} has a damaged header ({first_line(error)})") from error
    version = header.get("format") if isinstance(header, dict) else None
    if not isinstance(version, int):
        raise ModelFileError(f"{path} has a header without a format version")
    if version > FORMAT:
        raise ModelFileError(
            f"{path} was made by a newer version (format {version}, this one reads up to {FORMAT}); update unpaired"
        )
    return cast(dict[str, Any], header)


def header_if_any(path: Path) -> dict[str, Any]:
    """The header of a model file; empty where there is none that can be read."""
    try:
        return read_header(path)
    except (MissingFile, ModelFileError):
        return {}


def load_model(path: Path, domain: type[Domain] | None = None, generator: type[nn.Module] | None = None) -> Model:
    """Read a model file. `domain` is its domain's class where that is not registered (an adapter being written), and
    `generator` that of its generators likewise.

    Raises:
        MissingFile: no such file.
        ModelFileError: its header is wrong or its tensors do not match it.
        UnknownName: its domain or an architecture is not installed.
    """
    path = Path(path)
    header = read_header(path)
    try:
        model = _described_by(header, path, domain, generator)
    except UnknownName:
        raise
    except Exception as error:  # adapters and architectures of other packages raise whatever hostile values lead to
        reason = f"it has no {error}" if isinstance(error, KeyError) else first_line(error)
        raise ModelFileError(f"{path} has a header that cannot be used: {reason}") from error
    if not model.generators:
        raise ModelFileError(f"{path} names no generator; expected directions a2b, b2a or both")
    assert isinstance(model.generators, StoredGenerators)
    model.generators.check()
    return model


def _described_by(
    header: Mapping[str, Any], path: Path, domain: type[Domain] | None, generator: type[nn.Module] | None
) -> Model:
    """The model that a header describes; its weights are not read yet."""
    adapter = _domain(header["domain"], domain)
    networks = _with_class(_networks(header["networks"]), generator)
    specs = {direction: networks.generator(direction) for direction in DIRECTIONS if direction in header["directions"]}
    first, second = header["names"]
    return Model(
        generators=StoredGenerators(path, specs, header.get("checksums")),
        networks=networks,
        domain=adapter,
        names=(str(first), str(second)),
        step=int(header.get("step", 0)),
        metrics={str(name): float(value) for name, value in header.get("metrics", {}).items()},
        data_hash=str(header.get("data_hash", "")),
        card={str(name): str(value) for name, value in header.get("card", {}).items()},
        noise=Noise.of_dict(header["noise"]) if "noise" in header else None,
    )


def _described(networks: Networks) -> dict[str, Any]:
    def plain(spec: NetworkSpec) -> dict[str, Any]:
        return {"architecture": spec.architecture, "options": dict(spec.options)}

    four = {name: plain(getattr(networks, name)) for name in _FOUR}
    # The header stays what earlier versions wrote and read, who called them further discriminators.
    auxiliary = {name: plain(spec) for name, spec in networks.auxiliary.items()}
    return {**four, "further": auxiliary} if auxiliary else four


def _networks(description: Mapping[str, Any]) -> Networks:
    def spec(given: Mapping[str, Any]) -> NetworkSpec:
        return NetworkSpec(given["architecture"], given["options"])

    auxiliary = {name: spec(given) for name, given in description.get("further", {}).items()}
    return Networks(**{name: spec(description[name]) for name in _FOUR}, auxiliary=auxiliary)  # type: ignore[arg-type]


def _with_class(networks: Networks, generator: type[nn.Module] | None) -> Networks:
    """The networks with the class that was given for their generators; one that is registered needs none.

    It is known by its name, whatever module it moved to since. Raises UnknownName for another class.
    """
    if generator is None:
        return networks

    def with_class(spec: NetworkSpec) -> NetworkSpec:
        if ":" not in spec.architecture:
            return spec
        if re.split(r"[:.]", spec.architecture)[-1] != generator.__name__:
            own = registry.own_name(generator)
            raise UnknownName(f"the model has generators {show(spec.architecture)}; the class given is {own}")
        return dataclasses.replace(spec, given=generator)

    a2b, b2a = with_class(networks.generator_a2b), with_class(networks.generator_b2a)
    return dataclasses.replace(networks, generator_a2b=a2b, generator_b2a=b2a)


def _domain(description: Mapping[str, Any], given: type[Domain] | None) -> Domain:
    name = description["name"]
    kind = given if given is not None and given.name == name else find_domain(name)
    settings = from_mapping(kind.settings_type, description["settings"], where="domain")
    domain = kind(settings)
    assert isinstance(domain, Domain)
    return domain


def settings_that_count(settings: Mapping[str, Any], header: Mapping[str, Any]) -> dict[str, Any]:
    """The settings `networks` of a run without those that its networks, by the model's header, do not have: `dcgan` has
    no choice of norms. All of them where the header names no networks."""
    from ..networks.presets import OURS

    built = header.get("networks") or {}

    def counts(name: str) -> bool:
        kind, network = "generator", "generator_a2b"
        if name.startswith("discriminator"):
            kind, network = "discriminator", "discriminator_b"
        spec = built.get(network)
        if spec is None or spec["architecture"] in OURS or name == kind:
            return True
        return name.removeprefix("discriminator_") in spec["options"]

    return {name: value for name, value in settings.items() if counts(name)}
