"""Dynamic time warping: matching frames of two recordings of the same sentence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.float64]
Path = npt.NDArray[np.intp]

_BOTH, _FIRST, _SECOND = 0, 1, 2
_STEPS = {_BOTH: (1, 1), _FIRST: (1, 0), _SECOND: (0, 1)}


def aligned(first: Frames, second: Frames) -> tuple[Path, Path]:
    """The path through both sequences with the least sum of Euclidean distances; exact, without a band.

    Sakoe and Chiba 1978, with the steps (1, 1), (1, 0) and (0, 1), each of weight 1, from the first frames of both to
    the last. Where paths are equally short, the diagonal step is taken, then that in `first`. Time and memory grow with
    the product of the lengths (a byte for each pair of frames).

    Args:
        first, second: (frames, dimensions), at least one frame each.

    Returns:
        Two index vectors of one length: frame `left[k]` of `first` goes with frame `right[k]` of `second`.
    """
    count, other = len(first), len(second)
    came = np.empty((count, other), np.uint8)
    backwards = np.ascontiguousarray(second[::-1])
    # Cells of an anti-diagonal (row + column = number) need the two before it alone. Place row + 1 holds a row; what
    # lies outside or was not reached is infinitely far.
    before, last = (np.full(count + 1, np.inf) for _ in range(2))
    for number in range(count + other - 1):
        start, stop = max(0, number - other + 1), min(count, number + 1)
        offset = other - 1 - number
        difference = first[start:stop] - backwards[start + offset : stop + offset]
        cost = np.sqrt(np.einsum("td,td->t", difference, difference))
        choices = np.stack([before[start:stop], last[start:stop], last[start + 1 : stop + 1]])
        step = choices.argmin(axis=0)
        reached = choices.min(axis=0) if number else np.zeros(1)
        rows = np.arange(start, stop)
        came[rows, number - rows] = step
        current = np.full(count + 1, np.inf)
        current[start + 1 : stop + 1] = reached + cost
        before, last = last, current
    return _walked_back(came)


def _walked_back(came: npt.NDArray[np.uint8]) -> tuple[Path, Path]:
    row, column = came.shape[0] - 1, came.shape[1] - 1
    path = [(row, column)]
    while row or column:
        down, right = _STEPS[int(came[row, column])]
        row, column = row - down, column - right
        path.append((row, column))
    left, right_hand = np.array(path[::-1], np.intp).T
    return left, right_hand
