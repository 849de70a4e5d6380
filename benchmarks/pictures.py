"""Pictures at the edges: peak memory of a 6000x4000 conversion, and the quick scan of 100,000 files.

python benchmarks/pictures.py large [--model day2night] [--runtime auto]
python benchmarks/pictures.py scan [--files 100000]
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from processes import run_measured

import unpaired


def large(model: str, runtime: str, scratch: Path) -> dict[str, object]:
    """Convert a 24-megapixel JPEG in a process of its own; its peak resident memory in GB and its time in seconds."""
    coarse = np.random.default_rng(0).integers(0, 256, (100, 150, 3), dtype=np.uint8)
    Pillow.fromarray(coarse).resize((6000, 4000), Pillow.Resampling.BICUBIC).save(scratch / "large.jpg", quality=90)
    command = [sys.executable, "-m", "unpaired.apps.main", "convert", model, "large.jpg", "out.jpg", "--full"]
    seconds, peak = run_measured([*command, "--runtime", runtime], scratch)
    return {"model": model, "runtime": runtime, "peak_gb": round(peak / 1024, 2), "seconds": round(seconds, 1)}


def scan(files: int, scratch: Path) -> dict[str, object]:
    """Seconds that the quick scan, with which a training starts, takes for a folder of so many pictures."""
    picture = io.BytesIO()
    Pillow.new("RGB", (64, 64), (90, 120, 150)).save(picture, "JPEG")
    for number in range(files):
        (scratch / f"{number}.jpg").write_bytes(picture.getvalue())
    start = time.perf_counter()
    found = unpaired.Image().scan(scratch)
    return {"files": len(found.files), "seconds": round(time.perf_counter() - start, 2)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("large", "scan"))
    parser.add_argument("--model", default="day2night", help="a run, a model file or a shipped model")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--files", type=int, default=100_000, help="files to scan (default: 100,000)")
    args = parser.parse_args()
    if Path(args.model).exists():
        args.model = str(Path(args.model).resolve())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        result = large(args.model, args.runtime, scratch) if args.what == "large" else scan(args.files, scratch)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
