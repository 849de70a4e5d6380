"""The two averages of the generators from which one of any length is rebuilt after the training; see
`model.averages`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..model.averages import LENGTHS, exponent_of, save_snapshot, snapshot_file, snapshot_files
from ..model.stored import first_difference, shapes
from ..monitoring.sheets import thinned

EVERY = 4
"""Steps from one update to the next: a step in between counts as the one that follows it."""
KEEP = 8
"""Snapshots that are kept beside those of the checkpoints, evenly over the run."""


class PostHocAverages:
    """Averages of some generators whose memory is a fixed share of the steps so far.

    Nothing is drawn and nothing of the training is changed.
    """

    def __init__(self, generators: Mapping[Any, nn.Module], lengths: Sequence[float] = LENGTHS) -> None:
        live = {
            f"{direction}.{name}": parameter
            for direction, generator in generators.items()
            for name, parameter in generator.named_parameters()
        }
        self._live = list(live.values())
        self.averages = {length: {name: each.detach().clone() for name, each in live.items()} for length in lengths}
        self._powers = {length: exponent_of(length) + 1 for length in lengths}
        self.step = 0
        """Up to which they average."""

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the generators after `step` steps, where it is a step to do so."""
        if step % EVERY:
            return
        for length, average in self.averages.items():
            kept = (self.step / step) ** self._powers[length]
            torch._foreach_lerp_(list(average.values()), [each.data for each in self._live], 1.0 - kept)
        self.step = step

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        averages = {str(length): dict(average) for length, average in self.averages.items()}
        return {"step": self.step, "averages": averages}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a checkpoint's state. Raises ValueError or KeyError when it is not one."""
        for length, average in self.averages.items():
            found: Mapping[str, Tensor] = state["averages"][str(length)]
            if unlike := first_difference(shapes(average), shapes(found)):
                raise ValueError(unlike)
            for name, value in average.items():
                value.copy_(found[name])
        self.step = int(state["step"])


def keep_snapshot(run: Path, step: int, averages: PostHocAverages | None, spared: Collection[int]) -> None:
    """Write the snapshot of the checkpoint of `step`, and remove those beyond `KEEP` but for the `spared` ones.

    Raises OutputError.
    """
    if averages is None or averages.step == 0:
        return
    save_snapshot(snapshot_file(run, step), averages.step, averages.averages)
    files = snapshot_files(run)
    for old in thinned(list(files), KEEP):
        if old not in spared:
            files[old].unlink(missing_ok=True)


def drop_snapshots(run: Path, after: int) -> None:
    """Remove the snapshots of steps that a resumed run has yet to do again."""
    for step, path in snapshot_files(run).items():
        if step > after:
            path.unlink(missing_ok=True)
