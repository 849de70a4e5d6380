"""A run in TensorBoard: its figures as scalars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..files import output_error
from .callbacks import Callback, RunInfo
from .records import EndReport, ScoreReport, StepReport

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard(Callback):
    """Writes losses, rates and scores to `tensorboard` in the run folder.

    On resume, later steps of the abandoned part are purged.
    """

    def __init__(self) -> None:
        self._writer: SummaryWriter | None = None

    def on_start(self, run: RunInfo) -> None:
        # Imported here: it costs a second, and a program that only reads metrics needs none of it.
        from torch.utils.tensorboard import SummaryWriter

        folder = run.folder / "tensorboard"
        purge = run.start_step + 1 if run.start_step else None
        try:
            self._writer = SummaryWriter(folder, purge_step=purge)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise output_error(folder, error) from error

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        losses = {f"losses/{name}": value for name, value in report.losses.items()}
        rates = {"rates/learning_rate": report.learning_rate, "rates/steps_per_second": report.steps_per_second}
        self._add(losses | rates, report.step)

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        scores = {f"scores/{name}": value for name, value in report.scores.items()}
        self._add(scores if report.score is None else {"score": report.score, **scores}, report.step)

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        if self._writer is not None:
            self._writer.close()  # type: ignore[no-untyped-call]
            self._writer = None

    def _add(self, scalars: Mapping[str, float], step: int) -> None:
        if self._writer is not None:
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]
