"""Near-duplicates among many pictures, found without comparing each with each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NEAR = 4
"""Bits of 64 in which the fingerprints of near-duplicates may differ."""

_BANDS = ((0, 13), (13, 13), (26, 13), (39, 13), (52, 12))
_ROWS = 512


def near_pairs(fingerprints: Sequence[int], limit: int = NEAR) -> list[tuple[int, int]]:
    """Index pairs (first < second) of 64-bit fingerprints that differ in at most `limit` (0 to 4) bits, sorted.

    The bits are cut into five bands: four differences leave at least one band equal, so only fingerprints that
    share a band are compared.
    """
    assert 0 <= limit < len(_BANDS)
    values = np.array(fingerprints, dtype=np.uint64)
    found: set[tuple[int, int]] = set()
    for start, length in _BANDS:
        band = (values >> np.uint64(start)) & np.uint64(2**length - 1)
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, edges):
            for top in range(0, len(group) if len(group) > 1 else 0, _ROWS):
                rows = group[top : top + _ROWS]
                near = np.bitwise_count(values[rows, None] ^ values[None, group]) <= limit
                for row, column in zip(*np.nonzero(near), strict=True):
                    first, second = int(rows[row]), int(group[column])
                    if first < second:
                        found.add((first, second))
    return sorted(found)
