"""Progress of a run for people: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, TextIO

from .callbacks import Callback, RunInfo
from .records import EndReport, StepReport

if TYPE_CHECKING:
    from tqdm import tqdm

SHOWN = ("generators", "discriminator_a", "discriminator_b")
"""The losses worth a place on the progress line."""


class Progress(Callback):
    """Shows where a run stands, on `stream` (standard error when None)."""

    def __init__(self, start_step: int = 0, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._start = start_step
        self._bar: tqdm[Any] | None = None
        self._terminal = self._stream.isatty()

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        if not self._terminal:
            print(progress_line(report), file=self._stream, flush=True)
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(total=report.steps, initial=self._start, unit="step", file=self._stream,
                             dynamic_ncols=True, bar_format=BAR)  # fmt: skip
        self._bar.n, self._bar.total = report.step, report.steps
        self._bar.set_postfix_str(f"{rate_text(report)}, {losses_text(report)}")

    def note(self, text: str) -> None:
        """Show a line of text without tearing the bar."""
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
"""The engine's own rate is shown instead of tqdm's, which counts from the last refresh."""


def progress_line(report: StepReport) -> str:
    """One plain line: step, speed, time left and the main losses."""
    return f"step {report.step}/{report.steps}  {rate_text(report)}  {losses_text(report)}".rstrip()


def rate_text(report: StepReport) -> str:
    """Speed and time left, e.g. `3.4 step/s, 2 h 05 min left`."""
    speed = report.steps_per_second
    if not (math.isfinite(speed) and speed > 0):
        return "step/s unknown"
    return f"{speed:.3g} step/s, {duration((report.steps - report.step) / speed)} left"


def losses_text(report: StepReport) -> str:
    """The main losses, e.g. `generators 3.214 discriminator_a 0.2`."""
    return " ".join(f"{name} {report.losses[name]:.4g}" for name in SHOWN if name in report.losses)


def duration(seconds: float) -> str:
    """Seconds in words: `42 s`, `3 min 05 s`, `2 h 05 min`, `3 d 04 h`."""
    whole = round(max(0.0, seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"
