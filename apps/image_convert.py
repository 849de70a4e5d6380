"""Translate pictures: `python apps/image_convert.py photo.jpg night.jpg` needs no further option."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.command_line import Parser, run
from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a picture, or a folder of pictures (which keeps its tree), at its own size.

  python apps/image_convert.py photo.jpg night.jpg
  python apps/image_convert.py photos paintings --model runs/monet --strength 0.8"""


def parser() -> Parser:
    """What this program takes: as `unpaired convert`, with a model that need not be named."""
    made = Parser("image_convert.py", DESCRIPTION, ("conversion",), {"strength": "conversion.strength"})
    made.add_argument(
        "--model", default="day2night", help="a run, a model file or a shipped model (default: day2night)"
    )
    convert_command.add_options(made)
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: convert_command.main(parser().read(given)), debug="--debug" in given)


if __name__ == "__main__":
    sys.exit(main())
