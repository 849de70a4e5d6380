"""Callbacks: code of one's own that is called while a run goes on."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, CallbackError, Interrupted, one_line
from ..settings.arguments import expect
from .records import CheckpointReport, EndReport, Preview, ScoreReport, StepReport

if TYPE_CHECKING:
    from ..adapter.domain import Domain


@dataclass(frozen=True)
class RunInfo:
    """The run that a callback is called for; the same throughout."""

    folder: Path
    """The run folder."""
    domain: Domain
    """The adapter of the medium, as fitted to the data."""
    settings: Mapping[str, Any]
    """Every setting, nested as in config.yaml."""
    start_step: int
    """The step that the run resumes from; 0 for a new one."""


class Callback:
    """Base of all callbacks: override the methods you need, the others do nothing.

    Methods are called in the first process of a run, between two steps, and the training waits for them. They may draw
    random numbers: the weights are the same with a callback and without.

    An exception in a method stops the run after that step as Ctrl-C does: its state is saved, `on_end` is called, and
    `train` raises CallbackError with the exception as its cause. The callback that failed is called no more, except
    `on_end`. To end a run on purpose raise `unpaired.Interrupted`, which `train` raises as it is.
    """

    def on_start(self, run: RunInfo) -> None:
        """The run folder has been made, after the first step."""

    def on_log(self, run: RunInfo, report: StepReport) -> None:
        """Losses were logged, every `training.log_every` steps."""

    def on_preview(self, run: RunInfo, preview: Preview) -> None:
        """A preview sheet was written."""

    def on_score(self, run: RunInfo, report: ScoreReport) -> None:
        """Held-out files were scored."""

    def on_checkpoint(self, run: RunInfo, report: CheckpointReport) -> None:
        """A checkpoint and its model file were written."""

    def on_end(self, run: RunInfo, report: EndReport) -> None:
        """The run ends: complete, interrupted or failed. Called once, also after an exception."""


class Callbacks:
    """The user's callbacks, called one after another.

    `fault` is what one of them raised, ready to be raised when the state of the training has been saved.
    """

    def __init__(self, run: RunInfo, callbacks: Sequence[Callback]) -> None:
        self._run = run
        self._all, self._working = tuple(callbacks), list(callbacks)
        self.fault: CallbackError | Interrupted | None = None
        self._call("on_start", run.start_step, lambda each: each.on_start(run))

    def on_log(self, report: StepReport) -> None:
        self._call("on_log", report.step, lambda each: each.on_log(self._run, report))

    def on_preview(self, preview: Preview) -> None:
        self._call("on_preview", preview.step, lambda each: each.on_preview(self._run, preview))

    def on_score(self, report: ScoreReport) -> None:
        self._call("on_score", report.step, lambda each: each.on_score(self._run, report))

    def on_checkpoint(self, report: CheckpointReport) -> None:
        self._call("on_checkpoint", report.step, lambda each: each.on_checkpoint(self._run, report))

    def on_end(self, report: EndReport) -> None:
        """Call `on_end` of every callback, those that failed included; `fault` is then what failed here, if any did."""
        self._working, self.fault = list(self._all), None
        self._call("on_end", report.step, lambda each: each.on_end(self._run, report))

    def _call(self, hook: str, step: int, act: Callable[[Callback], None]) -> None:
        for callback in tuple(self._working):
            try:
                with _kept_random_state():
                    act(callback)
            except (Exception, Interrupted) as error:
                self._working.remove(callback)
                self.fault = self.fault or _fault(callback, hook, step, error)


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """The callbacks of a list. Raises ArgumentError unless it is one."""
    expect("callbacks", callbacks, (list, tuple), "a list of unpaired.Callback")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            kind = "a class; give an instance of it" if isinstance(callback, type) else "not an unpaired.Callback"
            raise ArgumentError(f"callbacks holds {_name(callback)}, which is {kind}")
    return tuple(callbacks)


def check_pickled(callbacks: Sequence[Callback]) -> None:
    """Raise ArgumentError for a callback that cannot be sent to another process."""
    for callback in callbacks:
        try:
            pickle.dumps(callback)
        except Exception as error:
            raise ArgumentError(
                f"callback {_name(callback)} cannot be pickled ({one_line(error)}), so that it cannot be sent to the "
                "processes of training; define its class at the top of a module and open files in on_start, or set "
                "training.processes to 1"
            ) from error


def _fault(callback: Callback, hook: str, step: int, error: BaseException) -> CallbackError | Interrupted:
    if isinstance(error, Interrupted):
        return error
    state = "" if hook == "on_end" else "; the state of the training is saved, continue with --resume"
    fault = CallbackError(
        f"callback {_name(callback)} failed in {hook} at step {step}: {type(error).__name__}: {one_line(error)}{state}"
    )
    fault.__cause__ = error
    return fault


def _name(callback: object) -> str:
    kind = callback if isinstance(callback, type) else type(callback)
    return kind.__name__


@contextmanager
def _kept_random_state() -> Iterator[None]:
    """Give torch's generators back as they were."""
    import torch  # here, since a program that only reads logs needs none of it

    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices):
        yield
