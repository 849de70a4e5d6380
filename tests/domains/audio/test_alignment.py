"""Dynamic time warping: by hand, and against all paths there are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from unpaired.domains.audio.evaluation.alignment import aligned


def column(*values: float) -> np.ndarray:
    return np.array(values, float)[:, None]


def test_a_path_by_hand() -> None:
    left, right = aligned(column(0, 1, 2), column(0, 0, 1, 2, 2))
    assert left.tolist() == [0, 0, 1, 2, 2]
    assert right.tolist() == [0, 1, 2, 3, 4]


def test_equal_sequences_go_together_frame_by_frame() -> None:
    frames = np.random.default_rng(0).normal(size=(7, 3))
    left, right = aligned(frames, frames)
    assert left.tolist() == right.tolist() == list(range(7))


@pytest.mark.parametrize(("count", "other"), [(1, 1), (1, 5), (4, 1)])
def test_a_single_frame_goes_with_all(count: int, other: int) -> None:
    left, right = aligned(np.zeros((count, 2)), np.ones((other, 2)))
    assert len(left) == len(right) == max(count, other)
    assert (left[0], right[0], left[-1], right[-1]) == (0, 0, count - 1, other - 1)


def paths(row: int, column: int) -> Iterator[list[tuple[int, int]]]:
    """Every path from (0, 0)."""
    if row == column == 0:
        yield [(0, 0)]
    for down, right in ((1, 1), (1, 0), (0, 1)):
        if row >= down and column >= right:
            for path in paths(row - down, column - right):
                yield [*path, (row, column)]


@pytest.mark.parametrize("seed", range(8))
def test_no_path_is_shorter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(rng.integers(2, 6), 2)), rng.normal(size=(rng.integers(2, 6), 2))

    def length(path: list[tuple[int, int]]) -> float:
        return sum(float(np.linalg.norm(first[i] - second[j])) for i, j in path)

    left, right = aligned(first, second)
    found = list(zip(left.tolist(), right.tolist(), strict=True))
    assert found in list(paths(len(first) - 1, len(second) - 1))
    assert length(found) == pytest.approx(min(map(length, paths(len(first) - 1, len(second) - 1))))
