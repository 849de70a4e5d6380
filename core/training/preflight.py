"""Whether a run can be: judged as a whole before its folder is made."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import registry
from ..adapter.checks import fault_of_sending
from ..adapter.domain import Domain
from ..errors import ConfigError, MissingFile, OutputError, counted, show
from ..files import real_path
from ..networks.settings import NetworkSettings
from ..samples import Sample
from ..scoring.composition import JUDGED
from ..settings.faults import raise_faults, require
from ..settings.mapping import read_yaml, to_mapping
from ..settings.plain import is_unicode
from ..sides import Side
from .best import SCORE
from .check_networks import check_networks
from .elastic import ADVICE
from .folders import data_hash
from .held_out import HELD_OUT
from .loader import AHEAD, first_drawn
from .plan import FORMAT, RunPlan
from .resources import memory, most_processes
from .seed_group import seed_folders
from .settings import TrainingSettings

# A resumed run may be watched and stopped otherwise, but must remain the same experiment.
_FIXED = ("domain", "networks", "objective", "preset")
_DIVIDING = ("batch", "accumulate", "processes")
"""Training settings that divide samples among steps and processes: they may change in an elastic resume."""


_MOST_ACCUMULATED = 1024


def check_bounds(training: TrainingSettings) -> None:
    """Raise ConfigError for numbers that no machine, or not this one, has a use for."""
    faults: list[str] = []
    most = most_processes()
    bounds = {"workers": most, "accumulate": _MOST_ACCUMULATED}
    if "LOCAL_WORLD_SIZE" not in os.environ:  # torchrun's processes may be on several machines
        bounds["processes"] = most
    for name, bound in bounds.items():
        value = getattr(training, name)
        cpus = "" if name == "accumulate" else f" on the {os.cpu_count()} processors of this machine"
        require(faults, value <= bound, f"training.{name} is {value}; expected {bound} at most{cpus}")
    raise_faults(faults)


def check_shapes(plan: RunPlan) -> None:
    """Put the shape of a sample of each side through the networks, on a device without memory or arithmetic."""
    samples = {side: first_drawn(plan.domain, each.files, side) for side, each in plan.inventories.items()}
    _check_masks(plan, samples)
    shapes = {side: tuple(sample.x.shape) for side, sample in samples.items()}
    plan.objective.check_shapes(shapes["a"], shapes["b"])
    _check_memory(plan.training, sum(math.prod(shape) for shape in shapes.values()))
    if plan.objective.generates:
        _check_batch(plan)
    check_networks(plan.networks, shapes, plan.training.batch, plan.objective.generates)


def _check_batch(plan: RunPlan) -> None:
    """Refuse batches of more samples than there are: the discriminator would know the repeated ones by heart."""
    files, batch = len(plan.inventories["b"].drawn), plan.training.batch
    if files < batch:
        raise ConfigError(f"B has {counted(files, 'sample', 'samples')} an epoch, and training.batch is {batch}; give "
                          f"more files, or set training.batch to {files} or less")  # fmt: skip


def _check_masks(plan: RunPlan, samples: Mapping[Side, Sample]) -> None:
    """Refuse masks that nothing would go by."""
    if all(sample.keep is None for sample in samples.values()):
        return
    if not plan.objective.heeds_masks:
        raise ConfigError(f"masks of what must not change are for the objective cycle; {plan.objective_name} does not "
                          "go by them: leave them out")  # fmt: skip
    a, b = plan.domain.channels("a"), plan.domain.channels("b")
    if a != b:
        raise ConfigError(f"A has {a} channels and B {b}, so that no mask can say what must not change; leave them out")


def _check_memory(training: TrainingSettings, values: int) -> None:
    """Refuse batches that cannot be held, whatever the networks need besides; `values`: of one sample of each side."""
    held = training.accumulate + AHEAD * training.workers
    needed, present = 4 * values * training.batch * held * training.processes, memory()
    if present is not None and needed > present:
        raise ConfigError(
            f"training.batch is {training.batch}: samples alone would take {needed / 1e9:,.1f} GB, and this machine "
            f"has {present / 1e9:,.1f}; lower training.batch, training.accumulate or training.workers"
        )


def check_classes(plan: RunPlan) -> None:
    """Raise ConfigError for a class of the user's that other processes cannot get at."""
    networks = plan.network_settings
    given = {
        "objective": type(plan.objective),
        "generator": networks.generator,
        "discriminator": networks.discriminator,
    }
    for what, kind in given.items():
        if isinstance(kind, type) and (fault := fault_of_sending(kind)):
            raise ConfigError(
                f"the {what} {kind.__name__} {fault}, so that no other process can make it; define it at the top of a "
                "module, or set training.processes to 1"
            )


