"""BLEU-2 to 5 and Self-BLEU of generated texts, as Texygen computes them, beside those of real ones.

    unpaired generate RUN texts.txt --count 1000
    python benchmarks/coco.py texts.txt TRAIN.txt TEST.txt [--count 1000]

BLEU is that of the first `--count` texts against all lines of TEST; Self-BLEU that of each against the others. The same
figures of as many lines of TRAIN say what real texts come to.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from unpaired_text.metrics import bleu, self_bleu


def read(path: Path) -> list[list[str]]:
    """The lines of a file as words, without empty ones."""
    return [words for line in path.read_text(encoding="utf-8").splitlines() if (words := line.split())]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("generated", "train", "test"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--count", type=int, default=1000)
    asked = parser.parse_args()
    references = read(asked.test)
    print("| texts | " + " | ".join(f"BLEU-{n}" for n in range(2, 6)) + " | "
          + " | ".join(f"Self-BLEU-{n}" for n in range(2, 6)) + " |")  # fmt: skip
    print("|" + "---|" * 9)
    for name in ("generated", "train"):
        texts = read(getattr(asked, name))[: asked.count]
        figures = [bleu(texts, references, n) for n in range(2, 6)] + [self_bleu(texts, n) for n in range(2, 6)]
        print(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
