"""How long commands take to start, and the most memory they take: medians of fresh processes, which take turns.

python benchmarks/startup.py [--rounds 5] [--against CHECKOUT]

Of a small picture (220x128) the first conversion starts with an empty cache folder, the next with what it left there.
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

from processes import as_package, run_measured, with_package

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "tests/assets/day2night/day/cam640x372_tr_20151102_160140.jpg"
PROGRAM = [sys.executable, "-m", "unpaired.apps.main"]
CONVERT = [*PROGRAM, "convert", "day2night", "in.jpg", "out.jpg"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import unpaired": [sys.executable, "-c", "import unpaired"],
    "import torch": [sys.executable, "-c", "import torch"],
    "--help": [*PROGRAM, "--help"],
    "a typing error": [*PROGRAM, "convert", "--strenght", "0.5", "in.jpg", "out.jpg"],
    "models": [*PROGRAM, "models"],
    "convert a picture, first": CONVERT,
    "convert a picture": CONVERT,
}


def main() -> None:
    """Print the medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout")
    args = parser.parse_args()
    checkouts = {"this": ROOT} | ({"against": args.against.resolve()} if args.against else {})
    found: dict[str, dict[str, list[tuple[float, float]]]] = {
        name: {which: [] for which in checkouts} for name in COMMANDS
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(PICTURE, folder / "in.jpg")
        packages = {which: as_package(checkout, folder / which) for which, checkout in checkouts.items()}
        for number in range(args.rounds):
            for name, command in COMMANDS.items():
                for which, package in packages.items():
                    cache = {"UNPAIRED_CACHE": str(folder / f"cache-{which}-{number}")}
                    found[name][which].append(run_measured(command, folder, with_package(package) | cache, (0, 2)))
    print(json.dumps({name: {which: _medians(runs) for which, runs in by.items()} for name, by in found.items()},
                     indent=2))  # fmt: skip


def _medians(runs: Sequence[tuple[float, float]]) -> dict[str, float]:
    seconds, megabytes = (statistics.median(values) for values in zip(*runs, strict=True))
    return {"seconds": round(seconds, 2), "mb": round(megabytes)}


if __name__ == "__main__":
    main()
