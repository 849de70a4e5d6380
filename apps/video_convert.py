"""Translate footage: `python apps/video_convert.py street.mp4 night.mp4` needs no further option."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.command_line import Parser, run
from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a clip, or a folder of clips (which keeps its tree), without flicker, with its sound.

  python apps/video_convert.py street.mp4 night.mp4
  python apps/video_convert.py street.mp4 both.mp4 --side-by-side --start 10 --end 20
  python apps/video_convert.py clips out --model runs/monet --size 512x288 --codec h265 --crf 26
  producer | python apps/video_convert.py - - | player -
  python apps/video_convert.py rtsp://camera.local/stream night.mkv --live"""


def parser() -> Parser:
    """What this program takes: as `unpaired convert`, with a model that need not be named."""
    made = Parser("video_convert.py", DESCRIPTION, ("conversion",), convert_command.SHORTHAND)
    made.add_argument(
        "--model", default="day2night-video", help="a run, a model file or a shipped model (default: day2night-video)"
    )
    convert_command.add_options(made)
    made.set_defaults(domain="video")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: convert_command.main(parser().read(given)), debug="--debug" in given)


if __name__ == "__main__":
    sys.exit(main())
