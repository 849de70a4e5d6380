"""Translate footage: `python apps/video_convert.py street.mp4 night.mp4` needs no further option."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a clip, or a folder of clips with its subfolders, without flicker and with its sound.

  python apps/video_convert.py street.mp4 night.mp4
  python apps/video_convert.py street.mp4 both.mp4 --side-by-side --start 10 --end 20
  python apps/video_convert.py clips out --model runs/monet --size 512x288 --codec h265 --crf 26
  producer | python apps/video_convert.py - - | player -
  python apps/video_convert.py rtsp://camera.local/stream night.mkv --live"""


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    parser = convert_command.standalone("video_convert.py", DESCRIPTION, "day2night-video", domain="video")
    return convert_command.run_standalone(parser, words)


if __name__ == "__main__":
    sys.exit(main())
