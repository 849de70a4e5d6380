"""A file through a reader and a writer with nothing between them."""

from __future__ import annotations

from typing import Any


def write_through(reader: Any, writer: Any) -> tuple[str, ...]:
    """Write what is read, and keep nothing if that fails; what both had to say."""
    try:
        for chunk in reader:
            writer.write(chunk)
        writer.finish()
    except BaseException:
        writer.discard()
        raise
    return (*reader.warnings, *writer.warnings)
