"""Weights of pytorch-CycleGAN-and-pix2pix and CUT: recognised from the state dict alone, renamed to ours.

Their networks hold the same layers in the same order under other names, so renaming goes by position, with every shape
compared; what a file does not tell is said, never guessed in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..adapter.domain import Domain
from ..errors import ConfigError, ModelFileError, show
from ..networks.spec import Networks, NetworkSpec
from ..settings.arguments import expect
from ..sides import Direction, backwards
from .model_file import Model, save_model
from .reference_layout import Layout, layouts
from .state_dicts import read_state

_COUNTER = "num_batches_tracked"
Norm = Literal["auto", "instance", "batch", "none"]
NORMS: tuple[Norm, ...] = ("auto", "instance", "batch", "none")


def import_checkpoint(
    checkpoint: Path,
    out: Path,
    domain: Domain,
    direction: Direction = "a2b",
    reverse: Path | None = None,
    *,
    norm: Norm = "auto",
    part: str = "",
    reverse_part: str = "",
) -> Model:
    """Turn a generator's state dict (.pth) into a model file of ours.

    Args:
        checkpoint: ResNet or U-Net generator weights as pytorch-CycleGAN-and-pix2pix and CUT save them.
        domain: the domain the model is to work on; its channels must be the generator's.
        direction: which direction `checkpoint` translates.
        reverse: the generator of the other direction, if there is one.
        norm: the norm layers, where the file does not tell them; auto takes the reference's default and says so in the
            model's card (`note`).
        part: which generator of a file that holds several, by its name in the file.
        reverse_part: the same for `reverse`; without a `reverse` it is one in `checkpoint` too.

    Raises:
        MissingFile: no such file.
        ModelFileError: not such a state dict, or an architecture that is not known here; the message says what it is.
        ConfigError: the domain's channels are not the generator's.
    """
    expect("domain", domain, Domain, "an adapter, such as unpaired.Image()")
    if norm not in NORMS:
        raise ConfigError(f"norm is {show(norm)}; expected one of {', '.join(NORMS)}")
    files: dict[Direction, tuple[Path, str]] = {direction: (checkpoint, part)}
    if reverse is not None or reverse_part:
        files[backwards(direction)] = (reverse or checkpoint, reverse_part)
    specs: dict[Direction, NetworkSpec] = {}
    generators: dict[Direction, nn.Module] = {}
    notes: dict[str, None] = {}
    for direction, (file, name) in files.items():
        found = _recognised(read_state(file, name), file, norm)
        _check_channels(found.spec, domain, direction, file)
        specs[direction], generators[direction] = found.spec, found.spec.build("generators")
        generators[direction].load_state_dict(rename(found.tensors, generators[direction], file))
        generators[direction].float().eval().requires_grad_(False)
        notes |= dict.fromkeys(found.notes)
    discriminator = NetworkSpec("patchgan", {"in_channels": 3})
    networks = Networks(
        specs.get("a2b") or _turned(specs[direction]),
        specs.get("b2a") or _turned(specs[direction]),
        discriminator,
        discriminator,
    )
    card = {"note": "; ".join(notes)} if notes else {}
    model = Model({direction: generators[direction] for direction in sorted(generators)}, networks, domain, card=card)
    save_model(model, out)
    return model


def recognise(state: Mapping[str, Tensor], file: Path, norm: Norm = "auto") -> NetworkSpec:
    """The architecture a state dict belongs to: ResNet or U-Net, width, depth, sampling and norm.

    Raises:
        ModelFileError: neither, with what was found.
    """
    return _recognised(state, file, norm).spec


@dataclass(frozen=True)
class _Found:
    """A generator as the reference has it, in our terms."""

    spec: NetworkSpec
    tensors: Mapping[str, Tensor]
    """Weights that our network has, still under the reference's names."""
    notes: tuple[str, ...]
    """What was left out or assumed, one phrase each."""


def _recognised(state: Mapping[str, Tensor], file: Path, norm: Norm) -> _Found:
    layout = _layout(state, file)
    name, notes = _norm(state, layout, norm, file)
    first, *_, last = layout.convolutions
    options: dict[str, Any] = {
        "in_channels": state[f"{first}.weight"].shape[1],
        "out_channels": layout.outputs(last, state),
        "filters": layout.outputs(first, state),
        "norm": name,
        **layout.options,
    }
    return _Found(NetworkSpec(layout.architecture, options), _as_ours(state, layout, name, file), notes)


def _layout(state: Mapping[str, Tensor], file: Path) -> Layout:
    """The one generator of the reference that has its layers where the state dict has them."""
    blurs = [name.removesuffix(".filt") for name in state if name.endswith(".filt")]
    convolutions = [
        name.removesuffix(".weight") for name in state if name.endswith(".weight") and state[name].dim() == 4
    ]
    if not convolutions:
        raise ModelFileError(f"{file} holds no two-dimensional convolution; expected a generator's state dict")
    for layout in layouts(convolutions):
        if layout.fits(convolutions, blurs):
            return layout
    raise ModelFileError(f"{file} is neither a ResNet nor a U-Net generator that is known here: {_what(state)}")


