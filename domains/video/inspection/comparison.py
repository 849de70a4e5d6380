"""What two folders of footage mean together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....core.adapter.inventory import Inventory
from .file import ClipFacts
from .scan import FootageInventory, near_duplicates

_UNLIKE = 2.0
_SHOWN = 3


def compare(a: Inventory, b: Inventory) -> tuple[str, ...]:
    """A sentence for each thing that training should know of A and B together.

    Footage that is in both is found after thorough scans only.
    """
    sentences = []
    if a.folder.resolve() == b.folder.resolve():
        sentences.append("A and B are the same folder: there is nothing to translate.")
    fewer, more = sorted((len(a.drawn), len(b.drawn)))
    if fewer and more > 10 * fewer:
        sentences.append(
            f"An epoch has {len(a.drawn)} samples of A and {len(b.drawn)} of B (one a second, one a picture): the "
            "smaller side is repeated and soon known by heart."
        )
    if isinstance(a, FootageInventory) and isinstance(b, FootageInventory) and a.findings and b.findings:
        sentences += _looks(a.findings, b.findings)
        if a.thorough and b.thorough and a.folder.resolve() != b.folder.resolve():
            sentences += _shared(a.findings, b.findings)
    return tuple(sentences)


def _looks(a: Sequence[ClipFacts], b: Sequence[ClipFacts]) -> Iterator[str]:
    sizes = [float(np.median([min(found.width, found.height) for found in side])) for side in (a, b)]
    if max(sizes) > _UNLIKE * min(sizes):
        yield (
            f"The shorter sides are {sizes[0]:.0f} pixels in A and {sizes[1]:.0f} in B: one side is sharper than the "
            "other once resized, and the model will learn that difference too."
        )
    aspects = [float(np.median([found.width / found.height for found in side])) for side in (a, b)]
    if max(aspects) > 1.5 * min(aspects):
        yield f"A is {aspects[0]:.2f} times as wide as high and B {aspects[1]:.2f} times: crops show unlike parts."
    rates = [[found.rate for found in side if found.kind != "picture"] for side in (a, b)]
    if rates[0] and rates[1]:
        usual = [float(np.median(side)) for side in rates]
        if max(usual) > _UNLIKE * min(usual):
            yield (
                f"A has {usual[0]:.3g} frames/s and B {usual[1]:.3g}: neighbouring frames lie further apart on one "
                "side, which matters to a temporal discriminator."
            )
    elif rates[0] or rates[1]:
        yield (
            "One side holds footage and the other only pictures: leave objective.temporal at 0, for a temporal "
            "discriminator would see that pictures stand still."
        )


def _shared(a: Sequence[ClipFacts], b: Sequence[ClipFacts]) -> Iterator[str]:
    of_b = {found.seen.digest: found for found in b if found.seen}
    both = [(found, of_b[found.seen.digest]) for found in a if found.seen and found.seen.digest in of_b]
    if both:
        yield (
            f"{len(both)} clips are in A and in B, byte for byte ({_examples(both)}): remove them from one side, or "
            "the model learns to change nothing."
        )
    across = near_duplicates(a, b)
    if across:
        yield (
            f"{len(across)} pairs across A and B look almost alike ({_examples(across)}): good if they are the same "
            "view in both worlds, bad if one of them is in the wrong folder."
        )


def _examples(pairs: Sequence[tuple[ClipFacts, ClipFacts]]) -> str:
    named = ", ".join(f"{first.path.name} = {second.path.name}" for first, second in pairs[:_SHOWN])
    return named + (", ..." if len(pairs) > _SHOWN else "")
