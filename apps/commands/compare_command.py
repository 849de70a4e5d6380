"""`unpaired compare`: several models or checkpoints on the same files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

import unpaired
from unpaired.apps.command_line import Parser, add_ema_length, add_runtime, quiet_libraries, refuse
from unpaired.apps.progress import Progress
from unpaired.core import as_note

DESCRIPTION = """Show what several models, or checkpoints of a run, make of the same files: of pictures one sheet, of
footage one clip, of sound one page to listen to; with the scores that their runs recorded.

  unpaired compare runs/mine@5000 runs/mine@best day2night photos sheet.png
  unpaired compare runs/mine@best day2night-video street.mp4 beside.mp4 --layout wipe
  unpaired compare runs/voice@10000 runs/voice@20000 recordings listen.html
  unpaired compare runs/one runs/two testA sheet.jpg --target testB --paired

Each MODEL is a run folder, RUN@STEP, RUN@best, a model file, or the name of a shipped model."""
_ENCODING = ("codec", "profile", "depth", "chroma", "crf")
_SHORT = ("strength", *_ENCODING, "start", "end", "pitch", "range", "formants", "vocoder")
SHORTHAND = {name: f"conversion.{name}" for name in _SHORT}


def parser() -> Parser:
    """The options of `unpaired compare`."""
    made = Parser("unpaired compare", DESCRIPTION, ("conversion",), SHORTHAND)
    made.add_argument("models", metavar="MODEL", nargs="+")
    made.add_argument("input", metavar="INPUT", help="a file, or a folder of which some files are shown")
    made.add_argument("output", metavar="OUTPUT", help="a picture (.png, .jpg), a clip, or a page (.html) for sound")
    made.add_argument("--direction", choices=("a2b", "b2a"), default="a2b", help="a2b (default) or b2a")
    made.add_argument("--layout", choices=("grid", "wipe"), default="grid", help="of footage: pictures beside each "
                      "other (default), or one picture with a moving strip of each")  # fmt: skip
    made.add_argument("--limit", type=int, default=8, metavar="N", help="most files of a folder to show (default: 8)")
    made.add_argument("--target", metavar="DIR", help="held-out files of the domain that is translated into: adds the "
                      "figures of `unpaired evaluate`")  # fmt: skip
    made.add_argument("--paired", action="store_true", help="files of one name in INPUT and --target are pairs")
    add_ema_length(made)
    add_runtime(made)
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    return made


def main(args: argparse.Namespace) -> int:
    """Write the comparison and print its figures."""
    refuse([*args.faults, *_faults(args.models)])
    with quiet_libraries():
        report = unpaired.compare(
            args.models,
            args.input,
            args.output,
            args.direction,
            layout=args.layout,
            target=args.target,
            paired=args.paired,
            limit=args.limit,
            runtime=args.runtime,
            device=args.device,
            precision=args.precision,
            ema_length=args.ema_length,
            progress=Progress("compared"),
            **args.settings.get("conversion", {}),
        )
    print(json.dumps(report.as_dict(), indent=2, ensure_ascii=False) if args.json else report.text())
    for note in report.notes:
        print(as_note(note), file=sys.stderr)
    return 0


def _faults(models: Sequence[str]) -> list[str]:
    return ["MODEL is an empty name"] if "" in models else []
