"""Checkpoints: a folder each, which appears whole or not at all.

checkpoints/step-00020000/  weights.safetensors   generators, discriminators, moving average
                            state.pt              step, optimisers (read with weights_only=True)
                            process-0.pt          history buffers and random generators of each process
                            progress.json         samples drawn so far, and how they were divided among processes
                            checksums.json        size and CRC-32 of each of them
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import ModelFileError
from ..files import flush, output_error
from ..model.of_run import PREFIX, WEIGHTS, checkpoint_folder
from ..model.stored import (
    CHECKSUMS,
    Unreadable,
    compare_with_recorded,
    file_facts,
    first_line,
    is_recorded,
    load_plain,
    load_tensors,
    save_plain,
    save_tensors,
)
from ..settings.mapping import from_mapping, to_mapping
from ..settings.plain import from_json
from .layout import Progress
from .pace import Pace

FORMAT = 1
PROGRESS = "progress.json"


@dataclass(frozen=True)
class Checkpoint:
    """State of one process in a checkpoint folder."""

    step: int
    weights: Mapping[str, Tensor]
    shared: Mapping[str, Any]
    local: Mapping[str, Any]
    best: float | None
    best_step: int | None = None
    """The step of the model that `best` is the figure of; None where there is none, or an earlier version wrote it."""
    post_hoc: Mapping[str, Any] | None = None
    """State of the post-hoc averages; None where none are kept."""
    seconds: float | None = None
    """Seconds of training until then; None where an earlier version wrote it."""
    pace: Pace | None = None
    """The pace of the run as it was then; None likewise."""
    scoring: Mapping[str, Any] = field(default_factory=dict)
    """Checkpoints without gain, and the times of scoring; empty where an earlier version wrote it."""


def listed(run: Path) -> list[Path]:
    """Checkpoint folders of a run, oldest first: a folder has its name when all of it is written."""
    found = (run / "checkpoints").glob(f"{PREFIX}*")
    return sorted(path for path in found if path.name.removeprefix(PREFIX).isdecimal() and path.is_dir())


def steps(run: Path) -> list[int]:
    """Steps whose checkpoints are kept, oldest first."""
    return [step_of(path) for path in listed(run)]


def newest(run: Path) -> Path | None:
    """The newest checkpoint folder of a run, if any."""
    found = listed(run)
    return found[-1] if found else None


def save_local(run: Path, step: int, rank: int, local: Mapping[str, Any]) -> None:
    """Write one process's part into the checkpoint in the making. Raises OutputError."""
    unfinished = _unfinished(run, step)
    with _whole_or_gone(unfinished, checkpoint_folder(run, step)):
        unfinished.mkdir(parents=True, exist_ok=True)
        save_plain(local, unfinished / f"process-{rank}.pt")


def save_shared(
    run: Path,
    step: int,
    weights: Mapping[str, Tensor],
    shared: Mapping[str, Any],
    best: float | None,
    best_step: int | None = None,
    post_hoc: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    pace: Pace | None = None,
    progress: Progress | None = None,
    scoring: Mapping[str, Any] | None = None,
) -> Path:
    """Write what all processes share and give the checkpoint its name; call after every `save_local`.

    Raises OutputError, and then leaves nothing behind.
    """
    unfinished, target = _unfinished(run, step), checkpoint_folder(run, step)
    with _whole_or_gone(unfinished, target):
        unfinished.mkdir(parents=True, exist_ok=True)
        save_tensors(weights, unfinished / WEIGHTS)
        state: dict[str, Any] = {"format": FORMAT, "step": step, "optimisers": dict(shared)}
        state |= {"best": best, "best_step": best_step, "scoring": dict(scoring or {})}
        if post_hoc is not None:
            state["post_hoc"] = dict(post_hoc)
        if pace is not None:
            state |= {"seconds": seconds, "pace": {"steps": pace.steps, "plans": [list(plan) for plan in pace.plans]}}
        save_plain(state, unfinished / "state.pt")
        if progress is not None:
            (unfinished / PROGRESS).write_text(json.dumps(to_mapping(progress), indent=2) + "\n")
        facts = {file.name: file_facts(file) for file in sorted(unfinished.iterdir())}
        (unfinished / CHECKSUMS).write_text(json.dumps(facts, indent=2) + "\n")
        for file in unfinished.iterdir():
            flush(file)
        if target.exists():
            shutil.rmtree(target)
        unfinished.replace(target)
        flush(target.parent)
    return target


@contextmanager
def _whole_or_gone(unfinished: Path, target: Path) -> Iterator[None]:
    """Remove the checkpoint in the making when it cannot be written, and raise OutputError."""
    try:
        yield
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise output_error(target, error) from error


