"""A blind look at what two methods of applications.py make of the same files.

    python benchmarks/blind_look.py sheets DATA OUT SHEETS [--methods reference ours] [--seed 1] [--size 64]
    python benchmarks/blind_look.py count SHEETS

`sheets` writes SHEETS/SET-WAY.png, twelve held-out files in rows: the input, and the two translations in an order that
is drawn for each row; and the drawn order to SHEETS/key.json. Whoever looks writes SHEETS/preferred.json before the key
is opened: for each sheet twelve letters, L for the left, R for the right translation, = for neither. `count` prints how
often each method was preferred. OUT is what applications.py left, with both methods trained.
"""

from __future__ import annotations

import argparse
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from applications import METHODS, load_reference, reference_file, run_folder
from applications_data import SETS, Truth
from PIL import Image as Pillow
from PIL import ImageDraw
from torch import Tensor, nn

import unpaired

ROWS, SHOWN, GAP = 12, 128, 8
LETTERS = "LR="


def generators(truth: Truth, out: Path, method: str, seed: int, preset: str) -> Mapping[str, nn.Module]:
    """What a method trained, by direction."""
    if METHODS[method] is None:
        return load_reference(truth, reference_file(out, truth.name, seed), preset)
    model = unpaired.load(run_folder(out, truth.name, method, seed), "torch", "cpu").model
    return model.generators  # type: ignore[return-value]


def picture(sample: Tensor) -> Pillow.Image:
    """A sample (channels, height, width) in [-1, 1] as a picture of `SHOWN` pixels."""
    pixels = ((sample.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    return Pillow.fromarray(np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels).resize((SHOWN, SHOWN))


@torch.no_grad()
def sheet(inputs: Sequence[Tensor], networks: Sequence[nn.Module], order: Sequence[int]) -> Pillow.Image:
    """Rows of the input and both translations, two rows beside each other; `order` names the network on the left."""
    width, height = 3 * SHOWN + 6 * GAP, SHOWN + GAP
    page = Pillow.new("RGB", (2 * width, height * (ROWS // 2)), "white")
    draw = ImageDraw.Draw(page)
    for row, (sample, left) in enumerate(zip(inputs, order, strict=True)):
        x, y = row % 2 * width, row // 2 * height
        draw.text((x, y), str(row + 1), "black")
        made = [networks[each].eval()(sample[None])[0] for each in (left, 1 - left)]
        for column, each in enumerate((sample, *made)):
            page.paste(picture(each), (x + 3 * GAP + column * (SHOWN + GAP), y))
    return page


def write_sheets(args: argparse.Namespace) -> None:
    """A sheet for each set and direction, and the key."""
    args.sheets.mkdir(parents=True, exist_ok=True)
    key: dict[str, list[str]] = {}
    for name in args.sets:
        truth = Truth(name, args.data, args.size)
        both = [generators(truth, args.out, method, args.seed, args.preset) for method in args.methods]
        for way in ("a2b", "b2a"):
            files = truth.samples[way[0]]
            chosen = [files[place * len(files) // ROWS] for place in range(ROWS)]
            order = [secrets.randbelow(2) for _ in range(ROWS)]
            sheet(chosen, [each[way] for each in both], order).save(args.sheets / f"{name}-{way}.png")
            key[f"{name}-{way}"] = [args.methods[left] for left in order]
    (args.sheets / "key.json").write_text(json.dumps({"methods": args.methods, "left": key}, indent=1) + "\n")


def count(sheets: Path) -> str:
    """Markdown: how often each method was preferred, by sheet and in all."""
    key = json.loads((sheets / "key.json").read_text())
    methods, preferred = key["methods"], json.loads((sheets / "preferred.json").read_text())
    lines, total = [f"| sheet | {methods[0]} | {methods[1]} | neither |", "|---|---:|---:|---:|"], Counter[str]()
    for name, letters in preferred.items():
        found = Counter(_method(methods, left, letter) for left, letter in zip(key["left"][name], letters, strict=True))
        lines.append(f"| {name} | {found[methods[0]]} | {found[methods[1]]} | {found['neither']} |")
        total += found
    return "\n".join([*lines, f"| all | {total[methods[0]]} | {total[methods[1]]} | {total['neither']} |"])


def _method(methods: Sequence[str], left: str, letter: str) -> str:
    """The one that a letter prefers, where `left` was on the left."""
    if letter not in LETTERS:
        raise SystemExit(f"preferred.json has {letter!r}; expected one of {', '.join(LETTERS)}")
    right = methods[1 - methods.index(left)]
    return {"L": left, "R": right, "=": "neither"}[letter]


def main() -> None:
    """One of the two steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="what", required=True)
    one, two = steps.add_parser("sheets"), steps.add_parser("count")
    for place in ("data", "out"):
        one.add_argument(place, type=Path)
    for each in (one, two):
        each.add_argument("sheets", type=Path)
    one.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    one.add_argument("--methods", nargs=2, choices=list(METHODS), default=["reference", "ours"])
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--size", type=int, default=64)
    one.add_argument("--preset", default="tiny")
    args = parser.parse_args()
    if args.what == "sheets":
        write_sheets(args)
    else:
        print(count(args.sheets))


if __name__ == "__main__":
    main()
