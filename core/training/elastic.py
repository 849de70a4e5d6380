"""Going on with a run in another number of processes, with another batch or on another device.

Steps and all that follows them (learning rates, augmentation, moving average) stay as they are. The position in the
data is a count of samples, so that each is drawn once, however they are divided among steps and processes. Weights and
optimisers are the same in all processes; history buffers and random generators are redistributed here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ConfigError
from ..settings.mapping import from_mapping, read_yaml
from . import checkpoints
from .checkpoints import Checkpoint
from .layout import Change, Layout, Progress
from .plan import RunPlan

ADVICE = "--resume elastic goes on all the same, no longer bitwise (in Python resume='elastic')"


def resumed(plan: RunPlan, elastic: bool) -> tuple[RunPlan, str | None]:
    """The plan with the changes that its run went through, the one that is made now included, and a note on that.

    A change that is recorded already, from this very checkpoint, is made again: the run was ended before its next one.

    Raises:
        ConfigError: the newest checkpoint is of another layout, and the resume is not `elastic`.
        ModelFileError: the checkpoint is damaged.
    """
    folder = checkpoints.newest(plan.out)
    if folder is None:
        return plan, None
    now, config = Layout.of(plan.training), read_yaml(plan.out / "config.yaml")
    recorded = [_change(each) for each in config.get("elastic") or ()]
    before = _progress(folder, recorded, config.get("training") or {})
    change = Change(before.step, before.samples, before.layout, now)
    changed = before.layout.changes_to(now)
    if not (elastic or now.divides_as(before.layout) or change in recorded):
        raise ConfigError(f"{folder} was written before a change of {', '.join(changed)}; {ADVICE}")
    kept = [each for each in recorded if each.step < before.step]
    plan = dataclasses.replace(plan, changes=(*kept, change) if changed else tuple(kept))
    if not changed:
        return plan, None
    return plan, (
        f"{change.describe()}: from here on this is no longer bitwise the same run; it has drawn {before.samples:,} "
        f"samples of each side and goes on with the next, {now.samples_a_step} a step; steps and schedule stay"
    )


def load(folder: Path, plan: RunPlan, rank: int) -> tuple[Checkpoint, Progress]:
    """A checkpoint as the process `rank` of the run goes on from it, and how far the run is. Raises ModelFileError."""
    now, seed = Layout.of(plan.training), plan.training.seed
    before = checkpoints.progress(folder) or _from_plan(plan, checkpoints.step_of(folder), now)
    if before.layout.processes == now.processes:
        checkpoint = checkpoints.load(folder, rank)
    else:
        checkpoint = checkpoints.load(folder)
        states = [checkpoints.load_local(folder, each) for each in range(before.layout.processes)]
        with checkpoints.fitting(folder):
            local = redistributed(states, rank, now.processes, plan.objective.history, (seed, before.step))
        checkpoint = dataclasses.replace(checkpoint, local=local)
    if now.device == "cuda" and checkpoint.local.get("random_cuda") is None:  # it has not drawn there lately
        random = torch.Generator("cuda").manual_seed(fresh_seed(seed, before.step, rank, 3)).get_state()
        checkpoint = dataclasses.replace(checkpoint, local={**checkpoint.local, "random_cuda": random})
    return checkpoint, before


def redistributed(
    states: Sequence[Mapping[str, Any]], rank: int, processes: int, size: int, seeds: tuple[int, ...]
) -> dict[str, Any]:
    """The local state of one of `processes`, made of those that all processes had before.

    Samples of the history buffers are dealt out in turn; of more than `size` a process the last of each old buffer are
    left out. A process that there was before keeps its random generators, a new one gets generators of its own,
    seeded by `seeds` and `rank`.
    """
    local: dict[str, Any] = dict(states[rank]) if rank < len(states) else {"random_cuda": None}
    if rank >= len(states):
        local["random"] = _generator(*seeds, rank, 0).get_state()
    for number, name in enumerate(("history_a", "history_b"), start=1):
        buffers = [state[name]["samples"] for state in states]
        longest = max(map(len, buffers))
        dealt = [buffer[place] for place in range(longest) for buffer in buffers if place < len(buffer)]
        random = states[rank][name]["random"] if rank < len(states) else _generator(*seeds, rank, number).get_state()
        local[name] = {"samples": dealt[rank::processes][:size], "random": random}
    return local


def fresh_seed(*parts: int) -> int:
    """A seed for a generator that begins in the middle of a run: one that no other part of it has drawn from."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")


def _generator(*parts: int) -> torch.Generator:
    return torch.Generator().manual_seed(fresh_seed(*parts))


def _progress(folder: Path, recorded: Sequence[Change], training: Mapping[str, Any]) -> Progress:
    """How far a run was at a checkpoint, be it one of an earlier version, which recorded only the step."""
    found = checkpoints.progress(folder)
    if found is not None:
        return found
    step = checkpoints.step_of(folder)
    for change in recorded:
        if change.step == step:
            return Progress(step, change.samples, change.before)
    given = {name: training[name] for name in ("batch", "accumulate", "processes") if name in training}
    layout = from_mapping(Layout, given, "training")
    return Progress(step, step * layout.samples_a_step, layout)


def _from_plan(plan: RunPlan, step: int, now: Layout) -> Progress:
    """The same, from the plan of a run that `resumed` looked at."""
    if plan.changes and plan.changes[-1].step == step:
        change = plan.changes[-1]
        return Progress(step, change.samples, change.before)
    return Progress(step, step * now.samples_a_step, now)


def _change(recorded: Any) -> Change:
    return from_mapping(Change, recorded, "elastic")
