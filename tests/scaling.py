"""What an archive that was converted by several workers holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from unpaired.core.conversion.record import lines, manifests

RECORDS = {".unpaired", ".unpaired.jsonl"}


def outputs(folder: Path) -> dict[str, bytes]:
    """Every output, by its place."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not RECORDS & set(path.parts))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def recorded(folder: Path) -> Counter[str]:
    """How many records each output has."""
    return Counter(entry["output"] for file in manifests(folder) for _, entry in lines(file))


def once(folder: Path) -> dict[str, int]:
    """One record for each output that is there."""
    return dict.fromkeys(outputs(folder), 1)
