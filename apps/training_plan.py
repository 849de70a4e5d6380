"""What a run would take, as `unpaired train --plan` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import unpaired
from unpaired.apps.run_settings import RunSettings
from unpaired.core.monitoring import duration

if TYPE_CHECKING:
    from unpaired import TrainingEstimate


def print_plan(settings: RunSettings) -> None:
    """Print what the run would take with each preset."""
    given = {name: value for name, value in vars(settings).items() if name not in ("out", "preset", "names")}
    estimates = unpaired.plan_training(**given)
    columns = ["preset", "memory", "GPU memory", "step/s", "first preview", "duration", "steps", "disk"]
    table = [columns, *([cells[column] for column in columns] for cells in map(_cells, estimates) if cells)]
    if all(each.device_memory is None for each in estimates):
        table = [[cell for cell, column in zip(row, columns, strict=True) if column != "GPU memory"] for row in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for each in estimates:
        if each.fault:
            print(f"{each.preset}: {each.fault}")


def _cells(estimate: TrainingEstimate) -> dict[str, str]:
    """The row of an estimate, by column; none for what cannot be trained."""
    if estimate.fault:
        return {}
    return {
        "preset": estimate.preset,
        "memory": _size(estimate.memory),
        "GPU memory": _size(estimate.device_memory or 0),
        "step/s": f"{estimate.steps_per_second:.3g}",
        "first preview": duration(estimate.first_preview_seconds),
        "duration": duration(estimate.seconds),
        "steps": f"{estimate.steps:,}",
        "disk": _size(estimate.disk),
    }


def _size(size: int) -> str:
    return f"{size / 1e9:.2g} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
