"""Near-duplicates among many pictures, found without comparing each with each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np

from ...core.adapter.inspection import Facts, as_pairs
from ...core.errors import counted
from ...core.terms import remark

NEAR = 4
"""Bits of 64 in which the fingerprints of near-duplicates may differ."""

_ALIKE = 0.5
"""Share of the fewer fingerprints of two files that are alike, from which on the files are near-duplicates."""
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


class Fingerprinted(Facts, Protocol):
    """A file that was looked at."""

    @property
    def fingerprints(self) -> Sequence[int]:
        """Of what it shows; none where it shows nothing."""


F = TypeVar("F", bound=Fingerprinted)


def near_files(findings: Sequence[F]) -> list[tuple[int, int]]:
    """Index pairs (first < second) of files that show nearly the same. Copies count as one file."""
    different: dict[bytes, int] = {}
    for number, found in enumerate(findings):
        different.setdefault(found.digest, number)
    owners = [(number, mark) for number in different.values() for mark in findings[number].fingerprints]
    alike = Counter((owners[first][0], owners[second][0]) for first, second in near_pairs([mark for _, mark in owners]))
    fewest = {pair: min(len(findings[number].fingerprints) for number in pair) for pair in alike}
    return [pair for pair, count in alike.items() if pair[0] != pair[1] and count >= _ALIKE * fewest[pair]]


def compare_looks(a: Sequence[F], b: Sequence[F]) -> Iterator[str]:
    """A sentence where files of A show nearly what files of B do."""
    both = [*a, *b]
    across = [(both[first], both[second]) for first, second in near_files(both) if first < len(a) <= second]
    if across:
        pairs = counted(len(across), "pair across A and B looks", "pairs across A and B look")
        yield remark(
            "in both sides",
            f"{pairs} almost alike ({as_pairs(across)}): good if they are the same "
            "view in both domains, bad if one of them is in the wrong folder.",
        )
