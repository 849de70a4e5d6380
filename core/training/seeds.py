"""`train_seeds`: the same run with several seeds, one after another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..errors import ConfigError, MissingFile
from ..model.of_run import saved_step
from ..settings.arguments import expect, expect_path, expect_whole
from .run import Resume, check_resume, train
from .runs import summarise
from .seed_group import SeedGroup, seed_folders
from .settings import TrainingSettings


def train_seeds(
    domain: Domain,
    a: Any,
    b: Any,
    out: str | os.PathLike[str],
    *,
    seeds: int = 3,
    resume: Resume = False,
    **arguments: Any,
) -> SeedGroup:
    """Train the same translator with `seeds` seeds, one after another: seed, seed + 1, ...

    Each has a run folder of its own in `out`, named seed-0, seed-1 and so on. After each, mean and spread of the
    figures so far are written to seeds.json and seeds.csv in `out`.

    Args:
        seeds: how many; the first is that of the settings.
        resume: go on where the group stopped: finished runs are left as they are, one that was begun is resumed,
            the others are trained. More seeds than before may be given.
        arguments: all others of `unpaired.train`.

    Raises:
        ConfigError: `out` holds runs already (without `resume`), none (with it), or a run of a single seed.
        Interrupted: Ctrl-C or SIGTERM; the state of the run that was being trained has been saved.
        UnpairedError: what `unpaired.train` raises.
    """
    expect_path("out", out, "a folder for the runs")
    expect_whole(seeds=seeds)
    check_resume(resume, arguments.get("data_changed", False))
    training = arguments.get("training")
    expect("training", training, (TrainingSettings, type(None)), "unpaired.TrainingSettings, or None")
    given = training or TrainingSettings()
    first = arguments.pop("seed", given.seed)
    expect_whole(seed=first)
    if seeds < 1:
        raise ConfigError(f"seeds is {seeds}; expected 1 or more")
    timed = given.minutes is not None or any(arguments.get(name) is not None for name in ("minutes", "hours"))
    steps = None if timed else arguments.get("steps", training.steps if training else None)
    folder, begun = Path(out), seed_folders(Path(out))
    _check_place(folder, bool(begun), bool(resume))
    for seed in range(first, first + seeds):
        run = folder / f"seed-{seed}"
        if not _is_finished(run, steps):
            train(domain, a, b, run, resume=resume if seed in begun else False, seed=seed, **arguments)
        SeedGroup.read(folder).write()
    return SeedGroup.read(folder)


def _check_place(folder: Path, begun: bool, resume: bool) -> None:
    if (folder / "config.yaml").is_file():
        raise ConfigError(f"{folder} holds a run of a single seed; choose another folder for several")
    if begun and not resume:
        raise ConfigError(f"{folder} holds runs of seeds already; go on with --resume, or choose another --out")
    if resume and not begun:
        raise MissingFile(f"{folder} holds no runs of seeds to resume (no seed-N with a config.yaml)")


def _is_finished(run: Path, steps: int | None) -> bool:
    """Whether a run has had its steps, and `steps` if more are wanted now, and saved its model."""
    if not (run / "config.yaml").is_file():
        return False
    wanted = steps or summarise(run).steps
    return 0 < wanted <= saved_step(run)
