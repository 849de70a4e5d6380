"""Watching a run: logs, curves, preview sheets, the report, the doctor, and callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .callbacks import Callback, RunInfo
    from .log import read_findings, read_metrics, read_scores
    from .progress import duration
    from .records import CheckpointReport, EndReport, Finding, Preview, PreviewRow, ScoreReport, StepReport
    from .tensorboard import TensorBoard

__all__ = [
    "Callback",
    "CheckpointReport",
    "EndReport",
    "Finding",
    "Preview",
    "PreviewRow",
    "RunInfo",
    "ScoreReport",
    "StepReport",
    "TensorBoard",
    "duration",
    "read_findings",
    "read_metrics",
    "read_scores",
]

__getattr__ = lazy_names(__name__, {
    ".callbacks": ["Callback", "RunInfo"],
    ".log": ["read_findings", "read_metrics", "read_scores"],
    ".progress": ["duration"],
    ".records": [
        "CheckpointReport", "EndReport", "Finding", "Preview", "PreviewRow", "ScoreReport", "StepReport",
    ],
    ".tensorboard": ["TensorBoard"],
})  # fmt: skip