def check_data(plan: RunPlan, changed: bool) -> str | None:
    """What is to be said of a resumed run whose files are not those of before. Raises ConfigError unless they may have
    `changed`."""
    earlier = read_yaml(plan.out / "config.yaml").get("data_hash") if (plan.out / "config.yaml").is_file() else None
    if not earlier or earlier in (plan.data_hash, data_hash(plan.inventories)):  # without masks: by earlier versions
        return None
    what = f"the files of {plan.a} or {plan.b} are not those that {plan.out} was trained on (other names or sizes)"
    if not (isinstance(plan.a, Path) and isinstance(plan.b, Path)):
        what = f"the samples of {plan.a} or {plan.b} are not those that {plan.out} was trained on"
    if not changed:
        raise ConfigError(f"{what}; put them back, or accept these with --data-changed (in Python data_changed=True)")
    return f"{what}; continuing with these"


def with_held_out(plan: RunPlan, resume: bool) -> RunPlan:
    """The run on what is left when files are held out, if any are; a resumed one on what it was trained on.

    Raises:
        MissingFile: a test folder or the extractor does not exist.
        ConfigError: settings ask for scores that there will be none of, or too few files are there for both.
    """
    file = plan.out / "config.yaml"
    if resume and file.is_file():
        plan = dataclasses.replace(plan, training=_as_begun(plan.training, read_yaml(file)))
    if not (resume and plan.noise and plan.training.held_out is None and _trained_on_all(plan)):
        plan = plan.with_held_out()
    _check_scored(plan)
    return plan


def _trained_on_all(plan: RunPlan) -> bool:
    """Whether a run was begun without held-out files, as earlier versions began all those from noise."""
    return not plan.test and (plan.out / "config.yaml").is_file() and not (plan.out / HELD_OUT).is_file()


def _as_begun(training: TrainingSettings, earlier: Mapping[str, Any]) -> TrainingSettings:
    """The settings with what a run of an earlier version did, going by its config.yaml."""
    if earlier.get("format") == 1 and training.held_out is None:
        training = dataclasses.replace(training, held_out=0.0)
    if "winograd" not in (earlier.get("training") or {}):
        training = dataclasses.replace(training, winograd=False)
    return training


def _check_scored(plan: RunPlan) -> None:
    training, faults = plan.training, []
    if plan.test and training.held_out:
        faults.append(f"training.held_out is {training.held_out} beside test folders; leave one of them out")
    if training.best in (SCORE, JUDGED) and not plan.held_out.inventories:
        faults.append(
            f"training.best is {training.best}, but no files are held out; give test_a and test_b, or training.held_out"
        )
    if training.best == JUDGED and plan.noise:
        faults.append("training.best is judged, but samples made from noise are not judged; set it to score")
    elif training.best == JUDGED:
        faults += _without_judges(plan.domain)
    if training.patience and not plan.best:
        faults.append(f"training.patience is {training.patience}, but nothing says which checkpoint is better; hold "
                      "out files (test_a and test_b, or training.held_out), or set training.best")  # fmt: skip
    if training.extractor and not Path(training.extractor).is_file():
        raise MissingFile(f"training.extractor: no feature extractor at {training.extractor}")
    raise_faults(faults)


def _without_judges(domain: Domain) -> list[str]:
    """What is wrong with a run that is to go by judges."""
    there = domain.judges()
    needed = [name for name in domain.held_out_judges if name in there]
    missing = [name for name in needed if not there[name]]
    if not needed:
        return [
            f"training.best is judged, but nothing judges held-out files of the domain {domain.name!r}; set it to score"
        ]
    if missing:
        return [f"training.best is judged, but {' and '.join(missing)} are not installed (docs/voice-scores.md); "
                "install them, or set it to score"]  # fmt: skip
    return []


