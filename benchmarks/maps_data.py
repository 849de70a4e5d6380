"""The maps set as maps_quality.py and aerial.py read it, and how near to a true street a drawn one lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from scipy import ndimage

SIZE = 128
CLASSES = {
    "land": (236, 230, 222),
    "road": (254, 254, 254),
    "water": (178, 208, 254),
    "park": (203, 222, 174),
    "motorway": (250, 190, 90),
}
Mask = npt.NDArray[np.bool_]
SHUFFLES = 100
NEAR = 2
"""Pixels that a drawn road may lie off."""


def reduced(file: Path, size: int = SIZE) -> Pillow.Image:
    """A picture as it is, at `size` x `size`, bicubic."""
    with Pillow.open(file) as picture:
        return picture.convert("RGB").resize((size, size), Pillow.Resampling.BICUBIC)


def every_other(folder: Path, start: int) -> list[Path]:
    """The files of a folder at the even (start 0) or odd (start 1) positions."""
    return sorted(folder.iterdir())[start::2]


def near_streets(drawn: Sequence[Mask], true: Sequence[Mask], seed: int = 0) -> dict[str, float]:
    """Share of the pixels drawn as road that lie within 2 pixels of a true road, mean over maps (H, W); "chance" is
    the same with true maps of other places, mean of 100 orders; "drawn" the share of road in a map."""
    near = [ndimage.distance_transform_edt(~each) <= NEAR if each.any() else each for each in true]
    rng = np.random.default_rng(seed)

    def share(order: Sequence[int]) -> float:
        found = [near[at][mine].mean() for at, mine in zip(order, drawn, strict=True) if mine.any()]
        return float(np.mean(found)) if found else 0.0

    return {
        "near": share(range(len(near))),
        "chance": float(np.mean([share(derangement(len(near), rng)) for _ in range(SHUFFLES)])),
        "drawn": float(np.mean(drawn)),
    }


def derangement(count: int, rng: np.random.Generator) -> list[int]:
    """A random order that leaves nothing in its place."""
    while True:
        order = rng.permutation(count)
        if not (order == np.arange(count)).any():
            return [int(index) for index in order]
