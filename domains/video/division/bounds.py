"""Where a clip is divided."""

from __future__ import annotations

import math

from ....core.adapter.division import Part
from ..conversion.stabiliser import AT_A_TIME

TOGETHER = math.lcm(*range(1, AT_A_TIME + 1))
"""Parts begin at multiples of it, as batches of any size do: the same frames go through the network together."""
WARM_UP = 21 * TOGETHER
"""Frames before a part that are translated for it alone. On the clips that were tried the state was the same, bit by
bit, after 146 to 153."""
LEAST = 3000
"""Frames of a part at least, so that no more than a twelfth of the work is done twice."""


def bounds(part: Part, frames: int) -> tuple[int, int]:
    """The frames of a part, from the first up to and without the last, of a clip of `frames`."""
    begin, end = (frames * n // part.count // TOGETHER * TOGETHER for n in (part.index, part.index + 1))
    return begin, frames if part.index + 1 == part.count else end
