"""How a live conversion stands: delay, and whether the machine keeps up."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from ..signal.sound import Sound

_JUDGED = 2.0
"""Seconds of sound after which a machine is judged too slow."""


class Converts(Protocol):
    """What translates a voice piece by piece."""

    def push(self, audio: Sound) -> Sound:
        """The samples (channels, n) that are complete with further ones (channels, m)."""


@dataclass(frozen=True)
class LiveReport:
    """Summary of a live voice conversion."""

    seconds: float
    """Of sound that came in."""
    latency: float
    """Seconds from a sample's arrival to its leaving, median: what waits to be read, the chunk, what the stages look
    ahead, computing, and waiting to be written."""
    longest: float
    """The longest such time."""
    factor: float
    """Seconds of computing for a second of sound."""
    dropped: float = 0.0
    """Seconds of sound that were left out, because the machine did not keep up."""

    @property
    def behind(self) -> bool:
        """Whether the machine does not keep up."""
        return self.dropped > 0 or (self.factor > 1 and self.seconds >= _JUDGED)

    @property
    def warnings(self) -> tuple[str, ...]:
        """That the machine does not keep up, where it does not."""
        if not self.behind:
            return ()
        return (
            f"this machine does not keep up: it takes {self.factor:.2f} s for a second of sound; "
            f"{'some of it is left out' if self.dropped else 'what comes next waits'}; "
            "choose a smaller model, another --runtime, or a lower --rate",
        )

    def text(self) -> str:
        """A line for people."""
        left_out = f", {self.dropped:.1f} s left out" if self.dropped else ""
        return (
            f"{self.seconds:.0f} s: latency {1e3 * self.latency:.0f} ms (median), {1e3 * self.longest:.0f} at most, "
            f"real-time factor {self.factor:.2f}{left_out}"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-able figures."""
        return asdict(self)


class Session:
    """The figures of a conversation."""

    def __init__(self, conversion: Converts, rate: int, chunk: float) -> None:
        self._conversion, self._rate, self._chunk = conversion, rate, chunk
        self._latencies: deque[float] = deque(maxlen=10_000)
        self._arrivals: deque[tuple[int, float]] = deque()
        """Of pieces that are not out yet, the number of samples up to their end, and when that came in."""
        self._busy = 0.0
        self._received = self._given = self._told = 0
        self.dropped = 0
        """Samples that were left out."""

    def translate(self, audio: Sound, waiting: float, write: Callable[[Sound], None]) -> None:
        """Hand over what becomes of a piece; `waiting`: seconds since its last sample came in."""
        begin = time.perf_counter()
        self._received += audio.shape[1]
        self._arrivals.append((self._received, begin - waiting))
        result = self._conversion.push(audio)
        self._busy += time.perf_counter() - begin
        write(result)
        self._given += result.shape[1]
        if result.shape[1]:
            while len(self._arrivals) > 1 and self._arrivals[0][0] < self._given:
                self._arrivals.popleft()
            self._latencies.append(time.perf_counter() - self._arrivals[0][1] + self._chunk)

    def due(self) -> bool:
        """Whether a second of sound has come in since it was so last."""
        seconds = self._received // self._rate
        due, self._told = seconds > self._told, seconds
        return due

    def report(self, beside: float = 0.0) -> LiveReport:
        """How it stands; `beside`: seconds that the sound card takes."""
        latencies = self._latencies or deque([0.0])
        seconds = self._received / self._rate
        factor = self._busy / seconds if seconds else 0.0
        median = float(np.median(latencies))
        return LiveReport(seconds, median + beside, max(latencies) + beside, factor, self.dropped / self._rate)