def prune(run: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, and what a killed process left unfinished."""
    for old in listed(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    for unfinished in (run / "checkpoints").glob(".unfinished-*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def load(folder: Path, rank: int = 0) -> Checkpoint:
    """Read one process's view of a checkpoint. Nothing in it is executed.

    Raises:
        ModelFileError: it is damaged, made by a newer version, or by another number of processes; the message names the
            one before it.
    """
    weights, state, local = names = (WEIGHTS, "state.pt", f"process-{rank}.pt")
    for name in names:
        _require(folder, name)
    with _judged(folder):
        found = _checkpoint(
            load_plain(folder / state), load_tensors(folder / weights), load_plain(folder / local), folder
        )
        compare_with_recorded(folder, names)
    return found


def load_local(folder: Path, rank: int) -> Mapping[str, Any]:
    """The state of one process alone. Raises ModelFileError."""
    name = f"process-{rank}.pt"
    _require(folder, name)
    with _judged(folder):
        compare_with_recorded(folder, [name])
        return _local(load_plain(folder / name))


def progress(folder: Path) -> Progress | None:
    """How far the run is at a checkpoint; None where an earlier version wrote it. Raises ModelFileError."""
    if not (folder / PROGRESS).exists() and not is_recorded(folder, PROGRESS):
        return None
    _require(folder, PROGRESS)
    with _judged(folder):
        compare_with_recorded(folder, [PROGRESS])
        try:
            return from_mapping(Progress, from_json((folder / PROGRESS).read_text()))
        except ValueError as error:
            raise Unreadable(f"{PROGRESS}: {error}") from error


def step_of(folder: Path) -> int:
    """The step of a checkpoint, by its own name."""
    return int(folder.name.removeprefix(PREFIX))


def _require(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        local = name.startswith("process-")
        advice = "resume with as many processes as it was trained with" if local else _instead(folder)
        raise ModelFileError(f"{folder} has no {name}; {advice}")


def last_good(run: Path) -> Path | None:
    """The newest checkpoint of a run that can be gone on from, if there is one."""
    for folder in reversed(listed(run)):
        try:
            load(folder)
        except ModelFileError:
            continue
        return folder
    return None


@contextmanager
def fitting(folder: Path) -> Iterator[None]:
    """Take up what a checkpoint holds in this block: what does not fit the run is a ModelFileError that says so."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        reason = f"{type(error).__name__} {error}" if isinstance(error, LookupError) else first_line(error)
        raise ModelFileError(f"{folder} does not fit this run ({reason}); {_instead(folder)}") from error


@contextmanager
def _judged(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFileError(f"{folder} cannot be read: {error.strerror or error}") from error
    except Unreadable as error:
        raise ModelFileError(f"{folder} is damaged ({first_line(error)}); {_instead(folder)}") from error


def _instead(folder: Path) -> str:
    older = [each.name for each in listed(folder.parent.parent) if each.name < folder.name]
    return f"delete it to resume from an older one ({older[-1] if older else 'there is none: the run begins anew'})"


def _checkpoint(state: Any, weights: Mapping[str, Tensor], local: Any, folder: Path) -> Checkpoint:
    """The parts as one, when each is what it should be. Raises Unreadable, or ModelFileError for a newer version."""
    if not isinstance(state, Mapping) or not isinstance(state.get("format"), int):
        raise Unreadable("state.pt is no state of a run")
    if state["format"] > FORMAT:
        raise ModelFileError(f"{folder} was made by a newer version of unpaired; update to continue from it")
    step, shared, best, best_step = (state.get(key) for key in ("step", "optimisers", "best", "best_step"))
    if not isinstance(step, int) or step < 0 or not isinstance(shared, Mapping):
        raise Unreadable("state.pt has no step or no optimisers")
    if best is not None and not isinstance(best, int | float):
        raise Unreadable(f"best in state.pt is {type(best).__name__}, expected a number")
    if best_step is not None and not isinstance(best_step, int):
        raise Unreadable(f"best_step in state.pt is {type(best_step).__name__}, expected a whole number")
    if not isinstance(post_hoc := state.get("post_hoc"), Mapping | None):
        raise Unreadable(f"the averages in state.pt are {type(post_hoc).__name__}, expected a dictionary")
    _local(local)
    for name, value in weights.items():
        if not bool(value.isfinite().all()):
            raise Unreadable(f"{name[:80]} is not finite")
    scoring, (seconds, pace) = _scoring(state.get("scoring")), _timing(state)
    return Checkpoint(step, weights, shared, local, best, best_step, post_hoc, seconds, pace, scoring)


def _timing(state: Mapping[str, Any]) -> tuple[float | None, Pace | None]:
    """Seconds and pace of a state, where it has them. Raises Unreadable."""
    if "pace" not in state:
        return None, None
    try:
        steps, plans = int(state["pace"]["steps"]), state["pace"]["plans"]
        return float(state["seconds"]), Pace(steps, tuple((int(start), int(end)) for start, end in plans))
    except (LookupError, TypeError, ValueError) as error:
        raise Unreadable("state.pt has no seconds, or no pace, that can be read") from error


def _scoring(found: Any) -> Mapping[str, Any]:
    found = {} if found is None else found
    if not isinstance(found, Mapping) or not all(isinstance(each, int | float | None) for each in found.values()):
        raise Unreadable("scoring in state.pt is no mapping of numbers")
    return found


def _local(state: Any) -> Mapping[str, Any]:
    if not isinstance(state, Mapping):
        raise Unreadable(f"a process's state is {type(state).__name__}, expected a dictionary")
    return state


def _unfinished(run: Path, step: int) -> Path:
    return run / "checkpoints" / f".unfinished-{step:08d}"
