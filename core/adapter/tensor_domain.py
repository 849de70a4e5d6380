"""Plain tensors of any kind: for data that is no pictures, footage or sound, and needs no adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..settings.faults import collecting_faults, raise_faults, require
from ..sides import Side
from .array_domain import ArrayDomain, ArraySettings
from .domain import DomainSettings
from .tensors import fault_of_shape, fault_of_values, shape_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TensorSettings(ArraySettings):
    """Settings of plain tensors."""

    dimensions: int = 2
    """Spatial axes: 1, 2 or 3."""
    channels_a: int = 3
    """Channels of a sample of A."""
    channels_b: int = 3
    """Channels of a sample of B."""

    def __post_init__(self) -> None:
        faults: list[str] = []
        with collecting_faults(faults):
            super().__post_init__()
        require(faults, self.dimensions in (1, 2, 3), f"domain.dimensions is {self.dimensions}; expected 1, 2 or 3")
        for name in ("channels_a", "channels_b"):
            value = getattr(self, name)
            require(faults, 1 <= value <= 4096, f"domain.{name} is {value}; expected 1 to 4096")
        raise_faults(faults)


class Tensors(ArrayDomain):
    """Plain tensors (C, *space) in [-1, 1]: the samples of datasets, or .npy files that hold one array each.

    Of a file, samples are windows of `settings.size` values along each axis; `convert` writes .npy files.
    """

    name: ClassVar[str] = "tensors"
    medium: ClassVar[str] = "arrays"
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    generated_suffix: ClassVar[str] = ".npy"
    settings_type: ClassVar[type[DomainSettings]] = TensorSettings
    settings: TensorSettings

    def __init__(self, settings: TensorSettings | None = None, **fields: Any) -> None:
        super().__init__(settings, **fields)
        self.dimensions = self.settings.dimensions  # type: ignore[misc]  # of other media it is one of the class

    def channels(self, side: Side) -> int:
        return self.settings.channels_a if side == "a" else self.settings.channels_b

    def read(self, path: Path, side: Side) -> Tensor:
        """The array of a .npy file. Raises ValueError for another one than samples of `side` are."""
        import torch

        values = np.load(path, allow_pickle=False)
        if values.dtype.kind == "f":
            values = values.astype(np.float32)
        found = torch.from_numpy(values)
        if fault := fault_of_shape(found, self.dimensions + 1, self.channels(side)) or fault_of_values(found, 1e-3):
            raise ValueError(f"it holds {fault}; expected {shape_of(self.channels(side), self.dimensions)} in [-1, 1]")
        return found

    def write(self, path: Path, values: Tensor, source: Path) -> None:
        np.save(path, values.numpy())
