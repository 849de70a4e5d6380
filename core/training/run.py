"""`train`: two folders in, a run folder out."""

from __future__ import annotations

import atexit
import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

from torch.utils.data import Dataset

from .. import registry
from ..adapter.checks import check_pickles
from ..adapter.datasets import Samples
from ..adapter.domain import Domain
from ..adapter.noise import with_sides
from ..deprecation import with_new_names
from ..errors import ArgumentError, ConfigError, as_note, show
from ..files import clear_leftovers
from ..monitoring.callbacks import Callback, check_callbacks, check_pickled
from ..networks.settings import NetworkSettings
from ..networks.spec import Networks
from ..objectives.installed import check_objective
from ..objectives.objective import Objective
from ..settings.arguments import expect, expect_path, expect_truths
from ..settings.plain import is_unicode
from ..sides import Side
from .choices import with_choices
from .devices import make_fabric
from .elastic import resumed
from .folders import scan_sides
from .launch import leave_group, train_in_processes
from .left_aside import left_aside
from .lock import taken
from .loop import run
from .plan import RunPlan
from .precision import change_of_way, with_precision
from .preflight import (
    check_bounds,
    check_classes,
    check_data,
    check_new,
    check_place,
    check_resumable,
    check_shapes,
    with_held_out,
)
from .resources import told_in_words
from .settings import TrainingSettings
from .settling import settle_models
from .teacher import size_note, teacher_of

Resume = bool | Literal["elastic"]


def train(
    domain: Domain,
    a: str | os.PathLike[str] | Samples | Dataset[Any] | None,
    b: str | os.PathLike[str] | Samples | Dataset[Any],
    out: str | os.PathLike[str],
    *,
    preset: str = "base",
    networks: NetworkSettings | None = None,
    objective: Any = None,
    objective_name: str | type[Objective] = "cycle",
    training: TrainingSettings | None = None,
    test_a: str | os.PathLike[str] | None = None,
    test_b: str | os.PathLike[str] | None = None,
    names: tuple[str, str] = ("A", "B"),
    resume: Resume = False,
    data_changed: bool = False,
    callbacks: Sequence[Callback] = (),
    **overrides: Any,
) -> Path:
    """Train a translator between the files of folder `a` and those of folder `b`, with no pairs needed.

    Args:
        domain: adapter of the medium, for example `unpaired.Image(size=256)`.
        a, b: a folder each; or shards ("day-{0000..0099}.tar", a glob, or a folder of tar files); or a dataset: a
            map-style `Dataset` of PyTorch's, or any sequence, that gives samples (C, *space) in [-1, 1] in place of the
            domain. `a` is None for an objective that generates from noise.
        out: the run folder; created if necessary.
        preset: size of the networks: tiny, small or base (the paper's).
        networks: changes to the preset (default: the objective's published settings); generator and discriminator may
            be classes of your own.
        objective: settings of the objective (default: the paper's weights, with the domain's own losses).
        objective_name: cycle, dual, disco, pix2pix, cut, distill, gan, dcgan, cgan, another that is installed, or your
            own class.
        training: settings of training (default: the objective's published settings); single fields can be given as
            keywords instead (steps=..., seed=...). minutes=... or hours=... in place of steps keeps a deadline.
        test_a, test_b: folders of files that are not trained on, to score the checkpoints by; by default some files are
            held out of `a` and `b` (`training.held_out`).
        names: names of the two domains in reports.
        resume: continue from the newest checkpoint in `out`, bit for bit as if there had been no stop (on the CPU);
            "elastic" also in another number of processes or with another batch, which is no longer bitwise the same.
        data_changed: continue even if the folders hold other files than before.
        callbacks: called while the run goes on, in its first process; see `unpaired.Callback`.

    Returns:
        Path of the model file, `out`/model.safetensors.

    Raises:
        ArgumentError: an argument has the wrong type.
        ConfigError: settings that contradict each other, too few files, or another experiment or files in `out`.
        MissingFile: a folder does not exist.
        AdapterError: the domain breaks its contract.
        OutputError: `out` cannot be written, or another process trains there.
        NumericsError: NaN or infinity; the message names the last good checkpoint.
        ResourceError: not enough memory or shared memory.
        CallbackError: a callback failed; the state has been saved.
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
    """
    check_resume(resume, data_changed)
    plan = resolve(domain, a, b, out, preset, networks, objective, objective_name, training, names, overrides)
    plan = dataclasses.replace(
        plan, callbacks=check_callbacks(callbacks), test=test_folders(test_a, test_b, plan.objective.generates)
    )
    return _start(plan, resume, data_changed)


