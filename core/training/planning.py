"""`plan_training`: what a run would take, measured by a short one in a folder that goes again."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset

from ..adapter.checks import check_pickles
from ..adapter.datasets import Samples
from ..adapter.domain import Domain
from ..errors import ResourceError
from ..model.averages import FOLDER as AVERAGES
from ..monitoring.sheets import KEEP as SHEETS
from ..networks.presets import PRESETS
from ..networks.settings import NetworkSettings
from ..objectives.objective import Objective
from .devices import make_fabric
from .loop import Loop
from .moments import FIRST, moments
from .plan import RunPlan
from .post_hoc import KEEP as SNAPSHOTS
from .precision import with_precision
from .preflight import check_bounds, check_classes
from .resources import loader_memory, peak_device_memory, peak_memory, told_in_words
from .run import checked, resolve, test_folders
from .settings import TrainingSettings

_FEWEST = 3
"""Timed steps that an estimate is based on at least."""


@dataclasses.dataclass(frozen=True)
class TrainingEstimate:
    """What a run would take with one preset."""

    preset: str
    """Size of the networks."""
    fault: str = ""
    """Reason why it cannot be trained; the figures are then 0."""
    steps: int = 0
    """Optimiser steps: those that were asked for, or that fit into the minutes."""
    steps_per_second: float = 0.0
    """Speed of training."""
    seconds: float = 0.0
    """Duration of the run, with previews, checkpoints and its start."""
    first_preview_seconds: float = 0.0
    """Seconds to the first preview of a trained model. (There is one of the untrained one before.)"""
    first_model_seconds: float = 0.0
    """Seconds to the first checkpoint, and the model file that can be used."""
    memory: int = 0
    """Bytes of memory that the training process took at most, and its loader processes have to themselves."""
    device_memory: int | None = None
    """Bytes of a GPU's memory that PyTorch took; None on other devices."""
    disk: int = 0
    """Bytes of the run folder at the end."""


