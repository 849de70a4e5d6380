"""A strength that changes over time, as people write it: `0:0,2:1`."""

from __future__ import annotations

import math
from bisect import bisect_right

from ...core.errors import ConfigError, show

_FORM = "expected TIME:STRENGTH pairs in order, such as 0:0,2:1 (seconds and 0 to 1, or 80%)"


class Curve:
    """Strength over seconds: linear between the given moments, and as at the nearest before the first and after the
    last.

    Raises:
        ConfigError: the text is no such curve.
    """

    def __init__(self, text: str) -> None:
        try:
            pairs = [(_seconds(time), _share(value)) for time, _, value in
                     (each.strip().rpartition(":") for each in text.split(","))]  # fmt: skip
        except ValueError:
            raise ConfigError(f"strength is {show(text)}; {_FORM}") from None
        self._times, self._values = [time for time, _ in pairs], [value for _, value in pairs]
        in_order = all(first < second for first, second in zip(self._times, self._times[1:], strict=False))
        if not in_order or not all(0.0 <= value <= 1.0 for value in self._values):
            raise ConfigError(f"strength is {show(text)}; {_FORM}")

    def __call__(self, seconds: float) -> float:
        """The strength at a moment."""
        after = bisect_right(self._times, seconds)
        if after in (0, len(self._times)):
            return self._values[max(0, after - 1)]
        first, second = self._times[after - 1 : after + 1]
        share = (seconds - first) / (second - first)
        return self._values[after - 1] + share * (self._values[after] - self._values[after - 1])


def _seconds(text: str) -> float:
    parts = [float(part) for part in text.split(":")]
    if len(parts) > 3 or not all(math.isfinite(part) and part >= 0 for part in parts):
        raise ValueError
    return sum(part * 60.0**place for place, part in enumerate(reversed(parts)))


def _share(text: str) -> float:
    value = text.strip()
    return float(value[:-1]) / 100 if value.endswith("%") else float(value)
