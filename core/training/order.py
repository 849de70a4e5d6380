"""A random order of any number of samples that is computed place by place, and never listed."""

from __future__ import annotations

import hashlib

BLOCK, WINDOW = 64, 64
"""Neighbouring samples of a block, and blocks whose samples are mixed."""
_ROUNDS = 8
_MASK = 2**64 - 1


class KeyedOrder:
    """A bijection of 0 to `count` - 1 onto itself, chosen by a key: the order of an epoch.

    A Feistel network on just enough bits, whose results beyond `count` are put in again until one is below (cycle
    walking; J. Black and P. Rogaway, Ciphers with Arbitrary Finite Domains, 2002). Takes the memory of its key.
    """

    def __init__(self, count: int, *key: object) -> None:
        self.count = count
        bits = max(1, (count - 1).bit_length())
        self._low = (bits + 1) // 2
        self._masks = (1 << (bits // 2)) - 1, (1 << self._low) - 1
        digest = hashlib.blake2b(repr(key).encode(), digest_size=8 * _ROUNDS).digest()
        self._keys = [int.from_bytes(digest[8 * each : 8 * each + 8], "little") for each in range(_ROUNDS)]

    def coming(self, place: int) -> tuple[int, int] | None:
        """The samples, first and last, of which that place is the time to say that they will come."""
        sample = self(place)
        return sample, sample

    def __call__(self, place: int) -> int:
        """What comes in that place."""
        while True:
            high, low = place >> self._low, place & self._masks[1]
            for first, second in zip(self._keys[::2], self._keys[1::2], strict=True):
                high ^= _mixed(low ^ first) & self._masks[0]
                low ^= _mixed(high ^ second) & self._masks[1]
            place = high << self._low | low
            if place < self.count:
                return place


class BlockOrder:
    """Such a bijection that draws neighbours soon after one another, so that what holds them is read once.

    Blocks of neighbours come in an order of their own, and the samples of each `window` of them in another one: what a
    shuffle buffer of `block * window` samples gives that is filled with blocks from anywhere.
    """

    def __init__(self, count: int, *key: object, block: int = BLOCK, window: int = WINDOW) -> None:
        self.count, self.block = count, block
        self._blocks = KeyedOrder(-(-count // block), *key, "blocks")
        self._key, self._together = key, block * window
        self._within: tuple[int, KeyedOrder] | None = None
        """The number of the window that was asked for last, and the order in it."""

    def __call__(self, place: int) -> int:
        """What comes in that place."""
        while True:
            window, within = divmod(place, self._together)
            if self._within is None or self._within[0] != window:
                first = window * self._together
                size = min(self._together, self._blocks.count * self.block - first)
                self._within = window, KeyedOrder(size, *self._key, window)
            number, inside = divmod(window * self._together + self._within[1](within), self.block)
            place = self._blocks(number) * self.block + inside
            if place < self.count:  # the last block may be smaller
                return place

    def coming(self, place: int) -> tuple[int, int] | None:
        """A block where its places begin: its samples come in the window that these are in."""
        number, inside = divmod(place, self.block)
        if inside:
            return None
        first = self._blocks(number) * self.block
        return first, min(first + self.block, self.count) - 1


def _mixed(x: int) -> int:
    """64 bits that depend on all of x (the finaliser of MurmurHash3)."""
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & _MASK
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & _MASK
    return x ^ x >> 33
