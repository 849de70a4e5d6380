"""Students of the shipped models `day2night` and `day2night-video`: distil them, pack them.

    python benchmarks/video_model.py gather day2night-video SHARED DATA   day, night: the files of both teachers
    python benchmarks/students.py distill day2night-video DATA/day DATA/night RUN
    python benchmarks/students.py distill day2night SHARED/images/day2night/trainA SHARED/images/day2night/trainB RUN
    python benchmarks/students.py pack RUN student.safetensors
    python benchmarks/distill.py day2night-video student.safetensors TESTA TESTB         both beside each other

RUN is resumed if it exists. The command is `unpaired distill TEACHER --a A --b B --out RUN` with the settings below,
which takes three to four minutes on a core of a CPU that does nothing else for `day2night-video`, and about fifteen for
`day2night`. The shipped `day2night-video-mobile` went on from there:

    unpaired train --out RUN --resume --steps 4000
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from packing import pack

from unpaired.core.model.shipped import load_model_named

ALL = "--precision fp32 --workers 0 --seed 1 --held-out 0 --batch 1 --log-every 100"
SETTINGS = {
    "day2night-video": "--steps 1400 --domain.size 112 --domain.load-size 256 --checkpoint-every 200 "
    "--preview-every 700",
    "day2night": "--steps 4500 --domain.size 128 --domain.load-size 176 --networks.filters 10 --checkpoint-every 1000 "
    "--preview-every 4500",
}


def distill(teacher: str, a: Path, b: Path, run: Path) -> None:
    """Train, or go on with, the student."""
    if (run / "config.yaml").exists():
        command = ["unpaired", "train", "--out", str(run), "--resume"]
    else:
        folders = ["--a", str(a), "--b", str(b), "--out", str(run)]
        command = ["unpaired", "distill", teacher, *folders, *ALL.split(), *SETTINGS[teacher].split()]
    subprocess.run(command, check=True)


def pack_student(run: Path, out: Path) -> None:
    """The run's model in half precision, with the card of its teacher and what became of it."""
    model, teacher = load_model_named(run), load_model_named(run / "teacher.safetensors")
    card = {**teacher.card, "description": f"{teacher.card['description']}: a small student, several times as fast"}
    # Samples are the teacher's again: larger crops were for the student's sake alone.
    pack(model, out, domain=teacher.domain, card=card)


def main() -> None:
    """One of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    one = steps.add_parser("distill")
    one.add_argument("teacher", choices=tuple(SETTINGS))
    one.add_argument("a", type=Path)
    one.add_argument("b", type=Path)
    one.add_argument("run", type=Path)
    two = steps.add_parser("pack")
    two.add_argument("run", type=Path)
    two.add_argument("out", type=Path)
    args = parser.parse_args()
    if args.what == "distill":
        distill(args.teacher, args.a, args.b, args.run)
    else:
        pack_student(args.run, args.out)


if __name__ == "__main__":
    main()
