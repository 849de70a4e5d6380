"""Settings by the names that they were typed by: `--strength`, where a message says `conversion.strength`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ..errors import ConfigError


@contextmanager
def named_as_typed(typed: Mapping[str, str]) -> Iterator[None]:
    """Let a ConfigError of this block name settings as they were typed; `typed`: the option by the dotted name."""
    try:
        yield
    except ConfigError as error:
        raise type(error)(*(as_typed(fault, typed) for fault in error.faults)) from error


def as_typed(message: str, typed: Mapping[str, str]) -> str:
    """A fault with the typed options in place of dotted names, and of plain ones that it begins with."""
    for dotted, option in typed.items():
        plain = re.escape(dotted.rpartition(".")[2])
        if "." in dotted:
            message = re.sub(rf"(?<![\w.-]){re.escape(dotted)}(?!\w|\.\w)", option, message)
        message = re.sub(rf"^{plain}(?= is )", option, message)
    groups = "|".join({re.escape(dotted.partition(".")[0]) for dotted in typed})
    return re.sub(rf"did you mean (?=(?:{groups})\.)", "did you mean --", message) if groups else message
