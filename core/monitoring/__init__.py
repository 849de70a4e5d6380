"""Watching a run: logs, curves, preview sheets, the report, the doctor, and callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .callbacks import Callback, RunInfo
    from .curves import Curves
    from .installed import find_callback, installed_callbacks
    from .log import read_findings, read_metrics, read_scores, read_standing
    from .mlflow import MLflow
    from .panels import loss_panels
    from .progress import duration
    from .records import CheckpointReport, EndReport, Finding, Preview, PreviewRow, ScoreReport, StepReport
    from .tensorboard import TensorBoard
    from .wandb import Wandb

__all__ = [
    "Callback",
    "CheckpointReport",
    "Curves",
    "EndReport",
    "Finding",
    "MLflow",
    "Preview",
    "PreviewRow",
    "RunInfo",
    "ScoreReport",
    "StepReport",
    "TensorBoard",
    "Wandb",
    "duration",
    "find_callback",
    "installed_callbacks",
    "loss_panels",
    "read_findings",
    "read_metrics",
    "read_scores",
    "read_standing",
]

__getattr__ = lazy_names(__name__, {
    ".callbacks": ["Callback", "RunInfo"],
    ".curves": ["Curves"],
    ".installed": ["find_callback", "installed_callbacks"],
    ".log": ["read_findings", "read_metrics", "read_scores", "read_standing"],
    ".mlflow": ["MLflow"],
    ".panels": ["loss_panels"],
    ".progress": ["duration"],
    ".records": [
        "CheckpointReport", "EndReport", "Finding", "Preview", "PreviewRow", "ScoreReport", "StepReport",
    ],
    ".tensorboard": ["TensorBoard"],
    ".wandb": ["Wandb"],
})  # fmt: skip
