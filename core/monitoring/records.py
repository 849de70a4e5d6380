"""Records that the engine passes to monitors, and the doctor's findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor

    from ..sides import Direction


@dataclass(frozen=True)
class StepReport:
    """State of a run after a step."""

    step: int
    """Optimiser steps done."""
    steps: int
    """Optimiser steps in all."""
    losses: Mapping[str, float]
    """Named losses, weighted as they enter the sum, and the discriminators' mean outputs."""
    learning_rate: float
    """The generators' rate at this step."""
    steps_per_second: float


@dataclass(frozen=True)
class ScoreReport:
    """Scores of the translations of held-out files after a step."""

    step: int
    """Optimiser steps done."""
    scores: Mapping[str, float]
    """Scores by name; NaN where one could not be computed."""
    score: float | None
    """The one figure that `best` goes by, lower is better; None where there is none."""


@dataclass(frozen=True)
class PreviewRow:
    """Some samples of one direction: float32 batches (N, C, *space) in [-1, 1] on the CPU."""

    source: Tensor
    translation: Tensor
    cycle: Tensor | None
    """The translation translated back: channels of `source`; None where only one direction is trained."""
    identity: Tensor | None
    """`source` put through the generator that makes its own domain; None where there is none that takes it."""
    teacher: Tensor | None = None
    """The translation of the model that the run learns from, where it does."""
    real: Tensor | None = None
    """Real samples of the target where `source` is noise: then `translation` is generated, and nothing is compared with
    `source`."""
    columns: int = 1
    """Samples side by side in a line of a sheet of generated ones."""


@dataclass(frozen=True)
class Preview:
    """Outputs of the networks for fixed samples at a step."""

    step: int
    rows: Mapping[Direction, PreviewRow]
    sheet: Path | None = None
    """The preview sheet, a JPEG file, once it is written."""
    last: bool = False
    """Whether the run, or this part of it, ends with it."""


@dataclass(frozen=True)
class CheckpointReport:
    """A checkpoint that was written."""

    step: int
    """Optimiser steps done."""
    folder: Path
    """The checkpoint, in the run folder."""
    model: Path
    """The model file that was written with it, `model.safetensors` of the run folder."""
    best: bool
    """Whether it is the best so far, so that `best.safetensors` was written too."""


@dataclass(frozen=True)
class EndReport:
    """The end of a run, or of this part of it."""

    step: int
    """Optimiser steps done."""
    outcome: Literal["complete", "interrupted", "failed"]
    error: BaseException | None
    """The exception that ended it; None where it is complete."""


@dataclass(frozen=True)
class Finding:
    """Something the doctor noticed."""

    name: str
    """Name of the finding, e.g. `identity collapse`."""
    step: int
    """The step at which it was noticed."""
    evidence: str
    """The figures that show it."""
    advice: str
    """The setting to change, by its full name, and the reason."""


def generates(settings: Mapping[str, Any]) -> bool:
    """Whether a run with these settings, by dotted names, makes samples from noise."""
    return "a.noise.size" in settings


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one mapping with dotted names: {"objective": {"cycle_a": 10}} -> {"objective.cycle_a": 10}."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat
