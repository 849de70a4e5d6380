"""State dicts of other projects: taken out of what they are wrapped in, with plain weights in them.

A checkpoint may hold several networks, in nested dictionaries (`state_dict`, `netG_A`) or under prefixes of one
(`module.`, `G_A.`), beside optimisers and counters; and weights may stand there as what they are computed from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import MissingFile, ModelFileError, show
from .stored import Unreadable, load_plain, load_tensors

_DEEPEST = 8
# What stands before the names that a ResNet or a U-Net generator of the reference has.
_RESNET = re.compile(r"((?:.+\.)?)model\.\d+\.conv_block\.")
_UNET = re.compile(r"((?:.+?\.)?)model\.model\.1\.model\.\d+\.")


class StateDict(dict[str, Tensor]):
    """Tensors by name, and the versions of the classes of all modules by name, where the file tells them."""

    versions: Mapping[str, int] = {}


def read_state(file: Path, part: str = "") -> StateDict:
    """The state dict of one generator from a .pth or .safetensors file; nothing in the file is executed.

    Args:
        part: which of several generators, by the name that it has in the file ("G_A").

    Raises:
        MissingFile: no such file.
        ModelFileError: no state dict, or several generators and no telling which; the message lists them.
    """
    if not file.is_file():
        raise MissingFile(f"no checkpoint at {file}")
    try:
        content = load_tensors(file) if file.suffix == ".safetensors" else load_plain(file)
    except Unreadable as error:
        raise ModelFileError(f"{file} is not a plain state dict and was not opened further ({error})") from error
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror or error}") from error
    whole = StateDict()
    whole.versions = {}
    if isinstance(content, Mapping):
        _gather(content, "", whole, whole.versions)
    if not whole:
        raise ModelFileError(f"{file} holds {type(content).__name__}, expected a state dict (tensors by name)")
    return with_plain_weights(_generator(whole, part, file), file)


def _gather(content: Mapping[Any, Any], prefix: str, tensors: dict[str, Tensor], versions: dict[str, int]) -> None:
    """Collect the tensors of nested dictionaries under dotted names."""
    for key, value in content.items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}{key}"] = value.detach()
        elif isinstance(value, Mapping) and prefix.count(".") < _DEEPEST:
            _gather(value, f"{prefix}{key}.", tensors, versions)
    # torch keeps the class version of every module beside a state dict, of those without tensors too.
    told = getattr(content, "_metadata", None)
    for module, facts in told.items() if isinstance(told, Mapping) else ():
        if isinstance(facts, Mapping) and isinstance(facts.get("version"), int):
            versions[f"{prefix}{module}"] = facts["version"]


def _generator(whole: StateDict, part: str, file: Path) -> StateDict:
    prefixes = sorted({match[1] for name in whole for form in (_RESNET, _UNET) if (match := form.match(name))})
    named = [prefix for prefix in prefixes if not part or part in (prefix.strip("."), *prefix.split("."))]
    listed = ", ".join(prefix.strip(".") or "(no name)" for prefix in prefixes)[:160]
    if part and not named:
        raise ModelFileError(f"{file} holds no generator named {show(part)}; generators in it: {listed or 'none'}")
    if len(named) > 1:
        raise ModelFileError(f"{file} holds several generators ({listed}); say which one with --part NAME")
    prefix = named[0] if named else ""
    found = StateDict({name.removeprefix(prefix): each for name, each in whole.items() if name.startswith(prefix)})
    for name, each in found.items():
        _check_plain(name, each, file)
    found.versions = {
        name.removeprefix(prefix): version for name, version in whole.versions.items() if name.startswith(prefix)
    }
    return found


def _check_plain(name: str, value: Tensor, file: Path) -> None:
    """Raise ModelFileError for a tensor without values, or of others than floats; counters are whole numbers."""
    if value.is_meta or value.layout != torch.strided:
        what = "without values (on the meta device)" if value.is_meta else f"{value.layout}".replace("torch.", "")
    elif value.is_floating_point() or name.endswith("num_batches_tracked"):
        return
    else:
        what = f"of {value.dtype}".replace("torch.", "")
    raise ModelFileError(f"{file}: {name[:80]} is {what}; expected the plain weights, in floating point")


# -- weights that are computed from others ----------------------------------------------------------
def with_plain_weights(state: StateDict, file: Path) -> StateDict:
    """The state dict with every weight as the network applies it in eval mode: spectral norm and weight norm folded in.

    Raises:
        ModelFileError: another parametrisation.
    """
    plain = StateDict(state)
    plain.versions = state.versions
    for module, forms in _parametrised(state):
        weight = _folded(plain, module, forms)
        if weight is None:
            raise ModelFileError(f"{file}: {module}.weight is stored as {', '.join(sorted(forms))[:120]}, which is "
                                 "neither spectral norm nor weight norm; save plain weights")  # fmt: skip
        for leaf in forms:
            del plain[f"{module}.{leaf}"]
        plain[f"{module}.weight"] = weight
    return plain


_PARAMETRISED = re.compile(r"(.+)\.(weight_(?:orig|u|v|g)|parametrizations\.weight\..+)$")


def _parametrised(state: Mapping[str, Tensor]) -> Iterator[tuple[str, set[str]]]:
    """Modules whose weight is computed, each with the ends of the names that it is computed from."""
    found: dict[str, set[str]] = {}
    for name in state:
        if match := _PARAMETRISED.match(name):
            found.setdefault(match[1], set()).add(match[2])
    yield from found.items()


def _folded(state: Mapping[str, Tensor], module: str, forms: set[str]) -> Tensor | None:
    def of(leaf: str) -> Tensor:
        return state[f"{module}.{leaf}"]

    new = "parametrizations.weight."
    if forms == {"weight_orig", "weight_u"} and f"{module}.weight" in state:
        return of("weight")  # torch before 1.0 kept the quotient
    if forms == {"weight_orig", "weight_u", "weight_v"}:
        return _over_spectral_norm(of("weight_orig"), of("weight_u"), of("weight_v"))
    if forms == {f"{new}original", f"{new}0._u", f"{new}0._v"}:
        return _over_spectral_norm(of(f"{new}original"), of(f"{new}0._u"), of(f"{new}0._v"))
    if forms == {"weight_g", "weight_v"}:
        return _with_length(of("weight_v"), of("weight_g"))
    if forms == {f"{new}original0", f"{new}original1"}:
        return _with_length(of(f"{new}original1"), of(f"{new}original0"))
    return None


def _over_spectral_norm(weight: Tensor, u: Tensor, v: Tensor) -> Tensor | None:
    """W / (u' W v) (Miyato et al. 2018); the rows of W are the outputs, the second axis in transposed convolutions."""
    quotients = []
    for axis in range(min(weight.dim(), 2)):
        matrix = weight.movedim(axis, 0).flatten(1)
        if matrix.shape == (u.numel(), v.numel()):
            quotients.append(torch.dot(u.flatten(), torch.mv(matrix, v.flatten())))
    # u and v are all but singular vectors of the right matrix, and strangers to the other.
    return weight / max(quotients, key=abs) if quotients else None


def _with_length(direction: Tensor, length: Tensor) -> Tensor | None:
    """g v / |v| (Salimans and Kingma 2016) for each slice of the axis along which g has more than one number."""
    axes = [axis for axis, size in enumerate(length.shape) if size > 1] or [0]
    if length.dim() != direction.dim() or len(axes) > 1 or length.shape[axes[0]] != direction.shape[axes[0]]:
        return None
    fold: Any = torch._weight_norm  # what torch applies, to the last bit
    weight: Tensor = fold(direction, length, axes[0])
    return weight
