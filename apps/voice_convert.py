"""Translate voices: `python apps/voice_convert.py in.wav out.wav`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.command_line import Parser, run
from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a recording, or a folder of recordings (which keeps its tree); of a video the sound.

  python apps/voice_convert.py woman.wav man.wav
  python apps/voice_convert.py man.wav woman.flac --direction b2a --strength 0.8 --pitch keep
  python apps/voice_convert.py talk.mp4 other-voice.mp4 --model runs/voice
  python apps/voice_convert.py recordings out --model runs/voice --skip-existing"""


def parser() -> Parser:
    """What this program takes: as `unpaired convert`, with the model as an option."""
    made = Parser("voice_convert.py", DESCRIPTION, ("conversion",), convert_command.SHORTHAND)
    made.add_argument(
        "--model", default="female-male", help="a run, a model file or a shipped model (default: female-male)"
    )
    convert_command.add_options(made)
    made.set_defaults(domain="audio")
    return made


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    return run(lambda: convert_command.main(parser().read(given)), debug="--debug" in given)


if __name__ == "__main__":
    sys.exit(main())
