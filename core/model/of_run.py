"""The models of a run folder: its newest, its best, and that of each checkpoint that is kept.

A checkpoint holds weights alone; what they are the weights of is in the model file beside it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..adapter.domain import Domain
from ..errors import ConfigError, MissingFile, ModelFileError, show
from .averages import by_direction, rebuild
from .model_file import Model, header_if_any, load_model
from .stored import Unreadable, compare_with_recorded, first_difference, first_line, load_tensors, shapes
from .stored_generators import fill

if TYPE_CHECKING:
    from torch import Tensor, nn

LATEST, BEST, CONFIG = "model.safetensors", "best.safetensors", "config.yaml"
PREFIX, WEIGHTS = "step-", "weights.safetensors"
"""Names in a run's folder of checkpoints: how that of each begins, and of the weights in it."""
_CHECKPOINT = re.compile(rf"{PREFIX}(\d{{8,}})")


def checkpoint_folder(run: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return run / "checkpoints" / f"{PREFIX}{step:08d}"


def saved_step(run: Path) -> int:
    """The step of the newest model of a run; 0 before the first that can be read."""
    step = header_if_any(run / LATEST).get("step")
    return step if isinstance(step, int) else 0


def run_of(name_or_path: str | os.PathLike[str]) -> Path | None:
    """The run that a model belongs to: a run folder, RUN@..., a checkpoint's folder, or a model file in a run."""
    path, name = Path(name_or_path), os.fspath(name_or_path)
    if path.is_dir():
        return path.absolute().parent.parent if is_checkpoint(path) else path
    if path.exists():
        return path.parent if path.name in (LATEST, BEST) and (path.parent / CONFIG).is_file() else None
    run, at, _ = name.rpartition("@")
    return Path(run) if at and run and Path(run).is_dir() else None


def with_length(model: Model, name_or_path: str | os.PathLike[str], length: float) -> Model:
    """A model of a run with its generators averaged over another length, up to its own step; see `averages`.

    Raises:
        ConfigError: it is of no run, or the length is none that can be rebuilt.
        MissingFile: the run keeps no averages.
        ModelFileError: they are damaged, or of other generators.
    """
    run = run_of(name_or_path)
    if run is None:
        raise ConfigError(f"ema_length is for a run folder or a checkpoint, whose averages are kept; "
                          f"{show(os.fspath(name_or_path))} is a model by itself")  # fmt: skip
    return averaged(model, run, length)[0]


def averaged(model: Model, run: Path, length: float) -> tuple[Model, float]:
    """The same of a model that is known to be of `run`, and the relative error of the average's profile.

    The weights are put into the generators of `model`. Raises as `with_length` does.
    """
    weights, error = rebuild(run, model.step, length)
    for direction, generator in model.generators.items():
        own = generator.state_dict()
        own |= by_direction(weights, direction)
        if unlike := first_difference(shapes(generator.state_dict()), shapes(own)):
            raise ModelFileError(f"the averages that {run} keeps are of other generators: {unlike}")
        fill(generator, own)
    return replace(model, metrics={}, card={**model.card, "ema_length": f"{length:g}"}), error


def load_from_run(
    run: Path, which: str, domain: type[Domain] | None = None, generator: type[nn.Module] | None = None
) -> Model:
    """A model of a run: `latest`, `best`, or a step whose checkpoint is kept.

    Raises:
        MissingFile: the run holds no such model; the message lists those that it does.
        ModelFileError: the file is damaged or not a model.
    """
    if which in ("latest", "best"):
        file = run / (LATEST if which == "latest" else BEST)
        if not file.is_file():
            raise MissingFile(f"{run} holds no {file.name}; {_there_is(run)}")
        return load_model(file, domain, generator)
    step = re.fullmatch(rf"(?:{PREFIX})?0*(\d{{1,12}})", which)
    folder = checkpoint_folder(run, int(step[1])) if step else None
    if folder is None or not folder.is_dir():
        raise MissingFile(f"{run} holds no model {show(which)}; {_there_is(run)}")
    return load_checkpoint(folder, domain, generator)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder is named as a checkpoint of a run is, and lies where they lie."""
    return folder.absolute().parent.name == "checkpoints" and _CHECKPOINT.fullmatch(folder.absolute().name) is not None


def load_checkpoint(
    folder: Path, domain: type[Domain] | None = None, generator: type[nn.Module] | None = None
) -> Model:
    """The model that a checkpoint's averaged weights make.

    Raises:
        MissingFile: its run has no model file yet, which says what the weights belong to.
        ModelFileError: the weights are damaged, or of another model.
    """
    folder = folder.absolute()
    run = folder.parent.parent
    if not (run / LATEST).is_file():
        raise MissingFile(f"{run} holds no {LATEST}, which says what its checkpoints are; continue it with --resume")
    model = load_model(run / LATEST, domain, generator)
    try:
        weights = load_tensors(folder / WEIGHTS)
        compare_with_recorded(folder, [WEIGHTS])
        _fill(model, weights)
    except OSError as error:
        raise ModelFileError(f"{folder / WEIGHTS} cannot be read: {error.strerror or error}") from error
    except Unreadable as error:
        raise ModelFileError(f"{folder / WEIGHTS} is damaged ({first_line(error)}); {_there_is(run)}") from error
    return replace(model, step=int(folder.name.removeprefix(PREFIX)), metrics={})


def _fill(model: Model, weights: Mapping[str, Tensor]) -> None:
    """Put a checkpoint's averaged weights into the generators. Raises Unreadable when they are not theirs."""
    for direction, generator in model.generators.items():
        prefix = f"averaged.{direction}."
        own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        if unlike := first_difference(shapes(generator.state_dict()), shapes(own)):
            raise Unreadable(unlike)
        if not all(bool(value.isfinite().all()) for value in own.values()):
            raise Unreadable("weights that are not finite")
        fill(generator, own)


def _there_is(run: Path) -> str:
    """Contents of a run, in words."""
    steps = sorted(int(found[1]) for path in (run / "checkpoints").glob(f"{PREFIX}*")
                   if (found := _CHECKPOINT.fullmatch(path.name)))  # fmt: skip
    named = [name for name, file in (("latest", LATEST), ("best", BEST)) if (run / file).is_file()]
    shown = [*named, *(str(step) for step in steps[-8:])]
    more = f" (and {len(steps) - 8} earlier steps)" if len(steps) > 8 else ""
    return f"it holds {', '.join(shown)}{more}" if shown else "it has saved none yet"
