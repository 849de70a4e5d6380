"""A random order of any number of samples that is computed place by place, and never listed."""

from __future__ import annotations

import hashlib

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


def _mixed(x: int) -> int:
    """64 bits that depend on all of x (the finaliser of MurmurHash3)."""
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & _MASK
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & _MASK
    return x ^ x >> 33
