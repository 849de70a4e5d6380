"""Plain values out of files that anybody may have written: bounded before anything is made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

_DEEPEST = 30
LARGEST_WHOLE = 2**63 - 1
"""The largest whole number that a setting or a seed may be: what 64 bits hold with a sign."""


def from_json(text: str, most: int = 100_000) -> Any:
    """What a JSON document holds, as bounded as `check_plain` has it, numbers finite and text Unicode.

    Raises:
        ValueError: no such document; the message is a few words.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError(f"nested more than {_DEEPEST} deep") from None
    except ValueError as error:
        if "digits" in str(error):  # Python's advice is not for who reads a file
            raise ValueError("a number of too many digits") from None
        raise
    check_plain(value, most)
    return value


def check_plain(value: Any, most: int, finite: bool = True) -> None:
    """Raise ValueError, in a few words, for what is nested too deep, has more than `most` values (counted as often as
    they are referred to) or whole numbers of more than 64 bits; with `finite` also for infinity and text that is no
    Unicode."""
    left, counted = [(value, 0)], 0
    while left:
        each, depth = left.pop()
        counted += 1
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep")
        if counted > most:
            raise ValueError(f"more than {most} values")
        if isinstance(each, Mapping):
            left.extend((part, depth + 1) for pair in list(each.items())[:most] for part in pair)
        elif isinstance(each, list | tuple | set | frozenset):
            left.extend((part, depth + 1) for part in each)
        elif isinstance(each, int) and abs(each) > LARGEST_WHOLE:
            raise ValueError("a whole number of more than 64 bits")
        elif finite and isinstance(each, float) and not math.isfinite(each):
            raise ValueError("a number that is not finite")
        elif finite and isinstance(each, str) and not is_unicode(each):
            raise ValueError("text that is no Unicode")


def is_unicode(text: str) -> bool:
    """Whether text can be written down; half a surrogate pair cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")
