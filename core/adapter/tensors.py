"""Faults of a tensor from an adapter or a user, in words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import AdapterError, ArgumentError, one_line
from ..values import Array

if TYPE_CHECKING:
    from torch import Tensor

AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes, by their number."""
_ROUNDING = 1e-3
"""Tolerance beyond [-1, 1]: an eighth of a step of an 8-bit value."""


def check_sample(
    adapter: str, method: str, x: Any, channels: int, dimensions: int, file: Path, values: bool = True,
    array: bool = False,
) -> None:  # fmt: skip
    """Raise AdapterError unless `x`, which `method` of the class `adapter` gave for `file`, is a sample (C, *space),
    float32 in [-1, 1], of any size; `values`: look at its values too; `array`: of numpy."""
    came = fault_of_shape(x, dimensions + 1, channels, array)
    if values and came is None:
        came = fault_of_values(x, _ROUNDING)
    if came:
        raise wrong(adapter, method, came, file, f"{shape_of(channels, dimensions)} in [-1, 1]")


def fault_of_shape(x: Any, axes: int, channels: int | None = None, array: bool = False) -> str | None:
    """Describe `x` unless it is a float32 tensor of so many axes, the first of `channels` (None: any), none empty; or
    an `array` of numpy."""
    if not _is_array(x) if array else not _is_tensor(x):
        return f"a {type(x).__name__}"
    if str(x.dtype).removeprefix("torch.") != "float32":
        return str(x.dtype)
    if x.ndim != axes or 0 in x.shape or channels not in (None, x.shape[0]):
        return f"the shape {tuple(x.shape)}"
    return None


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def _is_tensor(x: Any) -> bool:
    from torch import Tensor

    return isinstance(x, Tensor)


def fault_of_values(x: Tensor | Array, tolerance: float = 0.0) -> str | None:
    """Describe the values of `x` if they leave [-1, 1] by more than `tolerance` or are not finite."""
    low, high = map(float, (x.min(), x.max()) if isinstance(x, np.ndarray) else x.aminmax())
    if low >= -1 - tolerance and high <= 1 + tolerance:
        return None
    if math.isfinite(low) and math.isfinite(high):
        return f"values from {low:g} to {high:g}"
    return "values that are not finite"


def expect_dense(name: str, x: Tensor) -> None:
    """Raise ArgumentError for a tensor, the argument `name`, that does not hold a real number for each place."""
    import torch

    odd = {
        "a nested tensor": x.is_nested,
        f"a tensor of {str(x.layout).removeprefix('torch.')}": x.layout != torch.strided,
        "a tensor without values (on the meta device)": x.is_meta,
        f"a tensor of {str(x.dtype).removeprefix('torch.')}": x.is_quantized or x.is_complex(),
    }
    came = next((what for what, is_so in odd.items() if is_so), None)
    if came:
        raise ArgumentError(f"{name} is {came}; expected a dense tensor of real numbers")


def shape_of(channels: int, dimensions: int) -> str:
    """The shape of a sample in words: float32 (3, height, width)."""
    return f"float32 ({', '.join([str(channels), *AXES[dimensions]])})"


def wrong(adapter: str, method: str, came: str, file: Path, expected: str) -> AdapterError:
    """The AdapterError for an unexpected result of a method."""
    return AdapterError(f"{adapter}.{method} gave {came} for {file}; expected {expected}")


def raised(adapter: str, method: str, error: Exception, file: Path) -> AdapterError:
    """The AdapterError for an exception that an adapter must not raise."""
    return AdapterError(
        f"{adapter}.{method} raised {type(error).__name__}: {one_line(error)} for {file}; "
        "expected MediaError for a file that cannot be used, and nothing else"
    )
