"""The five objectives side by side: aerial photo to street map at equal time, with their published settings.

Every objective trains the networks of the preset `small` (the generators of its publication where they differ) for the
same time on the same pictures, and is scored on the true pairs of the test set as in maps_quality.py. Unpaired
objectives see A from the even and B from the odd positions of the sorted files; pix2pix, which needs true pairs, sees
both from the even ones: as many pictures of each side.

    python benchmarks/objectives.py --data maps --out runs/objectives --minutes 10
    python benchmarks/objectives.py --data maps --out runs/objectives --minutes 10 --only cut     one of them
    python benchmarks/objectives.py --data maps --out runs/objectives --table                     what is there
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from maps_data import SIZE
from maps_quality import controls, prepare, score, split, true_maps

import unpaired
from unpaired.core import registry
from unpaired.core.monitoring.log import losses_of, read_metrics
from unpaired.core.objectives.disco import DiscoSettings

NAMES = ("cycle", "dual", "disco", "pix2pix", "cut")
CALIBRATION_STEPS = 60
MARGIN = 0.95
"""Share of the time left that is planned for; previews and checkpoints take the rest."""
CHANGED: dict[str, dict[str, Any]] = {
    # Published for 64x64 pixels and far more steps than minutes allow.
    "disco": {"batch": 8},
}


def pairs(data: Path, out: Path) -> tuple[Path, Path]:
    """Links to the even positions of both training folders: true pairs."""
    for name in ("trainA", "trainB"):
        (out / name).mkdir(parents=True, exist_ok=True)
        for file in sorted((data / name).iterdir())[::2]:
            link = out / name / file.name
            if not link.exists():
                link.symlink_to(file.resolve())
    return out / "trainA", out / "trainB"


def settings_of(name: str, steps: int) -> Any:
    """DiscoGAN's 10,000 steps of little reconstruction, of some 100,000, as the same share of a shorter run."""
    return DiscoSettings(first_steps=steps // 10) if name == "disco" else None


def run(name: str, a: Path, b: Path, out: Path, steps: int, seed: int) -> dict[str, Any]:
    """Train one objective; what it cost, and its last losses."""
    published = registry.find("objectives", name).published_settings
    training = unpaired.TrainingSettings(
        **{**published.get("training", {}), **CHANGED.get(name, {}), "steps": steps, "seed": seed, "workers": 1,
           "held_out": 0, "checkpoint_every": 1000, "preview_every": max(1, steps // 5), "log_every": min(50, steps)}
    )  # fmt: skip
    start = time.monotonic()
    unpaired.train(
        unpaired.Image(size=SIZE),
        a,
        b,
        out,
        preset="small",
        objective_name=name,
        objective=settings_of(name, steps),
        training=training,
        names=("photo", "map"),
    )
    log = read_metrics(out)
    speed = max(line["steps_per_second"] for line in log if line["step"] > 1)
    return {"minutes": (time.monotonic() - start) / 60, "steps_per_second": speed, "losses": losses_of(log[-1])}


def measure(name: str, data: Path, out: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Train `name` for so many minutes, a trial of its speed included, and score it."""
    start = time.monotonic()
    a, b = pairs(data, out / "pairs") if name == "pix2pix" else split(data, out / "unpaired")
    with tempfile.TemporaryDirectory() as scratch:
        speed = run(name, a, b, Path(scratch) / "run", CALIBRATION_STEPS, seed)["steps_per_second"]
    steps = int((minutes * 60 - (time.monotonic() - start)) * speed * MARGIN)
    shutil.rmtree(out / name, ignore_errors=True)
    found = run(name, a, b, out / name, steps, seed)
    found["minutes"] = (time.monotonic() - start) / 60
    test_a, test_b = prepare(data, out / "test")
    (out / f"{name}-sheet").mkdir(exist_ok=True)
    found |= {"steps": steps, "seed": seed, **score(out / name, test_a, test_b, out / f"{name}-sheet")}
    (out / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def table(out: Path, data: Path) -> str:
    """What was measured, as Markdown, with the controls."""
    with tempfile.TemporaryDirectory() as scratch:
        known = controls(true_maps(prepare(data, Path(scratch))[1]))
    other = {name: figure["mean"] for name, figure in known["somebody else's map"].items()}
    rows: list[tuple[str, dict[str, Any]]] = [("one colour", known["one colour"]), ("somebody else's map", other)]
    for name in NAMES:
        if (out / f"{name}.json").is_file():
            rows.append((name, json.loads((out / f"{name}.json").read_text())))
    lines = ["| | steps | mean IoU | kappa | L1 |", "|---|---|---|---|---|"]
    for name, row in rows:
        figures = " | ".join(f"{row[key]:.3f}" for key in ("mean_iou", "kappa", "l1"))
        lines.append(f"| {name} | {row.get('steps', '')} | {figures} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what was asked for, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the maps set: trainA, trainB, testA, testB")
    parser.add_argument("--out", type=Path, required=True, help="where runs, sheets and figures go")
    parser.add_argument("--minutes", type=float, default=10.0, help="wall time for each (default: 10)")
    parser.add_argument("--only", choices=NAMES, help="one objective")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="train nothing")
    args = parser.parse_args()
    for name in () if args.table else (args.only,) if args.only else NAMES:
        measure(name, args.data, args.out, args.minutes, args.seed)
    print(table(args.out, args.data))


if __name__ == "__main__":
    main()
