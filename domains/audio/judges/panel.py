"""The judges that are installed, and what they make of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ..reading.mono import read_mono
from ..signal.sound import Sound
from .quality import Quality, QualityJudge
from .speaker import Embedding, encoder
from .weights import RATE
from .words import Understood, WordJudge


class Needed(NamedTuple):
    """What a judge needs."""

    packages: tuple[str, ...]
    install: str
    """The commands that install it."""


_EXTRA = "pip install 'unpaired[judges]'"
SPEAKER, QUALITY, WORDS = "Resemblyzer", "DNSMOS", "PocketSphinx"
JUDGES = {
    # Without what the package asks for: webrtcvad has no wheels, and is replaced by webrtcvad-wheels of the extra.
    SPEAKER: Needed(("resemblyzer", "webrtcvad"), f"{_EXTRA} and pip install --no-deps resemblyzer==0.1.4"),
    QUALITY: Needed(("speechmos",), _EXTRA),
    WORDS: Needed(("pocketsphinx",), _EXTRA),
}


def installed() -> dict[str, bool]:
    """Every judge with whether it is there. Nothing is imported."""
    return {name: all(find_spec(each) is not None for each in needed.packages) for name, needed in JUDGES.items()}


def in_words(judges: Mapping[str, bool]) -> list[str]:
    """A line for each judge: its name, or how to install it."""
    return [f"judge: {name if there else f'none; for {name}: {JUDGES[name].install}'}"
            for name, there in judges.items()]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the judges make of a recording; None where one is missing."""

    speaker: Embedding | None = None
    quality: Quality | None = None
    words: Understood | None = None


class Panel:
    """The judges that are installed, each loaded when it is first asked.

    Args:
        judges: what `installed` says, or fewer.
    """

    def __init__(self, judges: Mapping[str, bool]) -> None:
        self._there = judges

    def judge(self, audio: Sound) -> Judgement:
        """What all of them make of a recording (samples,) at 16 kHz."""
        return Judgement(
            encoder().embedding(audio) if self._there.get(SPEAKER) else None,
            self._quality.rate(audio) if self._there.get(QUALITY) else None,
            self._words.understand(audio) if self._there.get(WORDS) else None,
        )

    def judge_file(self, file: Path) -> Judgement:
        """The same of a file. Raises MissingFile or MediaError."""
        return self.judge(read_mono(file, RATE)) if any(self._there.values()) else Judgement()

    @cached_property
    def _quality(self) -> QualityJudge:
        return QualityJudge()

    @cached_property
    def _words(self) -> WordJudge:
        return WordJudge()
