"""Plain values out of files that anybody may have written: bounded before anything is made of them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml

_DEEPEST = 30
_MOST_BITS = 256
LARGEST_WHOLE = 2**63 - 1
"""The largest seed, and the largest count of anything: what 64 bits hold with a sign."""


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


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice, and takes for numbers what everybody reads as the same number."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        # Here, since PyYAML takes the square of the depth in time before Python's own limit ends it.
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"no YAML text: nested more than {_DEEPEST} deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads 010 as 8 and 1:30 as 90, and takes 2e-4 for text. A date is text: no setting is one, and a name may
# well look like one.
_NUMBERS = {
    "int": r"0|[1-9][\d_]*|0x[\da-fA-F][\da-fA-F_]*|0b[01][01_]*",
    "float": r"\d[\d_]*\.[\d_]*(?:[eE][-+]?\d+)?|\.\d[\d_]*(?:[eE][-+]?\d+)?|\d[\d_]*[eE][-+]?\d+"
    r"|\.(?:inf|Inf|INF|nan|NaN|NAN)",
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag.rpartition(":")[2] not in (*_NUMBERS, "timestamp")]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
for _kind, _form in _NUMBERS.items():
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"[-+]?(?:{_form})\Z"), list("-+.0123456789")
    )


def from_yaml(text: str) -> Any:
    """Parse a YAML text within bounds. Raises ValueError with the line for any fault."""
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}{error.problem or error.context or 'no valid YAML'}") from error
    except Exception as error:  # PyYAML's constructors raise whatever "!!int x" or "!!bool x" makes them stumble over
        digits = "digits" in str(error)  # Python's advice is not for who writes a file
        raise ValueError("no valid YAML: " + ("a number of too many digits" if digits else str(error))) from error
    check_plain(value, most=10_000, finite=False)
    return value


def check_plain(value: Any, most: int, finite: bool = True) -> None:
    """Raise ValueError, in a few words, for what is nested too deep, has more than `most` values (counted as often as
    they are referred to) or whole numbers beyond all use; with `finite` also for infinity and text that is no
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
        elif isinstance(each, int) and each.bit_length() > _MOST_BITS:
            raise ValueError(f"a whole number of more than {_MOST_BITS} bits")
        elif finite and isinstance(each, float) and not math.isfinite(each):
            raise ValueError("a number that is not finite")
        elif finite and isinstance(each, str) and not is_unicode(each):
            raise ValueError("text that is no Unicode")


def is_unicode(text: str) -> bool:
    """Whether text can be written down; half a surrogate pair cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")
