"""Notes on two folders of footage together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....core.adapter.inspection import compare_amounts, compare_bytes
from ....core.adapter.inventory import Inventory
from ....core.terms import remark
from ...image import compare_looks
from .file import ClipFacts
from .scan import FootageInventory

_UNLIKE = 2.0


def compare(a: Inventory, b: Inventory) -> tuple[str, ...]:
    """A sentence for each thing that training should know of A and B together.

    Footage that is in both is found after thorough scans only.
    """
    sentences = list(compare_amounts(a, b, "one a second, one a picture"))
    if isinstance(a, FootageInventory) and isinstance(b, FootageInventory) and a.findings and b.findings:
        sentences += _looks(a.findings, b.findings)
        if a.thorough and b.thorough and a.folder.resolve() != b.folder.resolve():
            sentences += compare_bytes(a.findings, b.findings, "clip", "clips")
            sentences += compare_looks(a.findings, b.findings)
    return tuple(sentences)


def _looks(a: Sequence[ClipFacts], b: Sequence[ClipFacts]) -> Iterator[str]:
    sizes = [float(np.median([min(found.width, found.height) for found in side])) for side in (a, b)]
    if max(sizes) > _UNLIKE * min(sizes):
        yield remark(
            "sizes differ",
            f"The shorter sides are {sizes[0]:.0f} pixels in A and {sizes[1]:.0f} in B: one side is sharper than the "
            "other once resized, and the model will learn that difference too.",
        )
    aspects = [float(np.median([found.width / found.height for found in side])) for side in (a, b)]
    if max(aspects) > 1.5 * min(aspects):
        yield remark(
            "shapes differ",
            f"A is {aspects[0]:.2f} times as wide as high and B {aspects[1]:.2f} times: crops show different parts.",
        )
    rates = [[found.rate for found in side if found.kind != "picture"] for side in (a, b)]
    if rates[0] and rates[1]:
        usual = [float(np.median(side)) for side in rates]
        if max(usual) > _UNLIKE * min(usual):
            yield remark(
                "rates differ",
                f"A has {usual[0]:.3g} frames/s and B {usual[1]:.3g}: neighbouring frames lie further apart on one "
                "side, which matters to a temporal discriminator.",
            )
    elif rates[0] or rates[1]:
        yield remark(
            "no neighbours",
            "One side holds footage and the other only pictures: leave objective.temporal at 0, for a temporal "
            "discriminator would see that pictures stand still.",
        )
