"""`train`: two folders in, a run folder out."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch

from . import registry
from .checkpoints import listed
from .config import read_yaml, to_mapping
from .contract import check_pickles
from .data import data_hash, first_sample, scan_sides
from .domain import Domain, Inventory, Side
from .errors import ConfigError, OutputError
from .launch import launch
from .networks import Networks, NetworkSpec
from .objectives import Objective
from .settings import NetworkSettings, TrainingSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FORMAT = 1
"""Version of the run folder; a run with a higher one is refused."""

FabricPrecision = Literal["32-true", "bf16-mixed", "16-mixed", "64-true"]
_PRECISIONS: dict[str, FabricPrecision] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
    "fp64": "64-true",
}
# A resumed run may be watched and stopped otherwise, but must remain the same experiment.
_FIXED = ("domain", "networks", "objective", "preset")


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """Everything that defines a run; picklable, since processes are started from it."""

    domain: Domain
    a: Path
    b: Path
    out: Path
    names: tuple[str, str]
    preset: str
    network_settings: NetworkSettings
    objective_name: str
    objective_type: type[Objective]
    objective_settings: Any
    training: TrainingSettings
    data_hash: str = ""

    def networks(self) -> Networks:
        """The networks this run trains: the domain's, and what the objective makes of them."""
        return self.objective().networks(self.domain.networks(self.preset, self.network_settings))

    def objective(self) -> Objective:
        """The objective this run minimises."""
        return self.objective_type(self.objective_settings)

    def scan(self) -> dict[Side, Inventory]:
        """What both folders hold; true pairs alone where the objective is trained on pairs."""
        return scan_sides(self.domain, self.a, self.b, self.objective_type.paired)

    def mapping(self) -> dict[str, Any]:
        """The run as plain values: what config.yaml holds, enough to run it again."""
        return {
            "format": FORMAT,
            "domain": {"name": self.domain.name, **to_mapping(self.domain.settings)},
            "a": str(self.a.absolute()),
            "b": str(self.b.absolute()),
            "names": list(self.names),
            "preset": self.preset,
            "networks": to_mapping(self.network_settings),
            "objective": {"name": self.objective_name, **to_mapping(self.objective_settings)},
            "training": to_mapping(self.training),
            "data_hash": self.data_hash,
        }


def train(
    domain: Domain,
    a: str | os.PathLike[str],
    b: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    preset: str = "base",
    networks: NetworkSettings | None = None,
    objective: Any = None,
    objective_name: str | type[Objective] = "cycle",
    training: TrainingSettings | None = None,
    names: tuple[str, str] = ("A", "B"),
    resume: bool = False,
    **overrides: Any,
) -> Path:
    """Train a translator between the files of folder `a` and those of folder `b`, with no pairs needed.

    Args:
        domain: adapter of the medium, for example `unpaired.Image(size=256)`.
        out: the run folder; made if need be.
        preset: size of the networks: tiny, small or base (the paper's).
        networks: what to change of the preset (default: what the objective was published with).
        objective: settings of the objective (default: the paper's weights, with the domain's own terms).
        objective_name: cycle, dual, disco, pix2pix, cut, another that is installed, or a class of one's own.
        training: how to train (default: what the objective was published with); single fields can be given as keywords
            instead (steps=..., seed=...).
        names: what the two domains are called in reports.
        resume: go on from the newest checkpoint in `out`, bit for bit as if there had been no stop (on the CPU).

    Returns:
        Path of the model file, `out`/model.safetensors.

    Raises:
        ConfigError: settings that contradict each other, too few files, or another experiment in `out`.
        MissingFile: a folder does not exist.
        AdapterError: the domain breaks its contract.
        OutputError: `out` cannot be written.
        NumericsError: NaN or infinity; the message names the last good checkpoint.
        Interrupted: Ctrl-C or SIGTERM; the state has been saved.
    """
    known = {field.name for field in dataclasses.fields(TrainingSettings)}
    faults = [f"{name}: no such training setting{registry.suggestion(name, sorted(known))}"
              for name in overrides if name not in known]  # fmt: skip
    if faults:
        raise ConfigError("; ".join(faults))
    name = objective_name if isinstance(objective_name, str) else objective_name.__name__
    objective_type = domain.objective_type(name) if isinstance(objective_name, str) else objective_name
    published = objective_type.published
    plan = RunPlan(
        domain=domain,
        a=Path(a),
        b=Path(b),
        out=Path(out),
        names=names,
        preset=preset,
        network_settings=domain.architectures(networks or NetworkSettings(**published.get("networks", {}))),
        objective_name=name,
        objective_type=objective_type,
        objective_settings=_fitting(objective, objective_type.settings_type, domain, name),
        training=_counted(
            dataclasses.replace(training or TrainingSettings(**published.get("training", {})), **overrides)
        ),
    )
    plan.objective().check(domain.channels("a"), domain.channels("b"))
    plan.networks()
    inventories = plan.scan()
    plan = dataclasses.replace(plan, domain=plan.domain.fit(inventories["a"], inventories["b"]))
    if resume:
        _check_resumable(plan)
    _check_shapes(plan, inventories)
    check_pickles(plan.domain, plan.training.workers, plan.training.processes)
    plan = dataclasses.replace(plan, data_hash=data_hash(inventories))
    fabric = make_fabric(plan.training)
    _claim(plan, resume)
    launch(fabric, plan)
    return plan.out / "model.safetensors"


def _counted(settings: TrainingSettings) -> TrainingSettings:
    """The settings with the number of processes that torchrun started, where it did: a run is resumed with as many."""
    if "LOCAL_WORLD_SIZE" not in os.environ:
        return settings
    return dataclasses.replace(settings, processes=int(os.environ["WORLD_SIZE"]))


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


