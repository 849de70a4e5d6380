"""What two folders of pictures mean together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...core.adapter.folders import LISTED
from ...core.adapter.inventory import Inventory
from .near_duplicates import near_pairs
from .scan import PictureFacts, PictureInventory, is_grey

_UNLIKE = 2.0


def compare(a: Inventory, b: Inventory) -> tuple[str, ...]:
    """A sentence for each thing that training should know of A and B together.

    Pictures that are in both are found after thorough scans only.
    """
    sentences = list(_counts(a, b))
    if isinstance(a, PictureInventory) and isinstance(b, PictureInventory) and a.findings and b.findings:
        sentences += _looks(a.findings, b.findings)
        if a.thorough and b.thorough:
            sentences += _shared(a.findings, b.findings)
    return tuple(sentences)


def _counts(a: Inventory, b: Inventory) -> Iterator[str]:
    if a.folder.resolve() == b.folder.resolve():
        yield "A and B are the same folder: there is nothing to translate."
    fewer, more = sorted((len(a.files), len(b.files)))
    if fewer and more > 10 * fewer:
        yield (
            f"A has {len(a.files)} pictures and B {len(b.files)}: the smaller side is repeated and soon known by heart."
        )


def _looks(a: Sequence[PictureFacts], b: Sequence[PictureFacts]) -> Iterator[str]:
    sizes = [float(np.median([min(found.header.width, found.header.height) for found in side])) for side in (a, b)]
    if max(sizes) > _UNLIKE * min(sizes):
        yield (
            f"The shorter sides are {sizes[0]:.0f} pixels in A and {sizes[1]:.0f} in B: one side is sharper than the "
            "other once resized, and the model will learn that difference too."
        )
    aspects = [float(np.median([found.header.width / found.header.height for found in side])) for side in (a, b)]
    if max(aspects) > 1.5 * min(aspects):
        yield (
            f"A is {aspects[0]:.2f} times as wide as high and B {aspects[1]:.2f} times: crops show unlike parts; "
            "crop one side by hand, or use fit short."
        )
    grey = [sum(is_grey(found.header) for found in side) / len(side) for side in (a, b)]
    if abs(grey[0] - grey[1]) > 0.5:
        yield (
            f"{grey[0]:.0%} of A and {grey[1]:.0%} of B are grey: colour must be invented in one direction, "
            "and the cycle will hide it in the other (lower the weight of the cycle on the coloured side)."
        )


def _shared(a: Sequence[PictureFacts], b: Sequence[PictureFacts]) -> Iterator[str]:
    of_a = {found.digest: found for found in a}
    of_b = {found.digest: found for found in b}
    both = [(of_a[digest], of_b[digest]) for digest in of_a if digest in of_b]
    if both:
        yield (
            f"{len(both)} pictures are in A and in B, byte for byte ({_examples(both)}): "
            "remove them from one side, or the model learns to change nothing."
        )
    left = [found for digest, found in of_a.items() if digest not in of_b and not found.flat]
    right = [found for digest, found in of_b.items() if digest not in of_a and not found.flat]
    pairs = near_pairs([found.fingerprint for found in left + right])
    across = [(left[i], right[j - len(left)]) for i, j in pairs if i < len(left) <= j]
    if across:
        yield (
            f"{len(across)} pairs across A and B look almost alike ({_examples(across)}): "
            "good if they are the same view in both worlds, bad if one of them is in the wrong folder."
        )


def _examples(pairs: Sequence[tuple[PictureFacts, PictureFacts]]) -> str:
    shown = min(len(pairs), LISTED, 3)
    named = ", ".join(f"{first.path.name} = {second.path.name}" for first, second in pairs[:shown])
    return named + (", ..." if len(pairs) > shown else "")
