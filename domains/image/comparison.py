"""Notes on two folders of pictures together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...core.adapter.inspection import compare_amounts, compare_bytes
from ...core.adapter.inventory import Inventory
from ...core.terms import remark
from .few_colours import DRAWN
from .near_duplicates import compare_looks
from .scan import PictureFacts, PictureInventory, is_grey

_UNLIKE = 2.0


def compare(a: Inventory, b: Inventory) -> tuple[str, ...]:
    """A sentence for each thing that training should know of A and B together.

    Pictures that are in both are found after thorough scans only.
    """
    sentences = list(compare_amounts(a, b, "one a picture"))
    if isinstance(a, PictureInventory) and isinstance(b, PictureInventory) and a.findings and b.findings:
        sentences += _looks(a.findings, b.findings)
        if a.thorough and b.thorough:
            sentences += compare_bytes(a.findings, b.findings, "picture", "pictures")
            sentences += compare_looks(a.findings, b.findings)
            sentences += _drawn(a.findings, b.findings)
    return tuple(sentences)


def _drawn(a: Sequence[PictureFacts], b: Sequence[PictureFacts]) -> Iterator[str]:
    seen = [[found.commonest for found in side if not found.flat] for side in (a, b)]
    shares = [float(np.median(side)) for side in seen if side]
    if len(shares) == 2 and min(shares) < DRAWN <= max(shares):
        one, other = ("B", "A") if shares[1] > shares[0] else ("A", "B")
        how = "--recipe maps holds" if one == "B" else "With the folders the other way round --recipe maps holds"
        yield remark(
            "one side drawn",
            f"Four colours fill {max(shares):.0%} of a picture of {one}, as in maps and labels, {min(shares):.0%} in "
            f"{other}: {one} shows less than {other}, and is made up where {other} is not understood. {how} that down.",
        )


def _looks(a: Sequence[PictureFacts], b: Sequence[PictureFacts]) -> Iterator[str]:
    sizes = [float(np.median([min(found.header.width, found.header.height) for found in side])) for side in (a, b)]
    if max(sizes) > _UNLIKE * min(sizes):
        yield remark(
            "sizes differ",
            f"The shorter sides are {sizes[0]:.0f} pixels in A and {sizes[1]:.0f} in B: one side is sharper than the "
            "other once resized, and the model will learn that difference too.",
        )
    aspects = [float(np.median([found.header.width / found.header.height for found in side])) for side in (a, b)]
    if max(aspects) > 1.5 * min(aspects):
        yield remark(
            "shapes differ",
            f"A is {aspects[0]:.2f} times as wide as high and B {aspects[1]:.2f} times: crops show different parts; "
            "crop one side by hand, or use fit short.",
        )
    grey = [sum(is_grey(found.header) for found in side) / len(side) for side in (a, b)]
    if abs(grey[0] - grey[1]) > 0.5:
        yield remark(
            "colour differs",
            f"{grey[0]:.0%} of A and {grey[1]:.0%} of B are grey: colour must be invented in one direction, "
            "and the cycle will hide it in the other (lower the weight of the cycle on the coloured side).",
        )
