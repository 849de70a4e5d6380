"""How soon there is something to see, how well a run's duration is foretold, and how well deadlines are kept.

All runs are `unpaired train` on real pictures, each in a process of its own, on an otherwise idle machine:

    first      seconds from the start of training to the first preview and the first usable model of a long run, which
               is then stopped; also with what steps it had made
    estimates  six short runs of given steps: the duration that was announced, and the one it came to
    deadlines  six runs with a deadline, three of them beside a second load (as many busy processes as there are
               processors) that begins, ends, or comes and goes midway: how far the end was from the deadline

    python benchmarks/deadlines.py --data ../shared/data/images/day2night [--minutes 2] [--only first] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unpaired.core.settings.mapping import read_yaml

LOADS = ((), (), (), ((0.4, 1.0),), ((0.0, 0.6),), ((0.3, 0.45), (0.7, 0.85)))
"""When the second load is on, in shares of the deadline, in each of the runs."""
RUNS = (
    ("tiny", 64, 600),
    ("tiny", 64, 1200),
    ("tiny", 128, 300),
    ("small", 64, 150),
    ("small", 128, 60),
    ("small", 128, 120),
)
"""Preset, size and steps of the runs whose duration is foretold."""
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def main() -> None:
    """Run what was asked for, and print it as tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder with trainA and trainB")
    parser.add_argument("--minutes", type=float, default=2.0, help="the deadline of each run")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the steps of the runs that are foretold")
    parser.add_argument("--only", choices=("first", "estimates", "deadlines"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found: dict[str, Any] = {}
    if args.only in (None, "first"):
        found["first"] = first(args.data)
        print("first:", found["first"], flush=True)
    if args.only in (None, "estimates"):
        found["estimates"] = [
            estimated(args.data, preset, size, round(steps * args.scale)) for preset, size, steps in RUNS
        ]
        show(found["estimates"])
    if args.only in (None, "deadlines"):
        found["deadlines"] = [kept(args.data, args.minutes, load) for load in LOADS]
        show(found["deadlines"])
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


class Training:
    """A training in a process of its own, with the time of each line that it says."""

    def __init__(self, data: Path, folder: str, *options: str) -> None:
        self.run = Path(folder) / "run"
        command = [sys.executable, "-m", "unpaired.apps.main", "train", "--domain", "image", "--data", str(data)]
        self.began = time.monotonic()
        self.process = subprocess.Popen([*command, "--out", str(self.run), *options], stderr=subprocess.PIPE, text=True)
        self.lines: list[tuple[float, str]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append((time.monotonic() - self.began, line.rstrip()))

    def end(self) -> float:
        """Wait for its end; the seconds since it was started."""
        code = self.process.wait()
        took = time.monotonic() - self.began
        self._reader.join()
        if code not in (0, 130):
            raise RuntimeError("\n".join(line for _, line in self.lines))
        return took


def first(data: Path) -> dict[str, Any]:
    """Seconds from the command to the first preview of a trained model, and to the first model, of preset small."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(data, folder, "--preset", "small", "--domain.size", "128")
        preview = model = None
        while preview is None or model is None:
            time.sleep(0.25)
            now = time.monotonic() - training.began
            previews = list((training.run / "previews").glob("step-*"))
            preview = preview or (now if len(previews) > 1 else None)
            model = model or (now if (training.run / "model.safetensors").exists() else None)
            if now > 300 or training.process.poll() is not None:
                break
        training.process.send_signal(signal.SIGINT)
        training.end()
        steps = sorted(int(each.name[-8:]) for each in (training.run / "checkpoints").glob("step-*"))
    return {"first preview s": _rounded(preview), "first model s": _rounded(model), "at step": steps[0]}


def estimated(data: Path, preset: str, size: int, steps: int) -> dict[str, Any]:
    """A run of so many steps: what was announced to be left, and what it was."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(data, folder, "--preset", preset, "--domain.size", str(size), "--steps", str(steps))
        took = training.end()
    row: dict[str, Any] = {"preset": preset, "size": size, "steps": steps, "seconds": _rounded(took)}
    for when, line in training.lines:
        if told := re.match(r"about (.*) left \(", line):
            numbers = re.findall(r"(\d+) (s|min|h|d)", told[1])
            left = sum(int(number) * _UNITS[unit] for number, unit in numbers)
            return row | {"said after s": _rounded(when), "announced s": left, "came to s": _rounded(took - when),
                          "error %": _rounded(100 * (left / (took - when) - 1))}  # fmt: skip
    return row | {"error %": None}


def kept(data: Path, minutes: float, load: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """A run with a deadline, while a second load comes and goes: how far from it the run ended."""
    with tempfile.TemporaryDirectory() as folder:
        training = Training(data, folder, "--preset", "tiny", "--domain.size", "64", "--minutes", str(minutes))
        for start, end in load:
            _wait_until(training.began + 60 * minutes * start)
            busy = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
            for each in busy:
                each.start()
            _wait_until(training.began + 60 * minutes * end)
            for each in busy:
                each.terminate()
        whole = training.end()
        settings = read_yaml(training.run / "config.yaml")["training"]
    said = next(found for _, line in training.lines if (found := re.search(r"steps in ([\d.e+]+) of", line)))
    took = 60 * float(said[1])
    return {
        "second load": ", ".join(f"{start:.0%} to {end:.0%}" for start, end in load) or "none",
        "deadline s": 60 * minutes, "took s": _rounded(took), "error %": _rounded(100 * (took / 60 / minutes - 1)),
        "process s": _rounded(whole), "steps": settings["steps"], "plans": len(settings["pace"]),
    }  # fmt: skip


def _spin() -> None:
    while True:
        pass


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a table in Markdown."""
    names = list(max(rows, key=len))
    print("|", " | ".join(names), "|\n|", " | ".join("---" for _ in names), "|")
    for row in rows:
        print("|", " | ".join(str(row.get(name, "-")) for name in names), "|", flush=True)


if __name__ == "__main__":
    main()
