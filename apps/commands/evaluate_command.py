"""`unpaired evaluate`: scores of a translator on files it was not trained on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import unpaired
from unpaired import Translator
from unpaired.apps.command_line import (
    Parser,
    add_ema_length,
    add_runtime,
    loaded,
    put_scores,
    quiet_libraries,
    refuse,
    tell_notes,
)
from unpaired.apps.footage import score_clips
from unpaired.apps.progress import Progress
from unpaired.core import Side, check_writable
from unpaired.core.adapter import WritesCsv
from unpaired.core.settings import read_yaml

DESCRIPTION = """Score a translator on held-out folders, both directions; or how steady it is on clips.
An audio model is scored from file to file, next to the unchanged input and the real target.

  unpaired evaluate runs/monet --a testA --b testB
  unpaired evaluate runs/maps --a testA --b testB --paired --json scores.json --sheet sheet.jpg
  unpaired evaluate runs/rain --clips street.mp4 testA --seconds 10
  unpaired evaluate runs/voice --a testA --b testB --paired --page listen.html

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`)."""


def parser() -> Parser:
    """The options of `unpaired evaluate`."""
    made = Parser("unpaired evaluate", DESCRIPTION)
    made.add_argument("model", metavar="MODEL")
    made.add_argument("--a", metavar="DIR", help="held-out folder of domain A")
    made.add_argument("--b", metavar="DIR", help="held-out folder of domain B")
    made.add_argument("--clips", metavar="CLIP", nargs="+", help="clips, or folders of them, to score steadiness on")
    made.add_argument("--seconds", type=float, metavar="S", help="length of each clip to score (default: all)")
    made.add_argument("--paired", action="store_true", help="files with the same name are true counterparts")
    made.add_argument("--direction", choices=("a2b", "b2a"), help="one direction only (default: all the model has)")
    made.add_argument(
        "--limit", type=int, metavar="N", help="at most this many files of each folder, drawn with --seed"
    )
    made.add_argument("--seed", type=int, default=0, metavar="N", help="seed of that draw (default: 0)")
    add_runtime(made)
    add_ema_length(made)
    made.add_argument("--extractor", metavar="FILE", help="a TorchScript feature extractor for FID and KID")
    for side in ("a", "b"):
        text = f"domain {side.upper()} shows label maps: YAML of class names and colours (road: [254, 254, 254])"
        made.add_argument(f"--palette-{side}", metavar="FILE", help=text)
    made.add_argument("--sheet", metavar="FILE", help="write a contact sheet")
    made.add_argument("--page", metavar="FILE", help="write an HTML page to listen to (sound)")
    made.add_argument("--json", metavar="FILE", help="write the report as JSON; - prints it instead of the text")
    made.add_argument(
        "--csv", metavar="FILE", help="write the figures of each file as CSV, and the totals to FILE-totals"
    )
    return made


def main(args: argparse.Namespace) -> int:
    """Print the scores."""
    if args.clips:
        return _steadiness(args)
    args.faults += [f"{side} is missing: give --{side} DIR" for side in ("a", "b") if getattr(args, side) is None]
    files: dict[Side, str | None] = {"a": args.palette_a, "b": args.palette_b}
    palettes = {side: _palette(file, args.faults) for side, file in files.items() if file}
    if palettes and not args.paired:
        args.faults.append("--palette-a and --palette-b need true counterparts: add --paired")
    refuse(args.faults)
    written = None if args.json == "-" else args.json
    for target in filter(None, (written, args.sheet, args.page, args.csv)):
        check_writable(Path(target))
    translator = loaded(args)
    if translator.domain.scores_files:
        return _score_files(translator, args)
    refuse(["--page is for models that are scored by their files (of sound); write a --sheet"] if args.page else [])
    show = Progress("evaluated")
    with quiet_libraries():
        report = unpaired.evaluate(
            translator,
            args.a,
            args.b,
            paired=args.paired,
            direction=args.direction,
            extractor=args.extractor,
            limit=args.limit,
            seed=args.seed,
            sheet=args.sheet,
            json=written,
            palettes=palettes,
            progress=lambda done, total: show(done / total),
        )
    if args.csv:
        report.write_csv(Path(args.csv))
    put_scores(report.text(), report.as_dict(), "-" if args.json == "-" else None)
    tell_notes(translator)
    return 0


def _score_files(translator: Translator, args: argparse.Namespace) -> int:
    """Score a model through the whole conversion, from file to file."""
    from unpaired.core.conversion import medium_of

    _refuse_given(args, ("extractor", "palette_a", "palette_b", "sheet"), f"for {medium_of(translator.domain)}")
    show = Progress("scored")
    with quiet_libraries():
        evaluation = translator.domain.evaluate_files(
            translator,
            Path(args.a),
            Path(args.b),
            paired=args.paired,
            directions=[args.direction] if args.direction else None,
            limit=args.limit,
            seed=args.seed,
            page=Path(args.page) if args.page else None,
            progress=lambda done, total: show(done / total),
        )
    if args.csv and isinstance(evaluation, WritesCsv):
        evaluation.write_csv(Path(args.csv))
    put_scores(evaluation.text(), evaluation.as_dict(), args.json)
    if args.csv and not isinstance(evaluation, WritesCsv):
        refuse([f"--csv: the scores of {medium_of(translator.domain)} come in no table; --json has them"])
    tell_notes(translator)
    return 0


def _steadiness(args: argparse.Namespace) -> int:
    without = ("a", "b", "paired", "limit", "extractor", "palette_a", "palette_b", "sheet", "page")
    _refuse_given(args, without, "beside --clips")
    for target in (None if args.json == "-" else args.json, args.csv):
        if target:
            check_writable(Path(target))
    translator = loaded(args)
    return score_clips(translator, args.clips, args.direction or "a2b", args.seconds, args.json, args.csv)


def _palette(file: str, faults: list[str]) -> dict[str, tuple[float, ...]]:
    """Class names and colours from a YAML file, each colour a list of numbers."""
    palette = {}
    for name, colour in read_yaml(file).items():
        if isinstance(colour, list) and all(isinstance(value, int | float) for value in colour):
            palette[name] = tuple(map(float, colour))
        else:
            faults.append(f"{file}: {name} is {colour!r}; expected a colour as numbers, like [254, 254, 254]")
    return palette


def _refuse_given(args: argparse.Namespace, options: Sequence[str], where: str) -> None:
    given = [option for option in options if getattr(args, option)]
    refuse([*args.faults, *(f"--{option.replace('_', '-')} has no meaning {where}" for option in given)])
