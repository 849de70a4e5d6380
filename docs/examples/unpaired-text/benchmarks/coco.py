"""Texygen's table: BLEU-2 to 5 and Self-BLEU of generated captions.

    python benchmarks/coco.py words TRAIN.txt OUT.txt
    python benchmarks/coco.py score TEST.txt TEXTS.txt [TEXTS.txt ...] [--check 20]

`words` splits captions into words as Texygen does before training (lower case, "door." is "door" and "."). `score`
compares each text of a file with all lines of TEST (BLEU), and with all others of its file (Self-BLEU): of the samples
in Texygen's repository (docs/instances) and its data/testdata/test_coco.txt it gives the table published there. Both
figures go by the numbers of lines, Self-BLEU greatly: only files of as many texts compare. With `--check` the first
texts are computed by NLTK too, and the largest difference is printed. Words are those of NLTK (`pip install nltk`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from unpaired_text.metrics import bleu, self_bleu

ORDERS = range(2, 6)
Texts = list[list[str]]


def read(path: Path, lower: bool = False) -> Texts:
    """The lines of a file as words, without empty ones."""
    split = NLTKWordTokenizer().tokenize
    text = path.read_text(encoding="utf-8")
    return [words for line in (text.lower() if lower else text).splitlines() if (words := split(line))]


def by_nltk(text: Sequence[str], references: Texts, order: int) -> float:
    """What Texygen calls for each text."""
    smoothing = SmoothingFunction().method1
    return float(sentence_bleu(references, text, (1.0 / order,) * order, smoothing_function=smoothing))


def difference(texts: Texts, references: Texts) -> float:
    """The largest difference between NLTK and this package over all orders, for BLEU and Self-BLEU of a few texts."""
    found = []
    for order in ORDERS:
        found.append(
            sum(by_nltk(text, references, order) for text in texts) / len(texts) - bleu(texts, references, order)
        )
        others = [by_nltk(text, texts[:place] + texts[place + 1 :], order) for place, text in enumerate(texts)]
        found.append(sum(others) / len(texts) - self_bleu(texts, order))
    return max(map(abs, found))


def score(asked: argparse.Namespace) -> None:
    """Print a table."""
    references = read(asked.test)
    columns = [f"{name}-{order}" for name in ("BLEU", "Self-BLEU") for order in ORDERS]
    print("| texts | lines | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 2))
    for file in asked.texts:
        texts = read(file)
        figures = [bleu(texts, references, order) for order in ORDERS] + [self_bleu(texts, order) for order in ORDERS]
        print(
            f"| {file.stem} | {len(texts):,} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True
        )
        if asked.check:
            print(f"largest difference to NLTK: {difference(texts[: asked.check], references):.1e}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    words = commands.add_parser("words", help="split captions into words")
    words.add_argument("texts", type=Path)
    words.add_argument("out", type=Path)
    scored = commands.add_parser("score", help="print the table")
    scored.add_argument("test", type=Path)
    scored.add_argument("texts", type=Path, nargs="+")
    scored.add_argument("--check", type=int, default=0, metavar="N")
    asked = parser.parse_args()
    if asked.command == "score":
        score(asked)
    else:
        lines = (" ".join(text) for text in read(asked.texts, lower=True))
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
