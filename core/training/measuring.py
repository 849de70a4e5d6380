"""Measurements on request: how networks of a size are to be run and trained on the CPU of this machine."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..networks.spec import Networks
from ..runtimes.choice import choose
from ..runtimes.machine import native_bf16
from ..runtimes.measured import MeasuredRuntime
from ..runtimes.source import GeneratorSource
from .precision import measured_way
from .settings import TrainingSettings


def measure_networks(networks: Networks, space: Sequence[int]) -> tuple[str, ...]:
    """Measure the conversion and the training of samples of a size anew, and keep what that says in the cache folder.

    Takes about two seconds. A training is measured where the CPU has instructions for bf16; elsewhere it takes fp32.
    Returns notes for the user.
    """
    with torch.random.fork_rng(devices=[]):
        trained = networks.generator_a2b.build("generators")
        if native_bf16("cpu"):
            measured_way(trained, space, TrainingSettings().winograd, anew=True)
        converted = networks.generator_a2b.build("generators").eval().requires_grad_(False)
        runtime = MeasuredRuntime(GeneratorSource.of(converted, len(space)), choose(device="cpu").candidates)
        runtime.measure(space)
    return runtime.notes
