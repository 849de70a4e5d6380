"""`unpaired train`: two folders to a run folder that holds a model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import unpaired
import unpaired.core.settings as config
from unpaired import (
    ConfigError,
    CycleSettings,
    Interrupted,
    MissingFile,
    NetworkSettings,
    OutputError,
    TrainingSettings,
)
from unpaired.apps import recipe
from unpaired.apps.command_line import Parser
from unpaired.apps.progress import ProgressFile, is_asked_for
from unpaired.apps.run_settings import (
    GROUPS,
    RunSettings,
    compose,
    described,
    objective_of,
    published,
    read_settings,
    training_shorthand,
)
from unpaired.apps.training_plan import print_plan
from unpaired.core import show
from unpaired.core.adapter import find_domain
from unpaired.core.monitoring import find_callback

DESCRIPTION = """Train a translator from two folders that need no pairs.

  unpaired train --domain image --a photos --b paintings --out runs/monet
  unpaired train --domain image --data datasets/horse2zebra --out runs/zebra --preset small --steps 20000
  unpaired train --domain image --a photos --b paintings --out runs/monet --hours 8
  unpaired train --domain image --objective dcgan --b nights --out runs/nights --size 64
  unpaired train --out runs/monet --resume
  unpaired train --domain image --a photos --b paintings --out runs/three --seeds 3"""


def parser() -> Parser:
    """The options of `unpaired train`."""
    shorthand = training_shorthand()
    shorthand |= {old: f"training.{new}" for old, new in vars(TrainingSettings)["__renamed__"].items()}
    shorthand["size"] = "domain.size"
    made = Parser("unpaired train", DESCRIPTION, GROUPS, shorthand)
    made.add_argument("--domain", metavar="NAME", help="the medium: image, or another of `unpaired domains`")
    made.add_argument("--a", metavar="DIR", help="folder of domain A (not for gan, dcgan and cgan)")
    made.add_argument("--b", metavar="DIR", help="folder of domain B")
    made.add_argument("--test-a", metavar="DIR", help="files of A that are not trained on, to score checkpoints by")
    made.add_argument("--test-b", metavar="DIR", help="those of B (default: some are held out of --a and --b)")
    made.add_argument("--data", metavar="DIR", help="a folder with trainA and trainB, instead of --a and --b")
    made.add_argument("--out", metavar="RUN", help="the run folder to create, or to continue")
    made.add_argument("--preset", help="size of the networks: tiny, small or base (the paper's)")
    made.add_argument("--names", nargs=2, metavar=("A", "B"), help="names of the two domains")
    made.add_argument("--objective", metavar="NAME",
                      help="cycle (default), dual, disco, pix2pix, cut, distill; gan, dcgan, cgan")  # fmt: skip
    made.add_argument("--recipe", metavar="NAME", action=recipe.Once,
                      help=f"settings for a kind of task: {', '.join(recipe.names())}")  # fmt: skip
    made.add_argument("--config", metavar="FILE",
                      help="settings from a YAML file, over the recipe's; options override both")  # fmt: skip
    made.add_argument("--hours", metavar="H", help="a deadline in place of --steps: 60 --minutes each")
    made.add_argument("--plan", action="store_true",
                      help="say what time, memory and disk it would take with each preset, and end")  # fmt: skip
    made.add_argument("--resume", nargs="?", const=True, default=False, choices=("elastic",), metavar="elastic",
                      help="continue the run at --out with its own settings; `elastic` also on another number of "
                           "processes or with another batch, no longer bitwise the same run")  # fmt: skip
    made.add_argument("--seeds", type=int, metavar="N",
                      help="train N runs that differ in their seed alone, in RUN/seed-0, RUN/seed-1, ...; "
                           "print mean and spread of their figures")  # fmt: skip
    made.add_argument("--data-changed", action="store_true", help="with --resume: even if the folders hold other files")
    made.add_argument("--log-to", nargs="+", metavar="NAME", default=[],
                      help="log to wandb, mlflow or another installed callback; "
                           "give it again with --resume")  # fmt: skip
    made.details = _details
    return made


def _details(words: Sequence[str]) -> str:
    lines = [
        "settings (--steps stands for --training.steps, and so on for all of training; --size for --domain.size;",
        "--objective.cycle sets cycle_a and cycle_b, likewise identity and adversarial):",
    ]
    domain = find_domain(_value(words, "--domain"))() if "--domain" in words[:-1] else None
    objective: type[Any] = CycleSettings
    if domain or "--objective" in words[:-1]:  # a class to look up, and torch with it
        name = _value(words, "--objective") if "--objective" in words[:-1] else "cycle"
        kind = objective_of(domain, name)
        objective = kind.settings_type
        if sets := published(kind):
            lines.append(f"{name} sets, as it was published: {sets}")
    listed: list[tuple[str, type[Any]]] = [
        ("training", TrainingSettings),
        ("objective", objective),
        ("networks", NetworkSettings),
    ]
    if domain:
        listed.append(("domain", domain.settings_type))
    else:
        lines.append("with --domain NAME, --help lists the settings of that medium too")
    for where, settings in listed:
        lines += ["", *described(settings, where)]
    return "\n".join(lines)


def _value(words: Sequence[str], option: str) -> str:
    return words[words.index(option) + 1]


def main(args: argparse.Namespace) -> int:
    """Train. Raises UnpairedError before the first step for anything the user can fix."""
    layers = [of_words(args)]
    if args.config:
        layers.insert(0, read_settings(Path(args.config)))
    if args.recipe:
        layers.insert(0, recipe.read(args.recipe, config.merge(*layers).get("domain")))
    out = config.merge(*layers).get("out")
    if args.seeds is not None and args.seeds < 1:
        raise ConfigError(f"--seeds is {args.seeds}; expected 1 or more")
    if args.resume:
        layers.insert(0, _of_run(out, args.seeds is not None))
    elif isinstance(out, str) and (Path(out) / "config.yaml").exists():
        raise OutputError(f"{out} already holds a run; continue it with --resume, or choose another --out")
    if args.data_changed and not args.resume:
        args.faults.append("--data-changed goes with --resume")
    settings = compose(config.merge(*layers), args.faults)
    if args.plan:
        print_plan(settings)
        return 0
    return carry_out(settings, args)


def carry_out(settings: RunSettings, args: argparse.Namespace) -> int:
    """Train what the settings say, and print what came of it."""
    try:
        done = _train(settings, args)
    except Interrupted as error:
        _say_verdict(settings, args)
        seeds = "" if args.seeds is None else f" --seeds {args.seeds}"
        again = f"{seeds} --log-to {' '.join(args.log_to)}" if args.log_to else seeds
        raise KeyboardInterrupt(f"{error}: unpaired train --out {settings.out}{again} --resume") from None
    if os.environ.get("RANK", "0") == "0":  # under torchrun every process comes by
        print(done)
    _say_verdict(settings, args)
    return 0


def _train(settings: RunSettings, args: argparse.Namespace) -> str:
    """Train what the settings say; what came of it, in words."""
    callbacks = [find_callback(name)() for name in args.log_to]
    if is_asked_for():
        callbacks.append(ProgressFile())
    further: dict[str, Any] = {"resume": args.resume, "data_changed": args.data_changed, "callbacks": callbacks}
    if args.seeds is None:
        return f"model: {unpaired.train(**vars(settings), **further)}"
    group = unpaired.train_seeds(**vars(settings), seeds=args.seeds, **further)
    return f"{group}\nmodels: {', '.join(str(run.path / 'model.safetensors') for run in group.runs)}"


def _say_verdict(settings: RunSettings, args: argparse.Namespace) -> None:
    """The last line of a training, or one for each of several seeds."""
    if os.environ.get("RANK", "0") == "0":
        from unpaired.core.training import seed_folders, verdict_of

        if args.seeds is None:
            print(f"verdict: {verdict_of(settings.out).naming(settings.out)}")
            return
        for run in seed_folders(settings.out).values():
            print(f"verdict on {run.name}: {verdict_of(run).naming(run)}")


def _of_run(out: Any, seeds: bool = False) -> dict[str, Any]:
    """The settings of the run at `out`, or of the first of a group of `seeds` there."""
    if not isinstance(out, str):
        raise ConfigError("--resume needs --out RUN, the run to continue")
    from unpaired.core.training import seed_folders  # and torch with it

    folder = Path(out)
    group = seed_folders(folder)
    if seeds and group:
        folder = next(iter(group.values()))
    elif group and not (folder / "config.yaml").is_file():
        raise ConfigError(f"{out} holds runs of several seeds; continue them with --seeds N --resume")
    if not (folder / "config.yaml").is_file():
        raise MissingFile(f"there is no run to resume at {out} (no config.yaml there)")
    return {**read_settings(folder / "config.yaml"), "out": out}


def of_words(args: argparse.Namespace) -> dict[str, Any]:
    """The layer of settings that the command line gives."""
    given: dict[str, Any] = dict(args.settings)
    for group in ("domain", "objective"):
        name = getattr(args, group)
        if name is not None:
            given[group] = {"name": name, **given.get(group, {})}
    if args.data is not None:
        given |= _data_set(Path(args.data), args)
    _set_length(given, args)
    for key in ("a", "b", "test_a", "test_b", "out", "preset", "names"):
        if getattr(args, key) is not None:
            given[key] = getattr(args, key)
    return given


def _set_length(given: dict[str, Any], args: argparse.Namespace) -> None:
    """So many steps, or a deadline: what was typed takes the place of what a file says."""
    lengths = ("training.steps", "training.minutes", "hours")
    typed = [args.typed[name] for name in lengths if name in args.typed]
    if len(typed) > 1:
        args.faults.append(f"{' and '.join(typed)} exclude each other; give one")
    if not typed:
        return
    training = dict(given.get("training", {}))
    if args.hours is not None:
        try:
            training["minutes"] = 60 * float(args.hours)
        except ValueError:
            args.faults.append(f"--hours is {show(args.hours)}; expected a number")
    elif "training.steps" in args.typed:
        training["minutes"] = None
    given["training"] = {"pace": (), **training}


def _data_set(folder: Path, args: argparse.Namespace) -> dict[str, str]:
    sides = {"a": folder / "trainA", "b": folder / "trainB"}
    if args.a is not None or args.b is not None:
        args.faults.append("--data and --a, --b exclude each other; give the one or the others")
    for path in sides.values():
        if not path.is_dir():
            raise MissingFile(f"there is no folder {path}; --data takes a folder that holds trainA and trainB")
    return {side: str(path) for side, path in sides.items()}
