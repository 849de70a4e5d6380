"""Claims of workers to outputs, so that no two make the same one at once.

A claim is a locked file, `.unpaired/claims/IDENTITY`, which goes when the output is recorded. The lock ends with the
worker, however that ends: the file that stays then names the worker, and its output was in hand.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..conversion.record import FOLDER
from ..files import output_error
from ..locks import open_locked, remove_locked
from ..makers import mark


@dataclass(frozen=True)
class Claim:
    """An output that this process alone may make."""

    path: Path
    handle: int
    ended: tuple[str, ...]
    """Marks (`makers.mark`) of the workers that ended while they were at it."""

    def release(self) -> None:
        """Leave it to others."""
        remove_locked(self.handle, self.path)


class Claims:
    """Those to the outputs in a folder."""

    def __init__(self, outputs: Path) -> None:
        self.folder = outputs / FOLDER / "claims"

    def take(self, identity: str) -> Claim | None:
        """Claim an output; None where another process has. Raises OutputError."""
        path = self.folder / identity
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, locked = open_locked(path)
            if not locked:
                os.close(handle)
                return None
            ended = tuple(os.read(handle, 1 << 16).decode(errors="replace").split())
            os.write(handle, f"{mark()}\n".encode())
        except OSError as error:
            raise output_error(path, error) from error
        return Claim(path, handle, ended)

    def is_left(self, identity: str) -> bool:
        """Whether a worker is at an output, or ended while it was."""
        return (self.folder / identity).exists()
