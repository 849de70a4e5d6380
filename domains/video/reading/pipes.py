"""Standard input and output in place of files, under the name -."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO, Literal

PIPE = "-"


def source(path: Path) -> Path | BinaryIO:
    """The source for a path: the file, or standard input for -."""
    return unbuffered(sys.stdin.fileno(), "rb") if str(path) == PIPE else path


def target(path: Path) -> Path | BinaryIO:
    """The target for a path: the file, or standard output for -."""
    return unbuffered(sys.stdout.fileno(), "wb") if str(path) == PIPE else path


def unbuffered(descriptor: int, mode: Literal["rb", "wb"]) -> BinaryIO:
    """A descriptor as a file that gives and takes bytes at once: a buffer would wait until it is full."""
    # A copy, so that whoever closes the file leaves standard input and output open.
    file: Any = os.fdopen(os.dup(descriptor), mode, buffering=0)
    return file  # type: ignore[no-any-return]