def resolve(
    domain: Domain,
    a: str | os.PathLike[str] | Samples | Dataset[Any] | None,
    b: str | os.PathLike[str] | Samples | Dataset[Any],
    out: str | os.PathLike[str],
    preset: str,
    networks: NetworkSettings | None,
    objective: Any,
    objective_name: str | type[Objective],
    training: TrainingSettings | None,
    names: tuple[str, str],
    overrides: Mapping[str, Any],
) -> RunPlan:
    """The run that arguments of `train` describe, its files not yet looked for. Raises for what cannot be one."""
    _check_arguments(domain, out, networks, objective_name, training, names)
    name, scheme, objective_settings = _chosen(objective_name, objective, domain)
    domain, side_a, side_b = with_sides(domain, scheme, a, b)
    with told_in_words():
        scheme.check(domain.channels("a"), domain.channels("b"))
    teacher = teacher_of(scheme, domain, Path(out))
    published = scheme.published_settings
    network_settings = domain.architectures(networks or NetworkSettings(**published.get("networks", {})))
    return RunPlan(
        domain=domain,
        a=side_a,
        b=side_b,
        out=Path(out),
        names=names,
        preset=preset,
        network_settings=network_settings,
        networks=_described(scheme, domain.networks(preset, network_settings)),
        objective_name=name,
        objective=scheme,
        objective_settings=objective_settings,
        training=_counted(_with(training or TrainingSettings(**published.get("training", {})), overrides)),
        teacher=teacher,
    )


def _chosen(objective: str | type[Objective], given: Any, domain: Domain) -> tuple[str, Objective, Any]:
    """The objective of that name or class: its name, itself, and its settings. Raises for what cannot be trained."""
    name, kind = _objective(objective, domain)
    settings = _fitting(given, kind.settings_type, domain, name)
    with told_in_words():
        scheme = kind(settings)
    return name, scheme, settings


def _described(scheme: Objective, networks: Networks) -> Networks:
    """The networks that an objective trains, given those of the domain."""
    with told_in_words():
        return scheme.networks(networks)


def _start(plan: RunPlan, resume: Resume, data_changed: bool) -> Path:
    """Judge the plan as a whole, then train; the path of the model file."""
    check_bounds(plan.training)
    check_place(plan)
    launches = plan.training.processes > 1 and "LOCAL_WORLD_SIZE" not in os.environ
    check_pickled(plan.callbacks if launches else ())
    fabric = make_fabric(plan.training)
    # Of the processes that torchrun started, one speaks for all.
    with taken(plan.out) if fabric.is_global_zero else nullcontext():
        if not resume:
            check_new(plan)
        clear_leftovers(plan.out)
        with told_in_words():
            plan, notes = checked(plan, resume, data_changed)
            notes += left_aside(plan)
            plan = with_precision(plan, bool(resume))
        if resume and (change := change_of_way(plan)):
            notes.append(change)
        fabric = make_fabric(plan.training)
        for note in notes:
            fabric.print(as_note(note), file=sys.stderr)
        if launches:
            train_in_processes(plan)
        else:
            fabric.launch()
            if fabric.world_size > 1:
                atexit.register(leave_group)
            run(fabric, plan)
        if fabric.is_global_zero:
            settle_models(plan)
    return plan.out / "model.safetensors"


def checked(plan: RunPlan, resume: Resume = False, data_changed: bool = False) -> tuple[RunPlan, list[str]]:
    """The plan with what is known of its data, and what is to be said of that. Raises for what cannot be trained."""
    plan = plan.with_files(scan_sides(plan.domain, plan.a, plan.b, plan.objective.paired))
    notes: list[str | None] = [note for each in plan.inventories.values() if each.digest for note in each.warnings]
    if resume:
        notes.append(check_data(plan, data_changed))
    plan, note = with_choices(with_held_out(plan, bool(resume)).fitted(), bool(resume))
    plan = plan.with_networks()
    notes.append(note)
    notes.append(size_note(plan.teacher, plan.networks))
    if resume:
        check_resumable(plan, elastic=resume == "elastic")
        plan, change = resumed(plan, elastic=resume == "elastic")
        notes.append(change)
    check_shapes(plan)
    check_pickles(plan.domain, plan.training.workers, plan.training.processes)
    if plan.training.processes > 1:
        check_classes(plan)
    return plan, [note for note in notes if note]