def _what(state: Mapping[str, Tensor]) -> str:
    """Guess what a state dict is, for a message."""
    names = list(state)
    weights = [value for value in state.values() if value.dim() == 4]
    if any(".conv_block." in name for name in names):
        return ("a ResNet whose layers are in other positions than the reference's (another number of downsamplings, "
                "zero padding, or upsampling by resizing)")  # fmt: skip
    if any(name.startswith("model.model.") for name in names):
        return "a U-Net whose layers are in other positions than the reference's"
    if any("style" in name or "modulation" in name for name in names):
        return "it seems to be a StyleGAN2 generator"
    if any(name.startswith("mlp_") for name in names):
        return "it seems to be CUT's projection (net_F); take the file of net_G"
    if weights[-1].shape[0] == 1 and all(name.startswith("model.") for name in names):
        return "it seems to be a discriminator; take the file of the generator (net_G)"
    return f"its first tensor is {show(names[0])}"


def _norm(state: Mapping[str, Tensor], layout: Layout, given: Norm, file: Path) -> tuple[str, tuple[str, ...]]:
    """The norm layers of a state dict, and what is to be said of them."""
    leaves = {leaf for norm in layout.norms for leaf in ("weight", "running_mean") if f"{norm}.{leaf}" in state}
    biased = any(f"{each}.bias" in state for each in layout.before_norms)
    impossible = {
        "batch": "running_mean" not in leaves,
        "instance": "weight" in leaves or not layout.norms,
        "none": bool(leaves),
        "auto": leaves == {"weight"},
    }
    if impossible[given]:
        found = f"norms with {' and '.join(sorted(leaves))}" if leaves else "no tensors of norms"
        known = "batch norms have running statistics, instance norms no weights"
        raise ModelFileError(f"{file} has {found}, which --norm {given} does not go with ({known})")
    if given != "auto":
        return given, ()
    if "weight" in leaves:
        return "batch", ("batch norms use their running statistics and drop-out is off, as with the reference's "
                         "test.py --eval",)  # fmt: skip
    if leaves and not biased:
        raise ModelFileError(f"{file} has norms with running statistics alone, after convolutions without biases: say "
                             "--norm batch or --norm instance")  # fmt: skip
    if leaves:
        return "instance", ("the running statistics of its instance norms are left out, as the reference does",)
    return _norm_without_tensors(state, layout, biased)


def _norm_without_tensors(
    state: Mapping[str, Tensor], layout: Layout, biased: bool
) -> tuple[Literal["instance", "none"], tuple[str, ...]]:
    versions = {getattr(state, "versions", {}).get(norm) for norm in layout.norms}
    if not layout.norms or versions == {1}:  # nn.Identity in the place of a norm is of version 1, a norm of 2
        return "none", ()
    if None not in versions:
        return "instance", ()
    if not biased:
        return "none", ("assumed to have no norms, since its convolutions have no biases; if it was trained with "
                        "instance norms, say --norm instance",)  # fmt: skip
    return "instance", ("assumed to have instance norms, the reference's default, which nothing in the file rules "
                        "out; if it was trained without, say --norm none",)  # fmt: skip


def _as_ours(state: Mapping[str, Tensor], layout: Layout, norm: str, file: Path) -> dict[str, Tensor]:
    """The tensors that our network has, under the reference's names.

    Ours has biases before instance norms and none before batch norms: an absent one is zero, one too many goes into the
    running mean.
    """
    for name, value in state.items():
        if not bool(value.isfinite().all()):
            raise ModelFileError(f"{file} holds weights that are not finite ({name[:80]})")
    ours = {name: value for name, value in state.items() if not name.endswith(_COUNTER)}
    if norm == "batch":
        _fold_biases(ours, layout)
        return ours
    if not any(f"{each}.bias" in ours for each in layout.before_norms):
        ours |= {f"{each}.bias": torch.zeros(layout.outputs(each, state)) for each in layout.before_norms}
    dropped = {f"{place}.{leaf}" for place in layout.norms for leaf in ("running_mean", "running_var")}
    return {name: value for name, value in ours.items() if name not in dropped}


def _fold_biases(ours: dict[str, Tensor], layout: Layout) -> None:
    """Take biases before batch norms into their means, and give norms without weights those that change nothing."""
    for convolution, place in layout.convolutions.items():
        if place is None:
            continue
        channels = layout.outputs(convolution, ours)
        ours.setdefault(f"{place}.weight", torch.ones(channels))
        ours.setdefault(f"{place}.bias", torch.zeros(channels))
        bias, mean = ours.pop(f"{convolution}.bias", None), ours.get(f"{place}.running_mean")
        if bias is not None and mean is not None:
            ours[f"{place}.running_mean"] = mean - bias


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


def _check_channels(spec: NetworkSpec, domain: Domain, direction: Direction, file: Path) -> None:
    wanted = domain.channels("a"), domain.channels("b")
    if direction == "b2a":
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
