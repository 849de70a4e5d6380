"""How a translator is loaded, in words that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..conversion.translator import Translator, load
from ..sides import Direction


@dataclass(frozen=True)
class TranslatorSpec:
    """The arguments of `load`, and what is made of a loaded translator."""

    model: str
    """A run folder, a model file, or the name of a shipped model."""
    runtime: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    ema_length: float | None = None
    domain: str | None = None
    """The medium that it translates; None: the one that it was trained on."""
    voice_model: str | None = None
    """A model of the sound of footage; see `Translator.joined_by`."""
    voice_direction: Direction = "a2b"

    def load(self) -> Translator:
        """The translator; raises what `load`, `joined_by` and `for_medium` do."""
        translator = load(self.model, self.runtime, self.device, None, self.ema_length, None, self.precision)
        if self.voice_model is not None:
            translator = translator.joined_by(self.voice_model, self.voice_direction)
        return translator if self.domain is None else translator.for_medium(self.domain)

    def absolute(self) -> TranslatorSpec:
        """The same for processes that run elsewhere."""
        voice = None if self.voice_model is None else _absolute(self.voice_model)
        return replace(self, model=_absolute(self.model), voice_model=voice)


def _absolute(name: str) -> str:
    """A path from the root; shipped models have names. Behind the last @ of RUN@best is no part of the path."""
    run, at, which = name.rpartition("@")
    if Path(name).exists():
        return str(Path(name).absolute())
    return f"{Path(run).absolute()}@{which}" if at and Path(run).exists() else name