def check_resumable(plan: RunPlan, elastic: bool = False) -> None:
    """Refuse to go on with another experiment, and unless `elastic` with samples divided otherwise.

    Raises ConfigError.
    """
    file = plan.out / "config.yaml"
    if not file.is_file():
        raise ConfigError(f"{plan.out} holds no run to resume (no config.yaml); leave out --resume to start one")
    earlier, now = read_yaml(file), plan.mapping()
    if not isinstance(earlier.get("format"), int) or earlier["format"] > FORMAT:
        raise ConfigError(f"{plan.out} was made by a newer version of unpaired; update to resume it")
    # A setting that a later version brought had its default before.
    defaults: dict[str, dict[str, Any]] = {
        "domain": to_mapping(plan.domain.settings_type()),
        "networks": to_mapping(plan.domain.architectures(NetworkSettings()).as_published()),
        "objective": to_mapping(type(plan.objective_settings)()),
    }
    _use_present_names(earlier, now, plan)
    earlier |= {part: {**filled, **(earlier.get(part) or {})} for part, filled in defaults.items()}
    changed = [
        f"{part} ({_difference(earlier.get(part), now[part])})" for part in _FIXED if earlier.get(part) != now[part]
    ]
    absent = {"held_out": 0.0 if earlier["format"] == 1 else None, "shuffle": "full"}
    earlier_training = {**absent, **(earlier.get("training") or {})}
    fixed = ("seed", "held_out", "shuffle")
    differing = [key for key in (*fixed, *_DIVIDING) if earlier_training.get(key) != now["training"][key]]
    advice = "give the run's own settings or start a new run"
    if not changed and not set(fixed) & set(differing):
        advice = ADVICE
    changed += [
        f"training.{key} (was {earlier_training.get(key)}, is {now['training'][key]})"
        for key in differing
        if not (elastic and key in _DIVIDING)
    ]
    if changed:
        raise ConfigError(f"{plan.out} cannot be resumed with other settings: {', '.join(changed)}; {advice}")


def _use_present_names(earlier: Mapping[str, Any], now: Mapping[str, Any], plan: RunPlan) -> None:
    """Bring up to date how a config.yaml names classes: one may have been registered since it was written."""
    groups: tuple[tuple[str, str, registry.Group], ...] = (
        ("objective", "name", "objectives"),
        ("networks", "generator", "generators"),
        ("networks", "discriminator", "discriminators"),
    )
    for part, key, group in groups:
        for settings in (earlier.get(part), now[part]):
            if isinstance(settings, dict) and isinstance(settings.get(key), str):
                settings[key] = registry.name_of(group, settings[key])
    objective = earlier.get("objective")
    if isinstance(objective, dict) and objective.get("name") == type(plan.objective).__name__:
        objective["name"] = now["objective"]["name"]  # earlier versions recorded of a class no more than that


def check_new(plan: RunPlan) -> None:
    """Refuse an `out` that holds a run."""
    if (plan.out / "config.yaml").exists():
        raise ConfigError(f"{plan.out} holds a run already; resume it with --resume or choose another --out")
    if seed_folders(plan.out):
        raise ConfigError(
            f"{plan.out} holds runs of several seeds; go on with --seeds N --resume or choose another --out"
        )


def _difference(earlier: Any, now: Any) -> str:
    if isinstance(earlier, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**earlier, **now} if earlier.get(key) != now.get(key)]
        return ", ".join(f"{key}: was {earlier.get(key)}, is {now.get(key)}" for key in keys)
    return f"was {earlier}, is {now}"


def check_place(plan: RunPlan) -> None:
    """Refuse an `out` that no run must take."""
    if plan.out.exists() and not plan.out.is_dir():
        raise OutputError(f"{plan.out} is a file; name a folder for the run")
    if real_path(plan.out).is_symlink():
        raise OutputError(f"{plan.out} is a link that leads in a circle; name another folder for the run")
    if not is_unicode(str(plan.out)):  # TensorBoard and safetensors open no such files
        raise OutputError(f"{show(str(plan.out))} is no name in UTF-8; name another folder for the run")
    for side in (plan.a, plan.b):
        if isinstance(side, Path) and real_path(plan.out).is_relative_to(real_path(side)):
            raise OutputError(f"{plan.out} lies inside the training folder {side}; name a run folder outside of it")
