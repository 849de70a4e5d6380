"""Live conversion at the command line: cameras, streams and voices, with progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from json import dumps
from typing import TYPE_CHECKING

from unpaired.apps.command_line import quiet_libraries
from unpaired.apps.progress import tell
from unpaired.core import SIDES, as_note
from unpaired.core.adapter import PIPE

if TYPE_CHECKING:
    from unpaired import ConversionSettings, Translator
    from unpaired.core import Direction
    from unpaired.core.adapter import LiveReport

_SAY_EVERY = 5.0
"""Seconds of a conversion after which it is said again how it stands."""


def convert_live(
    translator: Translator,
    source: str,
    target: str,
    direction: Direction,
    options: ConversionSettings,
    *,
    rate: float | None,
    channels: int,
    json: bool,
) -> int:
    """Translate what is being filmed or spoken until it ends or Ctrl-C; say at the end how it went.

    Raises:
        UnpairedError: as `Domain.convert_live` has it.
    """
    side, _ = SIDES[direction]
    translate, shown = translator.for_direction(direction), Shown(source)
    with quiet_libraries():
        report = translator.domain.convert_live(
            source, target, translate, side, options, rate=rate, channels=channels, progress=shown.now_and_then
        )
    # Standard output is what goes into a pipe.
    with redirect_stdout(sys.stderr if target == PIPE else sys.stdout):
        print(dumps(report.as_dict(), indent=2) if json else report.text())
    shown.warn(report.warnings)
    return 0


class Shown:
    """What standard error was told of a live conversion of `source`."""

    def __init__(self, source: str) -> None:
        self._place = "" if source == PIPE else f"{source}: "
        self._last, self._warnings = 0.0, 0

    def now_and_then(self, report: LiveReport) -> None:
        """Say how it stands, every five of its seconds; warnings at once, and programs each time."""
        tell(live=report.as_dict())
        self.warn(report.warnings)
        if report.seconds - self._last >= _SAY_EVERY:
            self._last = report.seconds
            print(report.text(), file=sys.stderr, flush=True)

    def warn(self, warnings: Sequence[str]) -> None:
        """Say those that were not said yet."""
        for text in warnings[self._warnings :]:
            print(as_note(f"{self._place}{text}"), file=sys.stderr, flush=True)
        self._warnings = max(self._warnings, len(warnings))
