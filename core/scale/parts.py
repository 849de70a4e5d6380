"""Where the parts of long files lie: in `.unpaired/parts/`, a folder for each file, each part whole or not there."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..conversion.record import FOLDER, identity_of


def parts_folder(target: Path, outputs: Path, key: str, count: int) -> Path:
    """The folder for `count` parts of an output; of an earlier run that would make the same ones (`key`), where there
    is one, whose name says how many they are."""
    folder, name = outputs / FOLDER / "parts", f"{identity_of(target, outputs)}-{key}"
    begun = sorted(each for each in folder.glob(f"{name}-*") if each.name.rpartition("-")[2].isdigit())
    return begun[0] if begun else folder / f"{name}-{count}"


def remove_parts(target: Path, outputs: Path) -> None:
    """Remove all parts of an output, of other settings too."""
    for each in (outputs / FOLDER / "parts").glob(f"{identity_of(target, outputs)}-*"):
        shutil.rmtree(each, ignore_errors=True)
