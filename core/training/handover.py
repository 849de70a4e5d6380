"""Transfer of batches from loader processes to the training process: in shared memory, or through a pipe.

PyTorch's queue sends what it cannot share from a thread of its own: an error there loses the batch, and who waits for
it waits for ever. So whatever can fail is tried before, in the loader process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Listener

import numpy as np
import torch

from ..samples import Batch
from .resources import MORE


@dataclass(frozen=True)
class Piped:
    """A batch as plain arrays, which go through a pipe, and why they do."""

    why: str
    a: np.ndarray
    b: np.ndarray
    problems: tuple[str, ...]
    contexts: tuple[dict[str, np.ndarray], dict[str, np.ndarray]]

    @classmethod
    def of(cls, batch: Batch, why: str) -> Piped:
        context_a, context_b = ({name: value.numpy() for name, value in each.items()}
                                for each in (batch.context_a, batch.context_b))  # fmt: skip
        return cls(why, batch.a.numpy(), batch.b.numpy(), batch.problems, (context_a, context_b))

    def batch(self) -> Batch:
        contexts = ({name: torch.from_numpy(value) for name, value in each.items()} for each in self.contexts)
        return Batch(torch.from_numpy(self.a), torch.from_numpy(self.b), self.problems, *contexts)


def sendable(batch: Batch) -> Batch | Piped:
    """The batch in shared memory, or for the pipe where there is none to be had."""
    if fault := _no_socket():
        return Piped.of(batch, fault)
    try:
        for value in (batch.a, batch.b, *batch.context_a.values(), *batch.context_b.values()):
            value.share_memory_()  # type: ignore[no-untyped-call]
    except RuntimeError:
        return Piped.of(batch, f"/dev/shm has no room for a batch ({MORE})")
    return batch


@cache
def _no_socket() -> str:
    """Why the training process cannot fetch shared memory from this one; empty where it can.

    It asks for it through a socket in the temporary folder, and the path of a socket has at most 107 bytes.
    """
    try:
        Listener().close()
    except OSError as error:
        return f"the temporary folder takes no socket ({error.strerror or error}; set TMPDIR to a shorter path)"
    return ""
