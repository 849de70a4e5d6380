"""`unpaired distill`: a small translator that does what a trained, larger one does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import unpaired.core.settings as config
from unpaired import NetworkSettings, OutputError, TrainingSettings
from unpaired.apps.command_line import Parser
from unpaired.apps.commands.train_command import carry_out, of_words
from unpaired.apps.run_settings import (
    GROUPS,
    compose,
    described,
    objective_of,
    published,
    read_settings,
    training_shorthand,
)

DESCRIPTION = """Train a small translator that does what a trained, larger one does, on files like those that it was
trained on. The report shows input, teacher and student beside each other, with the scores of both.

  unpaired distill runs/monet --out runs/monet-small
  unpaired distill runs/monet@best --out runs/monet-small --preset small --minutes 30
  unpaired distill day2night --a photos/day --b photos/night --out runs/night-small

MODEL is a run folder, a model file, the name of a shipped model, or RUN@best. The medium and, of a run, the folders are
its own. A run that was stopped goes on with `unpaired train --out RUN --resume`."""

_OF_TRAIN = {
    "--domain": "the medium is the teacher's, and so are its settings where --domain.NAME does not say otherwise",
    "--recipe": "recipes are for trainings without a teacher; --config FILE takes settings from a file",
    "--objective": "it is distill; --objective.NAME sets its weights",
    "--names": "they are the teacher's",
    "--data": "give --a DIR and --b DIR",
    "--seeds": "give one --seed, and another --out for each",
    "--plan": "it is for unpaired train",
    "--resume": "a student goes on with unpaired train --out RUN --resume",
    "--data-changed": "a student goes on with unpaired train --out RUN --resume",
}
"""What to say of options that `unpaired train` has besides."""


def parser() -> Parser:
    """The options of `unpaired distill`."""
    made = Parser("unpaired distill", DESCRIPTION, GROUPS, {**training_shorthand(), "size": "domain.size"})
    made.elsewhere = _OF_TRAIN
    made.add_argument("model", metavar="MODEL", help="the teacher")
    made.add_argument("--out", metavar="RUN", help="the run folder of the student to create")
    made.add_argument("--a", metavar="DIR", help="folder of domain A (default: that of the teacher's run)")
    made.add_argument("--b", metavar="DIR", help="folder of domain B")
    made.add_argument("--test-a", metavar="DIR", help="files of A that are not trained on, to score checkpoints by")
    made.add_argument("--test-b", metavar="DIR", help="those of B")
    made.add_argument("--preset", help="size of the student: tiny (default), small or base")
    made.add_argument("--config", metavar="FILE", help="settings from a YAML file; options override it")
    made.add_argument("--hours", metavar="H", help="a deadline in place of --steps: 60 --minutes each")
    made.add_argument("--log-to", nargs="+", metavar="NAME", default=[],
                      help="log to wandb, mlflow or another installed callback")  # fmt: skip
    # What `train` has besides, and a student takes over or goes on with as any run does.
    made.set_defaults(data=None, names=None, domain=None, objective=None, seeds=None, resume=False, data_changed=False)
    made.details = _details
    return made


def _details(words: Sequence[str]) -> str:
    kind = objective_of(None, "distill")
    lines = [
        "settings (--steps stands for --training.steps, and so on for all of training; --size for --domain.size);",
        f"distill sets {published(kind)}:",
    ]
    groups = {"objective": kind.settings_type, "training": TrainingSettings, "networks": NetworkSettings}
    for where, settings in groups.items():
        lines += ["", *described(settings, where)]
    return "\n".join(lines)


def main(args: argparse.Namespace) -> int:
    """Train the student. Raises UnpairedError before the first step for anything the user can fix."""
    from unpaired.core.training import student_settings

    layers = [student_settings(args.model), of_words(args)]
    if args.config:
        layers.insert(1, read_settings(Path(args.config)))
    merged = config.merge(*layers)
    out = merged.get("out")
    if isinstance(out, str) and (Path(out) / "config.yaml").exists():
        raise OutputError(f"{out} already holds a run; continue it with unpaired train --out {out} --resume, or choose "
                          "another --out")  # fmt: skip
    return carry_out(compose(merged, args.faults), args)
