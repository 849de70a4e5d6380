"""What a run has no use for: said and not refused, since runs that were begun with it are resumed."""

from __future__ import annotations

from collections.abc import Iterator

from ..objectives.settings import CycleSettings
from ..runtimes.devices import device_named
from .plan import RunPlan
from .precision import has_formats


def left_aside(plan: RunPlan) -> Iterator[str]:
    """Settings that somebody gave and that change nothing, one sentence each."""
    objective, training = plan.objective_settings, plan.training
    penalty = objective.gradient_penalty if isinstance(objective, CycleSettings) else None
    if penalty is not None and objective.form != "wgan-gp" and penalty != type(objective)().gradient_penalty:
        yield (f"objective.gradient_penalty is for objective.form wgan-gp, and left aside with {objective.form}; "
               "objective.r1 and objective.r2 go with any form")  # fmt: skip
    device = device_named(training.device, "training.device").kind
    usual = ("auto", "channels_last" if device == "cuda" else "contiguous")
    if training.memory_format not in usual and not has_formats(plan.domain, device):
        yield (f"training.memory_format {training.memory_format} is for networks of two dimensions on the CPU, and "
               "left aside here")  # fmt: skip
