"""Weights of pytorch-CycleGAN-and-pix2pix: recognised from the state dict alone, renamed to ours.

Its networks hold the same layers in the same order under other names (Zhu et al. 2017; its models/networks.py), so
renaming goes by position, with every shape compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from .domain import Direction, Domain, backwards
from .errors import ConfigError, MissingFile, ModelFileError
from .model import Model, save_model
from .networks import Networks, NetworkSpec

_COUNTER = "num_batches_tracked"


def import_checkpoint(
    checkpoint: Path,
    out: Path,
    domain: Domain,
    direction: Direction = "a2b",
    reverse: Path | None = None,
) -> Model:
    """Turn a generator's state dict (.pth) into a model file of ours.

    Args:
        checkpoint: ResNet or U-Net generator weights as pytorch-CycleGAN-and-pix2pix saves them.
        domain: the domain the model is to work on; its channels must be the generator's.
        direction: which direction `checkpoint` translates.
        reverse: the generator of the other direction, if there is one.

    Raises:
        MissingFile: no such file.
        ModelFileError: not such a state dict, or an architecture that is not known here.
        ConfigError: the domain's channels are not the generator's.
    """
    other = backwards(direction)
    files: dict[Direction, Path] = {direction: checkpoint}
    if reverse is not None:
        files[other] = reverse
    specs: dict[Direction, NetworkSpec] = {}
    generators: dict[Direction, nn.Module] = {}
    for way, file in files.items():
        state = read_state(file)
        specs[way] = recognise(state, file)
        _check_channels(specs[way], domain, way, file)
        generators[way] = specs[way].build("generators")
        generators[way].load_state_dict(rename(state, generators[way], file))
        generators[way].eval().requires_grad_(False)
    judge = NetworkSpec("patchgan", {"in_channels": 3})
    networks = Networks(
        specs.get("a2b") or _turned(specs[direction]), specs.get("b2a") or _turned(specs[direction]), judge, judge
    )
    model = Model({way: generators[way] for way in sorted(generators)}, networks, domain)
    save_model(model, out)
    return model


def read_state(file: Path) -> dict[str, Tensor]:
    """A plain state dict from a .pth or .safetensors file; nothing in the file is executed."""
    if not file.is_file():
        raise MissingFile(f"no checkpoint at {file}")
    try:
        state = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except Exception as error:  # The restricted unpickler raises whatever a damaged file makes it stumble over.
        first = str(error).strip().split("\n")[0][:160]
        raise ModelFileError(f"{file} is no plain state dict and was not opened further ({first})") from error
    if not isinstance(state, Mapping) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise ModelFileError(f"{file} holds {type(state).__name__}, expected a state dict (tensors by name)")
    # Saved from DataParallel, every name begins with module.
    return {str(key).removeprefix("module."): value for key, value in state.items()}


def recognise(state: Mapping[str, Tensor], file: Path) -> NetworkSpec:
    """The architecture a state dict belongs to: ResNet or U-Net, width, depth and norm.

    Raises:
        ModelFileError: neither, with what was found.
    """
    weights = _in_order([key for key in state if key.endswith("weight") and state[key].dim() == 4])
    norm = "batch" if any(key.endswith("running_mean") for key in state) else "instance"
    if not weights:
        raise ModelFileError(f"{file} holds no two-dimensional convolution; expected a generator's state dict")
    if any(".conv_block." in key for key in state):
        blocks = {match[1] for key in state if (match := re.match(r"model\.(\d+)\.conv_block\.", key))}
        first, last = state[weights[0]], state[weights[-1]]
        options: dict[str, Any] = {"blocks": len(blocks)}
        channels_in, filters, channels_out = first.shape[1], first.shape[0], last.shape[0]
        return NetworkSpec("resnet", _options(channels_in, channels_out, filters, norm, options))
    if any(key.startswith("model.model.") for key in state):
        down = [key for key in weights if state[key].shape[2] == 4]
        if len(down) == len(weights) and len(down) % 2 == 0:
            first, last = state[weights[0]], state[weights[-1]]
            # The last is a transposed convolution: its output channels are the second axis.
            channels_in, filters, channels_out = first.shape[1], first.shape[0], last.shape[1]
            options = {"levels": len(down) // 2}
            return NetworkSpec("unet", _options(channels_in, channels_out, filters, norm, options))
    raise ModelFileError(f"{file} is neither a ResNet nor a U-Net generator (first tensor: {next(iter(state))})")


def _options(channels_in: int, channels_out: int, filters: int, norm: str, more: Mapping[str, Any]) -> dict[str, Any]:
    return {"in_channels": channels_in, "out_channels": channels_out, "filters": filters, "norm": norm, **more}


def rename(state: Mapping[str, Tensor], network: nn.Module, file: Path | None = None) -> dict[str, Tensor]:
    """The state dict under `network`'s names, matched by order and shape.

    Raises:
        ModelFileError: the number of tensors or a shape differs.
    """
    own = network.state_dict()
    theirs = [key for key in state if not key.endswith(_COUNTER)]
    ours = [key for key in own if not key.endswith(_COUNTER)]
    where = f"{file}: " if file else ""
    if len(theirs) != len(ours):
        raise ModelFileError(f"{where}{len(theirs)} tensors, the recognised network has {len(ours)}")
    renamed = {key: value for key, value in own.items() if key.endswith(_COUNTER)}
    for their, our in zip(_in_order(theirs), ours, strict=True):
        if state[their].shape != own[our].shape:
            raise ModelFileError(
                f"{where}{their} is {tuple(state[their].shape)}, the recognised network has {tuple(own[our].shape)}"
            )
        renamed[our] = state[their]
    return renamed


def _in_order(keys: list[str]) -> list[str]:
    """Layer order; safetensors files list names alphabetically, where 10 comes before 4."""
    parts = ("weight", "bias", "running_mean", "running_var")

    def rank(key: str) -> tuple[Any, ...]:
        *path, leaf = key.split(".")
        return (*[int(p) if p.isdigit() else -1 for p in path], parts.index(leaf) if leaf in parts else len(parts))

    return sorted(keys, key=rank)


def _check_channels(spec: NetworkSpec, domain: Domain, way: Direction, file: Path) -> None:
    wanted = domain.channels("a"), domain.channels("b")
    if way == "b2a":
        wanted = wanted[::-1]
    found = spec.options["in_channels"], spec.options["out_channels"]
    if found != wanted:
        raise ConfigError(
            f"{file} translates {found[0]} to {found[1]} channels, the domain {domain.name!r} has "
            f"{wanted[0]} and {wanted[1]}; set the domain's channels to match"
        )


def _turned(spec: NetworkSpec) -> NetworkSpec:
    """The spec of the generator the other way round, for a model that has one direction only."""
    options = dict(spec.options)
    options["in_channels"], options["out_channels"] = options["out_channels"], options["in_channels"]
    return NetworkSpec(spec.architecture, options)
