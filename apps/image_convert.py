"""Translate pictures: `python apps/image_convert.py photo.jpg night.jpg` needs no further option."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a picture, or a folder of pictures with its subfolders, at the original size.

  python apps/image_convert.py photo.jpg night.jpg
  python apps/image_convert.py photos paintings --model runs/monet --strength 0.8"""


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    parser = convert_command.standalone(
        "image_convert.py", DESCRIPTION, "day2night", {"strength": "conversion.strength"}
    )
    return convert_command.run_standalone(parser, words)


if __name__ == "__main__":
    sys.exit(main())
