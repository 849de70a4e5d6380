"""The torch runtime: CUDA, MPS or the CPU."""

from __future__ import annotations

import copy
import threading
from typing import Literal, cast

import torch
from torch import Tensor, nn

from ..networks.ends import EndOf
from ..networks.norm import WithStatistics
from ..values import Values, alike, as_tensor


class TorchRuntime:
    """A generator run by torch, eager, in fp32 or by autocast in bf16; channels last on CUDA."""

    def __init__(self, generator: nn.Module, device: str, precision: Literal["fp32", "bf16"] = "fp32") -> None:
        self._device = torch.device(device)
        self.ran = (f"torch {precision}",)
        self._autocast = precision == "bf16"
        self._channels_last = self._device.type == "cuda"
        # A copy: moving the module, or putting a tape into its norms, would change it for the caller.
        generator = copy.deepcopy(generator).eval().requires_grad_(False).to(self._device)
        self._generator = WithStatistics(generator)
        # Given statistics pass through the norm layers' state, so one call at a time.
        self._lock = threading.Lock()

    def __call__(self, x: Values) -> Values:
        """Translate (B, C, *space); see Runtime."""
        with self._lock, torch.no_grad(), self._precision():
            y = cast(Tensor, self._generator.generator(self._moved(as_tensor(x))))
        return alike(y.float(), x)

    def with_statistics(self, x: Values, statistics: Values, momentum: float) -> tuple[Values, Values]:
        """Translate (1, C, *space) under given statistics; see Runtime."""
        share = torch.tensor(momentum, dtype=torch.float32, device=self._device) if momentum else None
        with self._lock, torch.no_grad(), self._precision():
            y, used = self._generator(self._moved(as_tensor(x)), as_tensor(statistics).to(self._device), share)
        return alike(y.float(), x), alike(used, statistics)

    def translate_end(self, x: Values, statistics: Values, length: int) -> Values:
        """The end of a translation; see `TranslatesEnds`."""
        end = WithStatistics(EndOf(self._generator.generator, length))
        with self._lock, torch.no_grad(), self._precision():
            y, _ = end(self._moved(as_tensor(x)), as_tensor(statistics).to(self._device))
        return alike(y.float(), x)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast)

    def _moved(self, x: Tensor) -> Tensor:
        x = x.to(self._device)
        if not self._channels_last or x.dim() not in (4, 5):
            return x
        return x.contiguous(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)
