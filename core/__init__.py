"""Medium-independent core of unpaired: it works on tensors and knows no medium.

Its public names are what programs built on unpaired need of the leaves; the rooms have tables of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from .errors import as_note, shortened, show
    from .files import atomic_text, check_writable, output_error
    from .registry import suggestion
    from .sides import SIDES, Direction, Side
    from .terms import remark

__all__ = [
    "SIDES",
    "Direction",
    "Side",
    "as_note",
    "atomic_text",
    "check_writable",
    "output_error",
    "remark",
    "shortened",
    "show",
    "suggestion",
]

__getattr__ = lazy_names(__name__, {
    ".errors": ["as_note", "shortened", "show"],
    ".files": ["atomic_text", "check_writable", "output_error"],
    ".registry": ["suggestion"],
    ".sides": ["SIDES", "Direction", "Side"],
    ".terms": ["remark"],
})  # fmt: skip
