"""`unpaired convert`: a file, or a folder of files, through a trained translator."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unpaired
from unpaired.apps.command_line import Parser, Progress, quiet_libraries, refuse
from unpaired.core import config

if TYPE_CHECKING:
    from unpaired.core.conversion import ConversionReport
    from unpaired.core.conversion import Progress as ConversionProgress

DESCRIPTION = """Translate a file, or a folder of files (which keeps its tree).

  unpaired convert day2night photo.jpg night.jpg
  unpaired convert runs/monet photos paintings --skip-existing --strength 0.8
  unpaired convert runs/monet painting.png photo.png --direction b2a

MODEL is a run folder, a model file, or the name of a shipped model (`unpaired models`)."""


def parser() -> Parser:
    """What `unpaired convert` takes."""
    made = Parser("unpaired convert", DESCRIPTION, ("conversion",), {"strength": "conversion.strength"})
    made.add_argument("model", metavar="MODEL")
    add_options(made)
    return made


def add_options(made: Parser) -> None:
    """Everything but the model: shared with the programs that convert one medium."""
    made.add_argument("input", metavar="INPUT", help="a file or a folder")
    made.add_argument("output", metavar="OUTPUT", help="likewise a file or a folder")
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="a2b (default) or b2a")
    made.add_argument("--runtime", choices=("auto", "torch", "openvino", "onnx"), default="auto",
                      help="what runs the network (default: auto, the fastest here)")  # fmt: skip
    made.add_argument("--device", default="auto", help="auto (default), cpu, cuda, cuda:N or mps")
    made.add_argument("--skip-existing", action="store_true", help="leave outputs alone that are there already")
    made.add_argument("--json", action="store_true", help="print what was done as JSON")
    made.epilog = (
        "--strength 0..1 is how much of the translation is applied (default: all, 1).\n"
        "--conversion.KEY VALUE sets whatever else the medium offers."
    )


def main(args: argparse.Namespace) -> int:
    """Convert; the exit code is 2 when a file could not be converted."""
    refuse(args.faults)
    translator = unpaired.load(args.model, runtime=args.runtime, device=args.device)
    conversion_type = translator.domain.conversion_type
    options = config.from_mapping(conversion_type, args.settings.get("conversion", {}), "conversion")
    with quiet_libraries():
        report = translator.convert(
            Path(args.input),
            Path(args.output),
            args.direction,
            skip_existing=args.skip_existing,
            progress=_shown_by(Progress("converted")),
            **vars(options),
        )
    if args.json:
        print(json.dumps(_figures(report), indent=2, ensure_ascii=False))
    else:
        print(f"{len(report.converted)} converted, {len(report.skipped)} skipped, {len(report.failed)} refused")
    for broken in report.failed:
        print(f"unpaired: {broken.path}: {broken.reason}", file=sys.stderr)
    return 2 if report.failed else 0


def _shown_by(show: Progress) -> Callable[[ConversionProgress], None]:
    def report(stand: ConversionProgress) -> None:
        within = stand.chunks / stand.chunks_in_file if stand.chunks_in_file else 0.0
        show((stand.file + min(within, 1.0)) / stand.files)

    return report


def _figures(report: ConversionReport) -> dict[str, Any]:
    return {
        "converted": [str(path) for path in report.converted],
        "skipped": [str(path) for path in report.skipped],
        "refused": [{"file": str(each.path), "reason": each.reason} for each in report.failed],
    }
