"""The demonstration: `python apps/demo.py` (or `make demo`) translates a picture, a clip and a voice, then trains a
tiny translator.

It types the commands a user would type, shows what they print, stops the training half way as Ctrl-C would,
and goes on with it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from unpaired import MissingFile, UnpairedError
from unpaired.apps.command_line import Parser, refuse, run
from unpaired.core import output_error

MEDIA = Path(os.path.relpath(Path(__file__).resolve().parents[1] / "tests" / "assets" / "day2night"))
"""Pictures to translate and to learn from, by the shortest name they have from here."""
CLIP = MEDIA.parent / "video" / "road.mp4"
SPEECH = MEDIA.parent / "speech" / "female-1.flac"
DESCRIPTION = """Translate a day picture and a clip into night and a woman's voice into a man's with the shipped models,
then train a tiny translator from two small folders for about a minute, interrupt it half way, resume it, and translate
with it."""
STEPS = 400


class DemoFailed(UnpairedError):
    """A command of the demonstration failed; what it printed says why."""


def parser() -> Parser:
    """The options of the demonstration; none is required."""
    made = Parser("demo.py", DESCRIPTION)
    made.add_argument("--out", default="demo", metavar="DIR", help="where pictures and run go (default: demo)")
    made.add_argument("--steps", type=int, default=STEPS, metavar="N", help=f"training steps (default: {STEPS})")
    return made


def demonstrate(out: Path, steps: int) -> None:
    """Run the whole demonstration. Raises UnpairedError when a part of it fails."""
    picture, day, night = MEDIA / "square.jpg", MEDIA / "day", MEDIA / "night"
    if not picture.is_file():
        raise MissingFile(f"the demonstration's pictures are not at {MEDIA}; run it from a checkout of the repository")
    trained = out / "run"
    shutil.rmtree(trained, ignore_errors=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from error

    _headline("1. Day to night, with a shipped model")
    _unpaired("convert", "day2night", picture, out / "night.jpg")

    _headline("2. A clip to night, next to its input: every frame at its time, steady, with its sound")
    _unpaired("convert", "day2night-video", CLIP, out / "road-night.mp4", "--side-by-side")

    _headline("3. A woman's voice to a man's: as long as its input to the sample, silence still silent")
    _unpaired("convert", "female-male", SPEECH, out / "male.wav")

    _headline(f"4. Two folders in: what they hold, and {steps} steps of training, stopped half way as by Ctrl-C")
    _unpaired("inspect", day, night)
    sizes = ["--preset", "tiny", "--domain.size", "64", "--workers", 0, "--steps", steps]
    often = ["--log-every", max(1, steps // 10), "--preview-every", max(1, steps // 4)]
    folders = ["--a", day, "--b", night, "--names", "day", "night"]
    _interrupted(trained, steps // 2, "train", "--domain", "image", *folders, "--out", trained, *sizes, *often)

    _headline("5. Resumed where it stopped, weights, optimisers and random draws included")
    _unpaired("train", "--out", trained, "--resume")

    _headline("6. A translator out")
    _unpaired("convert", trained, picture, out / "night-tiny.jpg")
    _unpaired("convert", trained, picture, out / "night-tiny-half.jpg", "--strength", "0.5")
    _farewell(out, trained)


def _farewell(out: Path, trained: Path) -> None:
    _headline("Done")
    for what, path in {
        "the day picture": MEDIA / "square.jpg",
        "night, by the shipped model": out / "night.jpg",
        "a clip beside its night": out / "road-night.mp4",
        "the woman's voice": SPEECH,
        "a man's, by the shipped model": out / "male.wav",
        "night, by a minute of training": out / "night-tiny.jpg",
        "the same at half strength": out / "night-tiny-half.jpg",
        "how the training went": trained / "report.html",
        "the model it made": trained / "model.safetensors",
    }.items():
        if not path.is_file():
            raise DemoFailed(f"{path} was not made")
        print(f"  {what:<32}{path}")
    print("\nThe same by dropping files on a page: unpaired web")


def _headline(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def _shown(words: Sequence[object]) -> list[str]:
    """Print the command as a user would type it; what to run for it."""
    typed = [str(word) for word in words]
    print("$ unpaired", shlex.join(typed), flush=True)
    return [sys.executable, "-m", "unpaired.apps.main", *typed]


def _unpaired(*words: object) -> None:
    code = subprocess.run(_shown(words), check=False).returncode
    if code:
        raise DemoFailed(f"unpaired {words[0]} ended with exit code {code}")


def _interrupted(trained: Path, half: int, *words: object) -> None:
    """Run a training and send it an interrupt once it has logged step `half`."""
    process = subprocess.Popen(_shown(words))
    try:
        while process.poll() is None and _last_step(trained) < half:
            time.sleep(0.1)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
    if code not in (0, 130):
        raise DemoFailed(f"unpaired {words[0]} ended with exit code {code}")


def _last_step(trained: Path) -> int:
    """The last step in a run's log, 0 before the first; a line that is being written does not count yet."""
    log = trained / "metrics.jsonl"
    lines = log.read_text().splitlines(keepends=True) if log.is_file() else []
    whole = [line for line in lines if line.endswith("\n")]
    return int(json.loads(whole[-1])["step"]) if whole else 0


def main(words: Sequence[str] | None = None) -> int:
    """Run with `words` (default: those of the process) and return the exit code."""
    given = list(sys.argv[1:] if words is None else words)

    def program() -> None:
        args = parser().read(given)
        refuse(args.faults)
        if args.steps < 2:
            refuse([f"--steps is {args.steps}; expected 2 or more"])
        demonstrate(Path(args.out), args.steps)

    return run(program, debug="--debug" in given)


if __name__ == "__main__":
    sys.exit(main())
