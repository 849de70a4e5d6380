"""Progress of a command: for people on standard error, and for the program that started it as lines of JSON in the file
that UNPAIRED_PROGRESS names.

Each line is an object with some of: `pid`, when the command begins; `share` done (0 to 1), with `name`, the file at
hand, `file` of `files` (from 0) and `chunks` of `total`; `step` of `steps` and `rate` (steps a second) of a training;
`preview`, `scored` and `checkpoint`, the step of something new; `live`, how a live conversion stands, each second, the
first time once it is ready; `error`, the line that the command ends with; `code`, its exit code, which is always the
last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from unpaired import Callback
from unpaired.core.monitoring import CheckpointReport, Preview, RunInfo, ScoreReport, StepReport

VARIABLE = "UNPAIRED_PROGRESS"
_PAUSE = 0.2
"""Seconds between two lines that only say how much is done."""
_last = 0.0


def is_asked_for() -> bool:
    """Whether somebody wants to know."""
    return bool(os.environ.get(VARIABLE))


def tell(**facts: Any) -> None:
    """Append a line with these facts, if somebody wants to know. Work never fails for it: a line that cannot be written
    is left out."""
    file = os.environ.get(VARIABLE)
    if file:
        line = json.dumps(facts) + "\n"
        with suppress(OSError), open(file, "a", encoding="ascii") as opened:
            opened.write(line)


class Progress:
    """Progress on standard error: a bar on a terminal, elsewhere a plain line at every tenth.

    Silent for the first two seconds, so that short work stays quiet, and where only the end is left to be said.
    """

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._start = time.monotonic()
        self._tenths = 0
        self._shown = False
        self._bar: Any = None

    def __call__(self, done: float, **facts: Any) -> None:
        """Show that the share `done` (0 to 1) is done; the facts are for whoever reads the file."""
        _tell_share(done, facts)
        if self._bar is None and time.monotonic() - self._start < 2.0:
            return
        if done >= 1.0 and not self._shown:  # the result says so
            return
        self._shown = True
        if sys.stderr.isatty():
            self._draw(done)
        elif int(10 * done) > self._tenths:
            self._tenths = int(10 * done)
            print(f"{self._doing}: {10 * self._tenths} %", file=sys.stderr, flush=True)

    def _draw(self, done: float) -> None:
        if self._bar is None:
            from tqdm import tqdm

            shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left"
            self._bar = tqdm(total=1.0, desc=self._doing, bar_format=shape, file=sys.stderr, leave=False)
        self._bar.update(done - self._bar.n)
        if done >= 1.0:
            self._bar.close()


def _tell_share(share: float, facts: Mapping[str, Any]) -> None:
    """Append how much is done, unless that was said a moment ago."""
    global _last
    now = time.monotonic()
    if is_asked_for() and (now - _last >= _PAUSE or share >= 1.0):
        _last = now
        tell(share=round(min(max(share, 0.0), 1.0), 4), **facts)


class ProgressFile(Callback):
    """Tells of a training, step by step as it logs, and of everything that a page would show anew."""

    def on_start(self, run: RunInfo) -> None:
        """The run folder is there."""
        tell(started=True, step=run.start_step)

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        """Tell the step, and how fast it goes."""
        share = report.step / report.steps if report.steps else 0.0
        tell(share=round(share, 4), step=report.step, steps=report.steps, rate=round(report.steps_per_second, 4))

    def on_preview(self, run: RunInfo, preview: Preview) -> None:
        """Tell that there is a new sheet."""
        tell(preview=preview.step)

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        """Tell that there are new scores."""
        tell(scored=report.step)

    def on_checkpoint(self, run: RunInfo, report: CheckpointReport) -> None:
        """Tell that there is a model to try."""
        tell(checkpoint=report.step)
