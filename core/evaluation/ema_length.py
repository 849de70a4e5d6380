"""The length of the average that scores best on held-out files, of a run that has been trained."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..adapter.folders import spread
from ..errors import ConfigError, MissingFile, ModelFileError
from ..files import check_writable
from ..model.averages import check_length, rebuild, snapshot_files
from ..model.model_file import Model, save_model
from ..model.of_run import WEIGHTS, averaged, checkpoint_folder, run_of
from ..model.shipped import load_model_named
from ..model.stored import Unreadable, load_tensors
from ..objectives.objective import Discriminators
from ..scoring.composition import total_score
from ..scoring.figures import score_held_out
from ..scoring.held_out import load_held_out
from ..settings.arguments import expect_callable, expect_path
from ..sides import Side
from ..training.held_out import HELD_OUT
from .report import plain_values

LENGTHS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2)
"""That are tried unless others are asked for."""
MOST_FILES = 32
"""Files of a side that are scored at most."""


@dataclass(frozen=True)
class LengthTried:
    """One average, and its scores."""

    length: float | None
    """Share of the run; None for the average that the model was saved with."""
    score: float | None
    """As at checkpoints, lower is better; None where it is not a number."""
    scores: Mapping[str, float]
    """All figures by name."""
    error: float = 0.0
    """Relative error with which its profile was rebuilt."""


@dataclass(frozen=True)
class EmaReport:
    """The averages that were tried, in the order of their lengths."""

    name: str
    step: int
    files: Mapping[Side, int]
    """Held-out files that were scored."""
    tried: tuple[LengthTried, ...]
    left_out: Mapping[str, str]
    """Lengths that could not be tried, and why."""
    written: Path | None = None
    """The model file of the best one, where it was asked for."""

    @property
    def best(self) -> LengthTried:
        """The one of the lowest score; that of the saved model where none is better."""
        return min(self.tried, key=lambda each: float("inf") if each.score is None else each.score)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        plain: dict[str, Any] = plain_values(self)
        return plain | {"best": self.best.length}

    def text(self) -> str:
        """A table for people."""
        lines = [f"{'length':<10}{'score':>10}{'rebuilt within':>16}"]
        for each in self.tried:
            name = "as saved" if each.length is None else f"{each.length:g}"
            score = "-" if each.score is None else f"{each.score:.4f}"
            error = "-" if each.length is None else f"{each.error:.1%}"
            lines.append(f"{name:<10}{score:>10}{error:>16}" + "  best" * (each is self.best))
        lines += [f"{length:<10}left out: {reason}" for length, reason in self.left_out.items()]
        counts = " and ".join(f"{count} files of {side.upper()}" for side, count in self.files.items())
        lines.append(f"{self.name}, step {self.step:,}: scored on {counts}; lower is better")
        return "\n".join([*lines, *([f"written: {self.written}"] if self.written else [])])

    def __str__(self) -> str:
        return self.text()


def choose_ema_length(
    model: str | os.PathLike[str],
    a: str | os.PathLike[str] | None = None,
    b: str | os.PathLike[str] | None = None,
    *,
    lengths: Sequence[float] = LENGTHS,
    out: str | os.PathLike[str] | None = None,
    domain: type[Domain] | None = None,
    progress: Callable[[float], None] | None = None,
) -> EmaReport:
    """Score a run's generators averaged over several lengths on held-out files, and write the best one.

    Args:
        model: a run folder, RUN@STEP, RUN@best or a checkpoint's folder.
        a, b: folders of held-out files; by default the files that the run held out. Up to 32 of each are scored.
        lengths: shares of the run to try, beside the average that the model was saved with.
        out: a .safetensors file for the model of the best length.
        domain: as in `load`.
        progress: called with the share that is done.

    Raises:
        ConfigError: no run, one that generates, no held-out files, or a length out of range.
        MissingFile: there is no such run or folder, or the run keeps no averages.
        MediaError: fewer than two files of a side can be decoded.
        ModelFileError: the run's files are damaged.
        OutputError: the model cannot be written.
    """
    run = _checked(model, lengths, out, progress)
    loaded = load_model_named(model, domain)
    if loaded.noise:
        raise ConfigError("this model generates from noise, and the length of its average is not chosen by scores; "
                          "load it with one, and look (--ema-length)")  # fmt: skip
    if not snapshot_files(run):
        rebuild(run, loaded.step, lengths[0])  # raises what says why there are none
    files = _files(loaded.domain, run, a, b)
    held, discriminators = load_held_out(loaded.domain, files), _discriminators(run, loaded)
    tried, left_out = [], {}
    for number, length in enumerate((None, *sorted(lengths))):
        try:
            one, error = _averaged(loaded, run, length)
        except ConfigError as fault:
            left_out[f"{length:g}"] = str(fault)
            continue
        scores = score_held_out(one.generators, discriminators, held)
        tried.append(LengthTried(length, total_score(scores), scores, error))
        if progress is not None:
            progress((number + 1) / (len(lengths) + 1))
    counts: dict[Side, int] = {side: len(samples) for side, samples in held.samples.items()}
    written = None if out is None else Path(out)
    report = EmaReport(os.fspath(model), loaded.step, counts, tuple(tried), left_out, written)
    if written is not None:
        save_model(_averaged(loaded, run, report.best.length)[0], written)
    return report


def _checked(model: Any, lengths: Sequence[float], out: Any, progress: Any) -> Path:
    """The run of the model. Raises ArgumentError, ConfigError, MissingFile or OutputError."""
    expect_path("model", model, "a run folder, or RUN@STEP")
    expect_callable("progress", progress)
    if not lengths:
        raise ConfigError("no lengths are given; expected one or more")
    for length in lengths:
        check_length(length)
    if out is not None:
        expect_path("out", out, "a .safetensors file")
        if Path(out).suffix != ".safetensors":
            raise ConfigError(f"{out} has no known ending; expected .safetensors")
        check_writable(Path(out))
    run = run_of(model)
    if run is None:
        if not Path(model).exists() and Path(model).name != os.fspath(model):
            raise MissingFile(f"there is no run at {model}")
        raise ConfigError(f"{model} is no run folder or checkpoint, whose averages are kept; name one")
    return run


def _averaged(saved: Model, run: Path, length: float | None) -> tuple[Model, float]:
    """The model with an average of that length, and the error of its profile. Raises ConfigError."""
    if length is None:
        return saved, 0.0
    return averaged(replace(saved, generators=copy.deepcopy(saved.generators)), run, length)


def _files(domain: Domain, run: Path, a: Any, b: Any) -> dict[Side, list[Path]]:
    """Held-out files of each side: of the folders that were given, or those that the run recorded."""
    if (a is None) != (b is None):
        raise ConfigError("only one folder of held-out files is given; give both, a and b")
    if a is not None:
        folders: dict[Side, Path] = {"a": Path(a), "b": Path(b)}
        return {side: spread(domain.scan(folder).drawn, MOST_FILES) for side, folder in folders.items()}
    try:
        recorded = json.loads((run / HELD_OUT).read_text(encoding="utf-8"))
        found: dict[Side, list[Path]] = {"a": [*map(Path, recorded["a"])], "b": [*map(Path, recorded["b"])]}
    except FileNotFoundError:
        raise ConfigError(f"{run} held no files out; give two folders of other files (--a and --b)") from None
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise ConfigError(
            f"{run / HELD_OUT} cannot be read; give two folders of held-out files (--a and --b)"
        ) from error
    return {side: spread(files, MOST_FILES) for side, files in found.items()}


def _discriminators(run: Path, model: Model) -> Discriminators | None:
    """Those of the model's checkpoint; None where it is not kept, and scores go without their features."""
    file = checkpoint_folder(run, model.step) / WEIGHTS
    if not file.is_file():
        return None
    discriminators = Discriminators(model.networks, list(model.generators))
    prefix = "discriminators."
    try:
        weights = load_tensors(file)
        discriminators.load_state_dict(
            {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        )
    except (Unreadable, OSError, RuntimeError) as error:
        raise ModelFileError(f"{file} is damaged, or of other discriminators; name another step") from error
    return discriminators.requires_grad_(False).eval()
