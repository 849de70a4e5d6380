"""A part of a recording, by its seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from ..signal.sound import Sound
from .files import SoundFile


class Part:
    """The samples of a recording from `start` up to and without `end`, exactly: iterating gives blocks
    (channels, samples), from the start each time.

    Args:
        file: the recording. It is read from its beginning, for not every kind of file knows its way to a sample.
        start, end: seconds of the file, which begin with its picture where it has one; None for its own.
    """

    def __init__(self, file: SoundFile, start: float | None = None, end: float | None = None) -> None:
        self.whole = not start and end is None
        """Whether it is all of it."""
        self.begin = _exact(start or 0.0)
        """Seconds at which it begins."""
        self.end = None if end is None else _exact(end)
        """Seconds at which it ends; None with the file."""
        self._file, rate = file, file.info.rate
        silent, first = round(file.start * rate), round(self.begin * rate)
        self._first = max(0, first - silent)
        self._last = None if self.end is None else max(0, round(self.end * rate) - silent)
        self.start = file.start if self.whole else Fraction(max(0, silent - first), rate)
        """Seconds at which its sound begins, after the part does."""

    def __iter__(self) -> Iterator[Sound]:
        yield from cut(self._file, self._first, self._last)


def cut(blocks: Iterable[Sound], first: int, last: int | None) -> Iterator[Sound]:
    """The samples of blocks (channels, samples) from `first` up to and without `last`; None for all that follow."""
    read = 0
    for block in blocks:
        piece = block[:, max(0, first - read) : None if last is None else max(0, last - read)]
        read += block.shape[1]
        if piece.shape[1]:
            yield piece
        if last is not None and read >= last:
            return


def _exact(seconds: float) -> Fraction:
    """The decimal number that was given: 0.1 is a tenth."""
    return Fraction(repr(float(seconds)))
