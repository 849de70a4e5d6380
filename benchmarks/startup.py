"""How long commands take to start, on the clock and of the cores, and the most memory they take: medians of fresh
processes, which take turns.

python benchmarks/startup.py [--rounds 5] [--against CHECKOUT] [--only PART]

Of a small picture (220x128), of a second of footage (512x288, ten frames) and of a recording (2 s) the first conversion
starts with an empty cache folder, the next with what it left there.
With `--against` the same commands run by the code of another checkout too, by turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import Usage, as_package, run_used, with_package

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "tests/assets/day2night/day/cam640x372_tr_20151102_160140.jpg"
CLIP, VOICE = ROOT / "tests/assets/video/road.mp4", ROOT / "tests/assets/speech/female-1.flac"
PROGRAM = [sys.executable, "-m", "unpaired.apps.main"]
CONVERT = [*PROGRAM, "convert", "day2night", "in.jpg", "out.jpg"]
FOOTAGE = [*PROGRAM, "convert", "day2night-video", "in.mp4", "out.mp4", "--size", "512x288", "--end", "f10"]
SPEECH = [*PROGRAM, "convert", "female-male", "in.flac", "out.flac"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import unpaired": [sys.executable, "-c", "import unpaired"],
    "import torch": [sys.executable, "-c", "import torch"],
    "--help": [*PROGRAM, "--help"],
    "a typing error": [*PROGRAM, "convert", "--strenght", "0.5", "in.jpg", "out.jpg"],
    "models": [*PROGRAM, "models"],
    "convert a picture, first": CONVERT,
    "convert a picture": CONVERT,
    "convert footage, first": FOOTAGE,
    "convert footage": FOOTAGE,
    "convert a voice, first": SPEECH,
    "convert a voice": SPEECH,
}


def main() -> None:
    """Print the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout")
    parser.add_argument("--only", default="", metavar="PART", help="commands in whose names this is")
    args = parser.parse_args()
    checkouts = {"this": ROOT} | ({"against": args.against.resolve()} if args.against else {})
    commands = {name: command for name, command in COMMANDS.items() if args.only in name}
    found: dict[str, dict[str, list[Usage]]] = {name: {which: [] for which in checkouts} for name in commands}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for source in (PICTURE, CLIP, VOICE):
            shutil.copy(source, folder / f"in{source.suffix}")
        packages = {which: as_package(checkout, folder / which) for which, checkout in checkouts.items()}
        for number in range(args.rounds):
            for name, command in commands.items():
                for which, package in packages.items():
                    cache = {"UNPAIRED_CACHE": str(folder / f"cache-{which}-{number}")}
                    found[name][which].append(run_used(command, folder, with_package(package) | cache, (0, 2)))
    print(json.dumps({name: {which: _medians(runs) for which, runs in by.items()} for name, by in found.items()},
                     indent=2))  # fmt: skip


def _medians(runs: Sequence[Usage]) -> dict[str, float]:
    seconds, cpu, megabytes = (statistics.median(values) for values in zip(*runs, strict=True))
    return {"seconds": round(seconds, 2), "cpu": round(cpu, 2), "mb": round(megabytes)}


if __name__ == "__main__":
    main()
