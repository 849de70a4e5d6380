"""`distill`: a small translator that learns from a trained, larger one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..model.of_run import CONFIG, run_of
from ..model.shipped import load_model_named
from ..monitoring.callbacks import Callback
from ..networks.settings import NetworkSettings
from ..objectives.distill import Distill, DistillSettings
from ..settings.mapping import from_mapping, merge, read_yaml, to_mapping
from .run import train
from .settings import TrainingSettings

_OF_THE_RUN = ("a", "b", "test_a", "test_b")


def student_settings(teacher: str | os.PathLike[str]) -> dict[str, Any]:
    """What a student takes over from its teacher, as a config.yaml has it: the medium with its settings, the names of
    both sides, and of a run its folders and what decides which of their files are held out.

    teacher: a run folder, a model file, the name of a shipped model, or anything else that `load` takes.

    Raises:
        MissingFile, UnknownName, ModelFileError: there is no such model, or it cannot be read.
    """
    model, earlier = load_model_named(teacher), _run_settings(teacher)
    return {
        "domain": {"name": model.domain.name, **to_mapping(model.domain.settings)},
        "names": list(model.names),
        "preset": "tiny",
        "objective": {"name": "distill", "teacher": os.fspath(teacher)},
        **earlier,
    }


def _run_settings(teacher: str | os.PathLike[str]) -> dict[str, Any]:
    """The folders of a teacher's run, and what decides which of their files are held out; no folders where it is of
    none."""
    run = run_of(teacher)
    found = read_yaml(run / CONFIG) if run is not None and (run / CONFIG).is_file() else {}
    training = found.get("training") or {}
    kept = {name: training[name] for name in ("seed", "held_out") if training.get(name) is not None}
    return {"training": kept, **{name: found[name] for name in _OF_THE_RUN if name in found}}


def distill(
    teacher: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    a: str | os.PathLike[str] | None = None,
    b: str | os.PathLike[str] | None = None,
    preset: str = "tiny",
    networks: NetworkSettings | None = None,
    objective: DistillSettings | None = None,
    training: TrainingSettings | None = None,
    test_a: str | os.PathLike[str] | None = None,
    test_b: str | os.PathLike[str] | None = None,
    callbacks: Sequence[Callback] = (),
    **overrides: Any,
) -> Path:
    """Train a small translator that does what a trained, larger one does; the result is a run like any other.

    It is `train` with the objective `distill`, on the teacher's medium; `train(..., resume=True)` or
    `unpaired train --out OUT --resume` goes on with it.

    Args:
        teacher: a run folder, a model file, the name of a shipped model, or RUN@best.
        out: the run folder of the student; created if necessary.
        a, b: a folder each, of files like those that the teacher was trained on; default: those of the teacher's run.
        preset: size of the student: tiny, small or base.
        networks: changes to the preset (default: the generator `mobile`).
        objective: weights of the distances; its teacher is filled in.
        training: settings of training (default: those of the objective `distill`); single fields can be given as
            keywords instead, as in `train`.
        test_a, test_b: folders of files that are not trained on; default: those of the teacher's run, where it has any.
        callbacks: as in `train`.

    Returns:
        Path of the model file, `out`/model.safetensors.

    Raises:
        ConfigError: the teacher is of no run, and no folders were given; and as `train` does.
    """
    model, earlier = load_model_named(teacher), _run_settings(teacher)
    chosen = {name: value for name, value in zip(_OF_THE_RUN, (a, b, test_a, test_b), strict=True) if value is not None}
    folders = earlier | chosen
    for side in ("a", "b"):
        if not isinstance(folders.get(side), str | os.PathLike):
            raise ConfigError(f"{side} is missing: {os.fspath(teacher)} does not say which folder it was trained on; "
                              "give one")  # fmt: skip
    published = merge(Distill.published_settings["training"], earlier["training"])
    return train(
        model.domain,
        folders["a"],
        folders["b"],
        out,
        preset=preset,
        networks=networks,
        objective=dataclasses.replace(objective or DistillSettings(), teacher=os.fspath(teacher)),
        objective_name="distill",
        training=training or from_mapping(TrainingSettings, published, "training"),
        test_a=folders.get("test_a"),
        test_b=folders.get("test_b"),
        names=model.names,
        callbacks=callbacks,
        **overrides,
    )