def _with(training: TrainingSettings, overrides: Mapping[str, Any]) -> TrainingSettings:
    """The settings with single fields given as keywords, `hours` for 60 minutes each. Raises ConfigError for one that
    there is not, and for steps beside a deadline."""
    overrides = with_new_names(TrainingSettings, overrides, level=5)
    lengths = [name for name in ("steps", "minutes", "hours") if overrides.get(name) is not None]
    if len(lengths) > 1:
        raise ConfigError(f"{' and '.join(lengths)} exclude each other; give one")
    hours = overrides.pop("hours", None)
    if hours is not None:
        expect("hours", hours, (int, float), "a number")
        overrides["minutes"] = 60.0 * hours
    known = sorted(field.name for field in dataclasses.fields(TrainingSettings))
    unknown = [name for name in overrides if name not in known]
    if unknown:
        raise ConfigError(*(f"{each}: no such training setting{registry.suggestion(each, known)}" for each in unknown))
    return dataclasses.replace(training, **overrides)


def _check_arguments(domain: Any, out: Any, networks: Any, objective_name: Any, training: Any, names: Any) -> None:
    """Refuse arguments of another type, before any work. Raises ArgumentError."""
    expect("domain", domain, Domain, "an adapter, such as unpaired.Image()")
    expect_path("out", out, "a folder")
    expect("networks", networks, (NetworkSettings, type(None)), "unpaired.NetworkSettings, or None")
    expect("objective_name", objective_name, (str, type), "a name, or a class")
    expect("training", training, (TrainingSettings, type(None)), "unpaired.TrainingSettings, or None")
    expect("names", names, (tuple, list), "two names")
    if len(names) != 2 or not all(isinstance(each, str) and is_unicode(each) for each in names):
        raise ArgumentError(f"names is {show(names)}; expected two names")


def check_resume(resume: Any, data_changed: Any) -> None:
    """Refuse what says neither yes nor no. Raises ArgumentError."""
    expect_truths(data_changed=data_changed)
    if resume != "elastic":
        expect("resume", resume, bool, "true or false, or 'elastic'")


def test_folders(a: Any, b: Any, generates: bool) -> dict[Side, Path]:
    """Both test folders, or none; with `generates` that of B alone. Raises ArgumentError, or ConfigError where one is
    missing or too many."""
    given = {side: folder for side, folder in (("a", a), ("b", b)) if folder is not None}
    for side, folder in given.items():
        expect_path(f"test_{side}", folder, "a folder")
    if generates:
        if "a" in given:
            raise ConfigError(f"test_a is {a}, and this objective generates from noise in place of A; leave it out")
        return {"b": Path(b)} if given else {}
    if len(given) == 1:
        missing = "b" if "a" in given else "a"
        raise ConfigError(f"test_{missing} is missing: test folders are given for both sides, or for none")
    return {"a": Path(a), "b": Path(b)} if given else {}


def _counted(settings: TrainingSettings) -> TrainingSettings:
    """The settings with the number of processes that torchrun started, where it did: a run is resumed with as many."""
    if "LOCAL_WORLD_SIZE" not in os.environ:
        return settings
    return dataclasses.replace(settings, processes=int(os.environ["WORLD_SIZE"]))


def _objective(given: str | type[Objective], domain: Domain) -> tuple[str, type[Objective]]:
    """The name of an objective, as config.yaml records it, and its class. Raises UnknownName or ConfigError."""
    if isinstance(given, str):
        return given, domain.objective_type(given)
    check_objective(given)
    name = registry.name_of("objectives", given)
    # A medium may have another class of that name.
    return (name if ":" in name or domain.objective_type(name) is given else registry.own_name(given)), given


def _fitting(given: Any, wanted: type[Any], domain: Domain, name: str) -> Any:
    """Settings of the type that the objective takes; those of a base class are carried over."""
    if given is None:
        return wanted()
    if type(given) is wanted:
        return given
    if isinstance(wanted, type) and issubclass(wanted, type(given)):
        return wanted(**{field.name: getattr(given, field.name) for field in dataclasses.fields(given) if field.init})
    raise ConfigError(
        f"the objective's settings are {type(given).__name__}; the objective {name!r} of the domain {domain.name!r} "
        f"takes {wanted.__name__}"
    )
