"""`unpaired runs`: the runs of a folder beside each other."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from unpaired.apps.command_line import Parser, refuse
from unpaired.core.training import RunSummary, SeedGroup, differing, groups_of, list_runs

DESCRIPTION = """List the runs in a folder and below it: how far each is, how long it took, its score and best figure,
the verdict, what the doctor noted, and the settings in which they differ; then mean and spread of several seeds.

  unpaired runs runs
  unpaired runs runs --csv > runs.csv"""


def parser() -> Parser:
    """The options of `unpaired runs`."""
    made = Parser("unpaired runs", DESCRIPTION)
    made.add_argument("folder", metavar="DIR", help="a folder of runs, or one run")
    made.add_argument("--csv", action="store_true", help="print a row a run, with every loss and setting")
    made.add_argument("--json", action="store_true", help="print the same as JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Print the table."""
    if args.csv and args.json:
        args.faults.append("--csv and --json exclude each other; give one")
    refuse(args.faults)
    runs = list_runs(args.folder)
    rows = [run.row() for run in runs]
    if args.json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    elif args.csv:
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = csv.DictWriter(sys.stdout, names, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    else:
        print("\n".join(_lines(runs)))
        for group in groups_of(runs):
            print(f"\nmean and spread of {group.path}:\n{_spread(group)}")
    return 0


def _lines(runs: Sequence[RunSummary]) -> Iterator[str]:
    names = differing(runs)
    short = [name.removeprefix("training.") for name in names]
    scored = ["score"] if any(run.score is not None for run in runs) else []
    table = [["run", "state", "steps", "time", *scored, "best", "verdict", "noted", *short]]
    for run in runs:
        score = ["-" if run.score is None else f"{run.score:.4g}"] if scored else []
        found = [run.verdict.kind if run.verdict else "-", ", ".join(run.findings) or "-"]
        table.append([
            str(run.path), run.state, f"{run.step:,}/{run.steps:,}", _duration(run.seconds), *score, _best(run),
            *found, *(_text(run.settings.get(name)) for name in names),
        ])  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield from (f"unpaired: note: {run.fault}" for run in runs if run.fault)


def _best(run: RunSummary) -> str:
    """The lowest score and its step, or the loss that the best model was selected by."""
    if run.best_score is not None:
        return f"score {run.best_score:.4g} @{run.best_score_step}"
    best = ", ".join(f"{name} {value:.4g}" for name, value in run.best.items()) or "-"
    return f"{best} @{run.best_step}" if run.best and run.best_step is not None else best


def _spread(group: SeedGroup) -> str:
    """The group's table, without the losses where there are scores."""
    heading, *lines = str(group).splitlines()
    scores = [line for line in lines if not line.startswith("losses.")]
    return "\n".join([heading, *(scores or lines)])


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
