"""A run in TensorBoard: figures, preview sheets, and sound where the medium is listened to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ..files import output_error
from ..pages import jpeg
from .callbacks import RunInfo
from .records import EndReport, Preview
from .sheets import QUALITY, narrowed
from .sounds import preview_sounds
from .tracking import Tracker

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


WIDTH = 1100
"""Pixels of a sheet, at most."""


class TensorBoard(Tracker):
    """Writes losses, rates, scores and previews to `tensorboard` in the run folder.

    On resume, later steps of the abandoned part are purged.
    """

    def __init__(self) -> None:
        self._writer: SummaryWriter | None = None
        super().__init__()

    def on_start(self, run: RunInfo) -> None:
        # Imported here: it costs a second, and a program that only reads metrics needs none of it.
        from torch.utils.tensorboard import SummaryWriter

        super().on_start(run)
        folder = run.folder / "tensorboard"
        purge = run.start_step + 1 if run.start_step else None
        try:
            self._writer = SummaryWriter(folder, purge_step=purge)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise output_error(folder, error) from error

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        if self._writer is not None:
            self._writer.close()  # type: ignore[no-untyped-call]
            self._writer = None

    def _show(self, run: RunInfo, preview: Preview, sheet: Path) -> None:
        if self._writer is None:
            return
        self._add_sheet(narrowed(sheet, WIDTH), preview.step)
        for name, (sound, rate) in preview_sounds(preview, run.domain).items():
            self._writer.add_audio(f"preview/{name}", sound.mean(0), preview.step, rate)  # type: ignore[no-untyped-call]

    def _add_sheet(self, picture: Tensor, step: int) -> None:
        """Add a picture (3, H, W) as JPEG: `add_image` would make a PNG several times as large of it."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        if self._writer is not None and self._writer.file_writer is not None:
            _, height, width = picture.shape
            encoded = jpeg(picture, QUALITY)
            image = Summary.Image(encoded_image_string=encoded, colorspace=3, height=height, width=width)
            summary = Summary(value=[Summary.Value(tag="preview/sheet", image=image)])
            self._writer.file_writer.add_summary(summary, step)

    def _log(self, figures: Mapping[str, Any], step: int) -> None:
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]
