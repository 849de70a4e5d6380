"""What the page knows of a file, once a process of its own has looked at it (`unpaired.apps.web.media`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["picture", "clip", "sound", "unknown"]
NAME = "facts.json"


@dataclass(frozen=True)
class Facts:
    """One file, as the page speaks of it."""

    kind: Kind
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    """Frames a second of a clip."""
    frames: int = 0
    sound: bool = False
    """Whether there is sound in it."""
    shown: float = 0.0
    """Seconds of a recording that its spectrum shows; the rest is left out where it is very long."""
    error: str = ""
    """Why it cannot be read: one sentence."""

    @property
    def megapixels(self) -> float:
        """Of all its frames together."""
        return self.width * self.height * max(1, self.frames) / 1e6


def read_facts(folder: Path) -> Facts | None:
    """The facts that `look` has left in a folder; None before it was through."""
    try:
        return Facts(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
