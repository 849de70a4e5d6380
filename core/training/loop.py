"""The training loop of one process: batches in, steps, and what is written on the way."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from ..errors import CallbackError, Interrupted, NumericsError, OutputError, as_note
from ..model.model_file import Model, header_if_any, save_model
from ..model.of_run import BEST, checkpoint_folder
from ..monitoring.log import seconds_logged
from ..monitoring.monitor import Monitor
from ..monitoring.records import CheckpointReport, StepReport
from ..runtimes.yielding import yielding_cores
from ..samples import Batch, Warp
from ..settings.mapping import write_yaml
from . import checkpoints, elastic
from .best import Best
from .course import AGREE_EVERY, Course
from .engine import Engine
from .estimate import checkpoint_seconds, outlook
from .layout import Layout, Progress
from .loader import PairDataset, Positions, loader
from .means import Means
from .pace import Pace
from .plan import RunPlan
from .post_hoc import drop_snapshots, keep_snapshot
from .previews import preview
from .remarks import Skipped, say_left_out
from .resources import told_in_words
from .scoring import CheckpointScorer
from .signals import stop_requests
from .start_from import begin_from
from .timekeeper import Timekeeper

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def run(fabric: Fabric, plan: RunPlan) -> None:
    """Train `plan` to its last step, from its newest checkpoint if it has one."""
    torch.manual_seed(plan.training.seed + fabric.global_rank)
    with told_in_words(), yielding_cores():
        Loop(fabric, plan).run()


class Loop:
    """One run in one process."""

    def __init__(self, fabric: Fabric, plan: RunPlan) -> None:
        self.fabric, self.plan, self.settings = fabric, plan, plan.training
        self.engine = Engine(fabric, plan.networks, plan.objective, plan.training)
        self.step = 0
        self._layout = Layout.of(plan.training)
        self._start = Progress(0, 0, self._layout)
        self.best = Best(plan.best)
        files, extractor = plan.held_out.scored, plan.training.extractor
        self.scorer = CheckpointScorer(plan.domain, files, extractor, self._say, plan.teachers)
        self._saved: int | None = None
        self.course = self._restore()
        self.monitor: Monitor | None = None
        self._begun = False
        self._means = Means()
        self._counted = 0
        self._since = time.perf_counter()
        self._skipped = Skipped(self._say)
        self._announced = False
        say_left_out(plan.inventories, fabric.print)
        plan.held_out.say(fabric.print)

    def run(self) -> None:
        """The loop itself."""
        ended: BaseException | None = None
        try:
            with stop_requests() as stop:
                self._complete()
                for batches in self._batches():
                    if said := self.best.exhausted(self.settings.patience):
                        self._say(f"stopped after step {self.step} of {self.course.pace.steps}: {said}")
                        self.course.pace = self.course.pace.stopped_at(self.step)
                        self._preview(last=True)
                        break
                    self._advance(batches)
                    if self._stopping(stop.is_set() or self._fault is not None):
                        self._interrupt()
                    if self.step >= self.course.pace.steps:
                        break
            self._begin()
            if self._saved != self.step:
                self._save()
            self._complete_deadline()
            if self._fault is not None:
                raise self._fault
        except BaseException as error:
            ended = error
            if isinstance(error, OSError):  # TensorBoard's, or an OutputError
                self._require_folder(error)
            raise
        finally:
            if self.monitor is not None:
                self.monitor.close(self.step, ended, write=not self._removed())

    @property
    def _fault(self) -> CallbackError | Interrupted | None:
        """What a callback of the user's raised."""
        return None if self.monitor is None else self.monitor.fault

    def _removed(self) -> bool:
        """Whether somebody removed the run folder, or what makes it one, since this run took it."""
        return self.monitor is not None and not (self.plan.out / "config.yaml").exists()

    def _require_folder(self, cause: OSError | None = None) -> None:
        """Raise OutputError where the run folder was removed: a new one in its place would have no past."""
        if self._removed():
            out = self.plan.out
            raise OutputError(
                f"the run folder {out} was removed or moved at step {self.step} of its training"
            ) from cause

    def _begin(self, losses: Collection[str] = ()) -> None:
        """Take the run folder, once: after the first step, so that what cannot be trained leaves no folder behind."""
        if self._begun:
            return
        if losses and (self.step - 1) % self.plan.objective.period == 0:  # a step with all losses
            self.best.require_logged(losses)
        self._begun = True
        if self.fabric.is_global_zero:
            with self.course.timekeeper.interruption("start"):
                self._take_folder()

    def _take_folder(self) -> None:
        plan, start = self.plan, self._saved or 0
        settings = self._write_settings(self.settings.minutes)
        drop_snapshots(plan.out, start)
        plan.write_inputs()
        self.monitor = Monitor(plan.out, plan.domain, plan.objective, settings, start, callbacks=plan.callbacks)
        self.monitor.say(f"report: {plan.out / 'report.html'}")

    def _write_settings(self, minutes: float | None) -> dict[str, Any]:
        """Write config.yaml with the pace as it is now; the settings as a mapping."""
        settings = self.plan.with_pace(self.course.pace, minutes).mapping()
        write_yaml(self.plan.out / "config.yaml", settings)
        return settings

    def _complete_deadline(self) -> None:
        """Record what a deadline came to, so that the run can be repeated without a clock."""
        if self.settings.minutes is None or not self.fabric.is_global_zero:
            return
        self._write_settings(None)
        took = self.course.timekeeper.elapsed / 60
        self._say(f"{self.step:,} steps in {took:.3g} of {self.settings.minutes:g} minutes; to repeat them exactly: "
                  f"unpaired train --config {self.plan.out / 'config.yaml'} --out AGAIN")  # fmt: skip

    def _complete(self) -> None:
        """Write the model files that did not follow the checkpoint they belong to: the run was killed between the two,
        or the disk was full."""
        if self._saved is None or not self.fabric.is_global_zero:
            return
        for name, step in (("model.safetensors", self.step), ("best.safetensors", self.best.step)):
            file = self.plan.out / name
            if step == self.step and header_if_any(file).get("step") != step:
                self._say(f"{file} is missing or of another step; writing that of step {step}")
                save_model(self._model(), file)
        if (done := self.step) >= self.course.pace.steps:
            self._say(f"nothing left to do: {self.plan.out} has had its {done} steps; give more --steps or --minutes")

    def _say(self, text: str) -> None:
        self.fabric.print(as_note(text), file=sys.stderr)

    def _batches(self) -> Iterator[list[Batch]]:
        """The batches of one step after another, on the device."""
        samples = self._layout.samples_a_step
        files = {side: each.drawn for side, each in self.plan.inventories.items()}
        dataset = PairDataset(self.plan.domain, files, self.settings, samples, self.plan.objective.paired)
        rank, processes = self.fabric.global_rank, self.fabric.world_size
        positions = Positions(self.settings, self.step, rank, processes, lambda: self.course.pace, self._start.samples)
        gathered: list[Batch] = []
        for batch in loader(dataset, positions, self.fabric.device.type == "cuda", self._say):
            self._skipped(batch.problems)
            gathered.append(self.fabric.to_device(batch))
            if len(gathered) == self.settings.accumulate:
                yield gathered
                gathered = []

    def _advance(self, batches: list[Batch]) -> None:
        settings, step = self.settings, self.step
        share = settings.discriminator_constant_share
        share = settings.constant_share if share is None else share
        pace = self.course.pace
        factors = pace.factor(step, settings.constant_share), pace.factor(step, share)
        losses = self.engine.step(batches, self._warp(step), factors, step)
        self._means.add(losses)
        self._counted += 1
        self.step = step + 1
        due = self.course.after(self.step)
        if self.course.has_begun(self.step):
            self._begin(losses)
        if any(due):
            self._require_folder()
        if due.log:
            self._log(settings.learning_rate * factors[0])
        if due.preview:
            self._preview(last=self.step >= self.course.pace.steps)
        if due.checkpoint:
            self._save()
        self._announce()

    def _preview(self, last: bool) -> None:
        if self.monitor is not None:
            with self.course.doing("preview"):
                self.monitor.preview(preview(self.fabric, self.plan, self.engine.averaged, self.step, last))

    def _announce(self) -> None:
        """Say once, after a few seconds, how long the run will take, and what memory."""
        if self.monitor is not None and not self._announced:
            text = outlook(self.course, self.step, self.fabric.device)
            self._announced = bool(text)
            if text:
                self.monitor.say(text)

    def _warp(self, step: int) -> Warp | None:
        return self.plan.domain.warp(np.random.default_rng([self.settings.seed, ord("w"), step]))

    def _log(self, rate: float) -> None:
        means, counts = self._means.take()
        now = time.perf_counter()
        speed = self._counted / max(now - self._since, 1e-9)
        self.best.add(means, counts.get(self.best.name, 0))
        self._counted, self._since = 0, now
        if self.monitor is not None:
            self.monitor.log(StepReport(self.step, self.course.pace.steps, means, rate, speed))
        bad = [name for name, value in means.items() if not np.isfinite(value)]
        if bad:
            self._diverged(f"{', '.join(bad)} became NaN or infinite")

    def _diverged(self, what: str) -> None:
        good = checkpoints.last_good(self.plan.out)
        fix = "lower training.learning_rate or set training.clip to 1"
        if self.monitor is not None:
            self.monitor.diverged(self.step, what)
        last = f"the last good checkpoint is {good}" if good else "there is no good checkpoint yet"
        raise NumericsError(f"{what} at step {self.step}; {last}; {fix}, or training.precision to fp32")

    def _save(self, score: bool = True) -> None:
        """Checkpoint and model file, if the weights are sound."""
        if not self.engine.finite():
            self._diverged("weights became NaN or infinite")
        if score and self.scorer.files:
            self._score()
        with self.course.doing("checkpoint"):
            checkpoints.save_local(self.plan.out, self.step, self.fabric.global_rank, self.engine.local_state())
            self.fabric.barrier()
            if self.fabric.is_global_zero:
                self._save_shared(self.best.improves(self.step))
            self.fabric.barrier()
            self.best.agree(self.fabric)
        self._saved = self.step

    def _save_shared(self, best: bool) -> None:
        run_folder, weights, shared = self.plan.out, self.engine.weights(), self.engine.shared_state()
        averages = self.engine.post_hoc.state() if self.engine.post_hoc else None
        checkpoints.save_shared(
            run_folder, self.step, weights, shared, self.best.value, self.best.step, averages,
            self.course.timekeeper.elapsed, self.course.pace, self._start.after(self.step, self._layout),
            self.best.state() | self.scorer.state(),
        )  # fmt: skip
        if self.settings.minutes is not None:
            self._write_settings(self.settings.minutes)
        checkpoints.prune(run_folder, self.settings.keep)
        kept = {*checkpoints.steps(run_folder), self.best.step or 0}
        keep_snapshot(run_folder, self.step, self.engine.post_hoc, kept)
        model = self._model()
        save_model(model, run_folder / "model.safetensors")
        if best:
            save_model(model, run_folder / "best.safetensors")
        if self.monitor is not None:
            folder = checkpoint_folder(run_folder, self.step)
            self.monitor.checkpoint(CheckpointReport(self.step, folder, run_folder / "model.safetensors", best))

    def _score(self) -> None:
        """Score the averaged generators, in the first process, while the others wait."""
        with self.course.timekeeper.interruption("score"):
            if self.monitor is not None:
                seconds, progress = self.course.timekeeper.elapsed, self.step / self.course.pace.steps
                if report := self.scorer.score(self.engine, self.step, seconds, progress):
                    self.best.add_scores(report)
                    self.monitor.score(report)
            self.fabric.barrier()

    def _model(self) -> Model:
        return self.plan.model(self.engine.averaged.by_direction(), self.step, self.best.metrics())

    def _restore(self) -> Course:
        """Take up the newest checkpoint, if there is one; the course of the run from there on."""
        folder = checkpoints.newest(self.plan.out)
        if folder is None:
            if (self.plan.out / "config.yaml").exists():
                self._say(f"{self.plan.out} has no checkpoint yet, so that the run begins anew")
            begin_from(self.engine, self.plan)
            return self._course(0.0, None)
        checkpoint, self._start = elastic.load(folder, self.plan, self.fabric.global_rank)
        with checkpoints.fitting(folder):
            self.engine.restore_weights(checkpoint.weights)
            self.engine.restore_shared_state(checkpoint.shared)
            self.engine.restore_post_hoc(checkpoint.post_hoc)
            self.engine.restore_local_state(checkpoint.local)
        if self.best.is_of(header_if_any(self.plan.out / BEST)):
            self.best.restore(checkpoint.best, checkpoint.best_step, checkpoint.scoring)
        self.scorer.restore(checkpoint.scoring)
        self.step = self._saved = checkpoint.step
        seconds = checkpoint.seconds
        return self._course(seconds_logged(self.plan.out, self.step) if seconds is None else seconds, checkpoint.pace)

    def _course(self, spent: float, pace: Pace | None) -> Course:
        timekeeper = Timekeeper(self.plan.began, spent, period=self.plan.objective.period)
        costs = checkpoint_seconds(self.engine), lambda: self.scorer.expected
        return Course(self.fabric, self.settings, timekeeper, self.step, pace, *costs)

    def _stopping(self, asked: bool) -> bool:
        """Whether to stop after this step: in all processes alike, else those that go on wait for one that does not."""
        if self.fabric.world_size == 1:
            return asked
        if self.step % AGREE_EVERY:
            return False
        share = self.fabric.all_reduce(torch.tensor(float(asked), device=self.fabric.device), reduce_op="mean")
        return float(cast(Tensor, share)) > 0.0

    def _interrupt(self) -> None:
        self._begin()
        if self._saved != self.step:
            self._save(score=False)
        if self._fault is not None:
            raise self._fault
        self._preview(last=True)
        raise Interrupted(f"stopped after step {self.step} of {self.course.pace.steps}; the state is saved in "
                          f"{self.plan.out}; continue with --resume")  # fmt: skip
