"""Checkpoints: a folder each, which appears whole or not at all.

checkpoints/step-00020000/  weights.safetensors   generators, discriminators, moving average
                            state.pt              step, optimisers (read with weights_only=True)
                            process-0.pt          history buffers and random generators of each process
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .errors import ModelFileError
from .files import flush, output_error

FORMAT = 1
_PREFIX = "step-"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder holds for one process."""

    step: int
    weights: Mapping[str, Tensor]
    shared: Mapping[str, Any]
    local: Mapping[str, Any]
    best: float | None


def folder_of(run: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return run / "checkpoints" / f"{_PREFIX}{step:08d}"


def listed(run: Path) -> list[Path]:
    """Complete checkpoint folders of a run, oldest first."""
    found = (run / "checkpoints").glob(f"{_PREFIX}*")
    return sorted(path for path in found if path.is_dir() and (path / "state.pt").is_file())


def save_local(run: Path, step: int, rank: int, local: Mapping[str, Any]) -> None:
    """Write one process's part into the checkpoint in the making. Raises OutputError."""
    _write(_unfinished(run, step) / f"process-{rank}.pt", local)


def save_shared(
    run: Path, step: int, weights: Mapping[str, Tensor], shared: Mapping[str, Any], best: float | None
) -> Path:
    """Write what all processes share and give the checkpoint its name; call after every `save_local`.

    Raises OutputError, and then leaves nothing behind.
    """
    unfinished, target = _unfinished(run, step), folder_of(run, step)
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        save_file(dict(weights), unfinished / "weights.safetensors")
        _write(unfinished / "state.pt", {"format": FORMAT, "step": step, "optimisers": dict(shared), "best": best})
        for file in unfinished.iterdir():
            flush(file)
        if target.exists():
            shutil.rmtree(target)
        unfinished.replace(target)
        flush(target.parent)
    except (OSError, SafetensorError, RuntimeError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(error, OSError):
            raise output_error(target, error) from error
        raise output_error(target, OSError(str(error))) from error
    return target


def prune(run: Path, keep: int) -> None:
    """Remove all but the newest `keep` checkpoints, and what a killed process left unfinished."""
    for old in listed(run)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    for unfinished in (run / "checkpoints").glob(".unfinished-*"):
        shutil.rmtree(unfinished, ignore_errors=True)


def load(folder: Path, rank: int = 0) -> Checkpoint:
    """Read one process's view of a checkpoint. Nothing in it is executed.

    Raises:
        ModelFileError: it is damaged, made by a newer version, or by another number of processes.
    """
    try:
        weights = load_file(folder / "weights.safetensors")
        state = torch.load(folder / "state.pt", weights_only=True)
        if state["format"] > FORMAT:
            raise ModelFileError(f"{folder} was made by a newer version of unpaired; update to continue from it")
        local = torch.load(folder / f"process-{rank}.pt", weights_only=True)
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{folder} has no {Path(error.filename).name}; resume with as many processes as it was trained with"
        ) from error
    except ModelFileError:
        raise
    except Exception as error:  # The restricted unpickler raises whatever a damaged file makes it stumble over.
        first = str(error).strip().split("\n")[0]
        raise ModelFileError(f"{folder} is damaged ({first}); delete it to resume from an older one") from error
    return Checkpoint(state["step"], weights, state["optimisers"], local, state["best"])


def _unfinished(run: Path, step: int) -> Path:
    return run / "checkpoints" / f".unfinished-{step:08d}"


def _write(path: Path, content: Any) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, path)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise output_error(path, error if isinstance(error, OSError) else OSError(str(error))) from error
