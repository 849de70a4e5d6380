"""How a run divides its samples among steps and processes, and how far in its data it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..runtimes.devices import device_named
from .settings import TrainingSettings


@dataclass(frozen=True)
class Layout:
    """How the samples of a step are divided, and where they are computed: what an elastic resume may change."""

    batch: int = 1
    accumulate: int = 1
    processes: int = 1
    device: str = ""
    """cpu, cuda or mps; empty where an earlier version did not record it."""

    @classmethod
    def of(cls, training: TrainingSettings) -> Layout:
        """That of a training on this machine. Raises ConfigError: the device is not there."""
        device = device_named(training.device, "training.device")
        processes = training.processes if device.number is None else 1
        return cls(training.batch, training.accumulate, processes, device.kind)

    @property
    def samples_a_step(self) -> int:
        """Samples of each side that one optimiser step sees, in all processes together."""
        return self.batch * self.accumulate * self.processes

    def divides_as(self, other: Layout) -> bool:
        """Whether both give the same samples to the same step and process."""
        return replace(self, device="") == replace(other, device="")

    def changes_to(self, other: Layout) -> list[str]:
        """In words what is another in `other`; an unknown device is no change."""
        names = ["batch", "accumulate", "processes", *(["device"] if self.device and other.device else [])]
        pairs = [(name, getattr(self, name), getattr(other, name)) for name in names]
        return [f"{name} from {before} to {after}" for name, before, after in pairs if before != after]


@dataclass(frozen=True)
class Progress:
    """How far a run is in its steps and in its data."""

    step: int
    """Optimiser steps done."""
    samples: int
    """Samples of each side drawn until then."""
    layout: Layout
    """That of the last of these steps."""

    def after(self, step: int, layout: Layout) -> Progress:
        """The same run at a later step, if it goes on from here with `layout`."""
        return Progress(step, self.samples + (step - self.step) * layout.samples_a_step, layout)


@dataclass(frozen=True)
class Change:
    """A step from which on a run is divided or computed otherwise, and so no longer bitwise the same."""

    step: int
    samples: int
    """Samples of each side drawn before it; the others follow on from there."""
    before: Layout
    after: Layout

    def describe(self) -> str:
        """The change in words."""
        return f"{', '.join(self.before.changes_to(self.after))} at step {self.step:,}"
