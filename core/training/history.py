"""Earlier translations that the discriminators see again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class HistoryBuffer:
    """Keeps `size` earlier translations; each new one is shown, or, half of the time, swapped for an older one
    (Shrivastava et al. 2017, section 2.3; CycleGAN section 4).

    All randomness comes from the buffer's own generator, which is part of its state.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.samples: list[Tensor] = []
        self.random = torch.Generator().manual_seed(seed)

    def exchange(self, translated: Tensor) -> Tensor:
        """Put in a batch (B, C, *space), take out one of the same shape: what the discriminator is to see."""
        if self.size == 0:
            return translated
        return torch.stack([self._exchange(sample) for sample in translated])

    def _exchange(self, sample: Tensor) -> Tensor:
        if len(self.samples) < self.size:
            self.samples.append(sample.clone())
            return sample
        if torch.rand((), generator=self.random) < 0.5:
            return sample
        place = int(torch.randint(self.size, (), generator=self.random))
        older, self.samples[place] = self.samples[place], sample.clone()
        return older

    def state(self) -> dict[str, Any]:
        """Samples and random state, for a checkpoint."""
        return {"samples": list(self.samples), "random": self.random.get_state()}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Take up a checkpoint's state. Raises ValueError when it is not one."""
        if len(state["samples"]) > self.size or len({sample.shape for sample in state["samples"]}) > 1:
            raise ValueError("the history holds other samples than this run's")
        self.samples = [sample.to(device) for sample in state["samples"]]
        self.random.set_state(state["random"].cpu())
