"""Translate voices: `python apps/voice_convert.py in.wav out.wav`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from unpaired.apps.commands import convert_command

DESCRIPTION = """Translate a recording, or a folder of recordings with its subfolders; in a video, translate the sound.

  python apps/voice_convert.py woman.wav man.wav
  python apps/voice_convert.py man.wav woman.flac --direction b2a --strength 0.8 --pitch keep
  python apps/voice_convert.py talk.mp4 other-voice.mp4 --model runs/voice
  python apps/voice_convert.py recordings out --model runs/voice --skip-existing"""


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    parser = convert_command.standalone("voice_convert.py", DESCRIPTION, "female-male", domain="audio")
    return convert_command.run_standalone(parser, words)


if __name__ == "__main__":
    sys.exit(main())