def plan_training(
    domain: Domain,
    a: str | os.PathLike[str] | Samples | Dataset[Any],
    b: str | os.PathLike[str] | Samples | Dataset[Any],
    *,
    presets: Sequence[str] = tuple(PRESETS),
    networks: NetworkSettings | None = None,
    objective: Any = None,
    objective_name: str | type[Objective] = "cycle",
    training: TrainingSettings | None = None,
    test_a: str | os.PathLike[str] | None = None,
    test_b: str | os.PathLike[str] | None = None,
    seconds: float = 6.0,
    **overrides: Any,
) -> tuple[TrainingEstimate, ...]:
    """Estimate what a run would take, for each of some presets, and leave nothing behind.

    Each preset is trained for some `seconds` in a process of its own, on the real files with the real networks, into a
    temporary folder; the first steps are left out. One process is measured, whatever `processes` says. As with all
    programs that start processes, a script must call this below `if __name__ == "__main__":`.

    Args:
        presets: sizes of the networks to compare.
        seconds: of steps that are timed with each preset.

    The other arguments are those of `unpaired.train`, and it raises what that does for what cannot be trained, but for
    a preset that the machine has no memory for: the fault is then in its estimate.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unpaired-plan-") as folder:
        given = (networks, objective, objective_name, training, ("A", "B"), overrides)
        plan = resolve(domain, a, b, Path(folder) / "run", presets[0], *given)
        plan = dataclasses.replace(plan, test=test_folders(test_a, test_b, plan.objective.generates))
        check_bounds(plan.training)
        with told_in_words():
            plan, _ = checked(plan)
        check_pickles(plan.domain, workers=0, processes=2)
        check_classes(plan)
        start = time.monotonic() - began
        plans = [dataclasses.replace(plan, preset=preset).with_networks() for preset in presets]
        return tuple(_estimate(each, start, seconds) for each in plans)


def _estimate(plan: RunPlan, start: float, seconds: float) -> TrainingEstimate:
    """The estimate of one preset, by a process of its own: its memory is then that of a run."""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_try, plan, start, seconds).result()
    except ResourceError as error:
        return TrainingEstimate(plan.preset, str(error))
    except BrokenProcessPool:
        return TrainingEstimate(plan.preset, "the system ended the process, most likely because memory ran out")


def _try(plan: RunPlan, start: float, seconds: float) -> TrainingEstimate:
    """Train for some seconds, preview and save; say what that took."""
    training = dataclasses.replace(plan.training, processes=1, minutes=None, pace=())
    with tempfile.TemporaryDirectory(prefix="unpaired-plan-") as folder, told_in_words(), _silence():
        run = with_precision(dataclasses.replace(plan, out=Path(folder) / "run", training=training))
        trial = _Trial(make_fabric(run.training), dataclasses.replace(run, began=time.monotonic()))
        memory = trial.train(seconds)
        minutes = plan.training.minutes
        return trial.estimate(start, memory, None if minutes is None else 60 * minutes)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class _Trial(Loop):
    """The beginning of a run, to measure it."""

    started = 0.0
    """Seconds from the beginning to the end of the first step."""

    def train(self, seconds: float) -> int:
        """Train for some seconds, preview and save; the bytes of memory at most."""
        loaders = 0
        for batches in self._batches():
            self._advance(batches)
            if self.step == 1:
                self.started = self.course.timekeeper.elapsed
            steps, timed = self.course.timekeeper.timed
            if timed >= seconds and steps >= _FEWEST:
                loaders = loader_memory()
                break
        self._preview(last=True)
        self._save()
        if self.monitor is not None:
            self.monitor.close(self.step)
        return (peak_memory() or 0) + loaders

    def estimate(self, start: float, memory: int, deadline: float | None) -> TrainingEstimate:
        """What the whole run would take; `start`: seconds that are spent before it begins."""
        each = self.course.timekeeper.step_seconds or 0.0
        start, steps = start + self.started, self.settings.steps
        if deadline is None:
            seconds = start + steps * each + self._interruptions(steps, steps * each)
        else:
            left = deadline - start - self._interruptions(int((deadline - start) / each), deadline)
            steps, seconds = max(0, int(left / each)), deadline
        first = FIRST[0] if deadline is None else min(FIRST[0], deadline / 3)
        preview, checkpoint = (
            min(
                seconds,
                (start + every * each if every else max(first, start + each)) + self.course.timekeeper.cost(what),
            )
            for what, every in self._every.items()
        )
        return TrainingEstimate(
            self.plan.preset,
            steps=steps,
            steps_per_second=1 / each if each else 0.0,
            seconds=seconds,
            first_preview_seconds=preview,
            first_model_seconds=checkpoint,
            memory=memory,
            device_memory=peak_device_memory(self.fabric.device),
            disk=self._disk(steps, seconds),
        )

    @property
    def _every(self) -> dict[str, int | None]:
        return {"preview": self.settings.preview_every, "checkpoint": self.settings.checkpoint_every}

    def _count(self, what: str, steps: int, seconds: float) -> int:
        """How often a whole run previews, or saves."""
        cost = self.course.timekeeper.cost(what)
        return 1 + moments(self._every[what], 0.0).left(0, steps, 0.0, seconds, cost)

    def _interruptions(self, steps: int, seconds: float) -> float:
        """Seconds that previews and checkpoints take in a whole run."""
        return sum(self._count(what, steps, seconds) * self.course.timekeeper.cost(what) for what in self._every)

    def _disk(self, steps: int, seconds: float) -> int:
        """Bytes of the run folder at the end, by those of the folder now: one checkpoint and two previews."""
        sizes = {file: file.stat().st_size for file in self.plan.out.rglob("*") if file.is_file()}
        of = {
            name: sum(size for file, size in sizes.items() if name in file.relative_to(self.plan.out).parts)
            for name in ("checkpoints", AVERAGES, "previews")
        }
        previews, checkpoints = 1 + self._count("preview", steps, seconds), self._count("checkpoint", steps, seconds)
        kept = min(self.settings.keep, checkpoints)
        averages = min(kept + SNAPSHOTS, checkpoints)
        whole = sum(sizes.values()) + (kept - 1) * of["checkpoints"] + (averages - 1) * of[AVERAGES]
        return whole + (min(previews, SHEETS) - 2) * of["previews"] // 2