def _check_shapes(plan: RunPlan, inventories: Mapping[Side, Inventory]) -> None:
    """Put the shape of a sample of each side through the networks, on a device without memory or arithmetic."""
    networks = plan.networks()
    judges: dict[Side, NetworkSpec] = {"a": networks.discriminator_a, "b": networks.discriminator_b}
    translators: dict[Side, NetworkSpec] = {"a": networks.generator_a2b, "b": networks.generator_b2a}
    for side, inventory in inventories.items():
        shape = tuple(first_sample(plan.domain, inventory.files, side).shape)
        with torch.device("meta"):
            translator, judge = translators[side].build("generators"), judges[side].build("discriminators")
            # A discriminator may be shown more channels than a sample has: pix2pix shows A and B as one.
            judged = (int(judges[side].options.get("in_channels", shape[0])), *shape[1:])
            multiple, minimum = int(cast(Any, translator).multiple), int(cast(Any, translator).minimum)
            if any(size % multiple or size < minimum for size in shape[1:]):
                raise ConfigError(
                    f"samples of {side.upper()} are {' x '.join(map(str, shape[1:]))}; this generator needs "
                    f"multiples of {multiple}, at least {minimum}: change the domain's size"
                )
            try:
                judge(torch.empty(1, *judged))
            except (RuntimeError, ValueError):
                raise ConfigError(
                    f"samples of {side.upper()} ({' x '.join(map(str, shape[1:]))}) are too small for "
                    f"{plan.network_settings.discriminator_layers} discriminator layers; enlarge the domain's size or "
                    "lower networks.discriminator_layers"
                ) from None


def _check_resumable(plan: RunPlan) -> None:
    file = plan.out / "config.yaml"
    if not file.is_file():
        raise ConfigError(f"{plan.out} holds no run to resume (no config.yaml); leave out --resume to start one")
    earlier, now = read_yaml(file), plan.mapping()
    if not isinstance(earlier.get("format"), int) or earlier["format"] > FORMAT:
        raise ConfigError(f"{plan.out} was made by a newer version of unpaired; update to resume it")
    # A setting that a later version brought had its default before.
    defaults: dict[str, dict[str, Any]] = {
        "domain": to_mapping(plan.domain.settings_type()),
        "networks": to_mapping(plan.domain.architectures(NetworkSettings())),
        "objective": to_mapping(type(plan.objective_settings)()),
    }
    earlier |= {part: {**filled, **(earlier.get(part) or {})} for part, filled in defaults.items()}
    changed = [
        f"{part} ({_difference(earlier.get(part), now[part])})" for part in _FIXED if earlier.get(part) != now[part]
    ]
    batch = {key: now["training"][key] for key in ("batch", "accumulate", "processes", "seed")}
    earlier_training = earlier.get("training") or {}
    changed += [
        f"training.{key} (was {earlier_training.get(key)}, is {value})"
        for key, value in batch.items()
        if earlier_training.get(key) != value
    ]
    if changed:
        raise ConfigError(
            f"{plan.out} cannot be resumed with other settings: {', '.join(changed)}; "
            "give the run's own settings or start a new run"
        )


def _difference(earlier: Any, now: Any) -> str:
    if isinstance(earlier, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**earlier, **now} if earlier.get(key) != now.get(key)]
        return ", ".join(f"{key}: was {earlier.get(key)}, is {now.get(key)}" for key in keys)
    return f"was {earlier}, is {now}"


def _claim(plan: RunPlan, resume: bool) -> None:
    """Refuse an `out` that this run must not take."""
    if not resume and (plan.out / "config.yaml").exists():
        raise ConfigError(f"{plan.out} holds a run already; resume it with --resume or choose another --out")
    if plan.out.exists() and not plan.out.is_dir():
        raise OutputError(f"{plan.out} is a file; name a folder for the run")
    for side in (plan.a, plan.b):
        if plan.out.resolve().is_relative_to(side.resolve()):
            raise OutputError(f"{plan.out} lies inside the training folder {side}; name a run folder outside of it")


def make_fabric(settings: TrainingSettings) -> Fabric:
    """The Fabric for these settings: device, precision, and how many processes.

    Under torchrun (LOCAL_WORLD_SIZE is set) its processes are joined; else `processes` are started from here.

    Raises:
        ConfigError: the device is not there.
    """
    from lightning_fabric import Fabric

    # What it announces (precision, ranks) is in config.yaml already.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    accelerator, _, number = settings.device.partition(":")
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if accelerator not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"training.device is {settings.device!r}; expected auto, cpu, cuda, cuda:N or mps")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present[accelerator]:
        raise ConfigError(f"training.device is {settings.device!r} and this machine has none; use auto or cpu")
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if native_bf16(accelerator) else "fp32"
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 0))
    processes = local or settings.processes
    devices: Any = [int(number)] if number else processes
    nodes = int(os.environ.get("WORLD_SIZE", processes)) // processes if local else 1
    strategy = "auto" if processes * nodes == 1 else "ddp" if local else "ddp_spawn"
    fabric: Fabric = Fabric(
        accelerator=accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=_PRECISIONS[precision],
    )
    return fabric


def native_bf16(accelerator: str) -> bool:
    """Whether the device computes bf16 natively, so that it is faster than fp32."""
    if accelerator == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if accelerator == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False


def newest_checkpoint(run: Path) -> Path | None:
    """The newest complete checkpoint folder of a run, if any."""
    found = listed(run)
    return found[-1] if found else None
