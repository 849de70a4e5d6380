"""What the judges say of one direction: of its sources, their conversions and the target's own recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..judges.panel import WORDS, Judgement
from ..judges.speaker import centroid
from ..judges.words import FITTING, agreement
from .scores import Estimate, way_covered

Figures = dict[str, float]


class JudgedDirection:
    """Figures by the judges of one direction.

    Args:
        sources, targets: what they make of the recordings of both sides.
    """

    def __init__(self, sources: Mapping[Path, Judgement], targets: Mapping[Path, Judgement]) -> None:
        self._sources = sources
        voices = [each.speaker for each in targets.values() if each.speaker is not None]
        self._centre = centroid(voices) if voices else None
        fits = [each.words.fit for each in sources.values() if each.words is not None]
        fit = float(np.nanmean(fits)) if np.isfinite(fits).any() else -np.inf
        self._english = fit >= FITTING
        self.notes: list[str] = []
        """What is left out, and why."""
        if fits and not self._english:
            self.notes.append(
                f"word agreement is left out: {WORDS} knows US English, and what it understood of the sources fits "
                f"them too badly ({fit:.4f}, expected {FITTING:.4f} or more): another language, or noise"
            )

    def figures(self, judgement: Judgement, source: Judgement | None = None) -> Figures:
        """Those of a recording; word agreement with the recording of the same words that is given."""
        found: Figures = {}
        if judgement.speaker is not None and self._centre is not None:
            found["speaker"] = float(judgement.speaker @ self._centre)
        if (quality := judgement.quality) is not None:
            found |= {"dnsmos": quality.overall, "dnsmos_signal": quality.signal,
                      "dnsmos_background": quality.background}  # fmt: skip
        if self._english and judgement.words is not None and source is not None and source.words is not None:
            found["words"] = agreement(source.words.words, judgement.words.words)
        return found

    def of_target(self, judgement: Judgement, sources: Sequence[Path]) -> Figures:
        """Those of a recording of the target, with the mean agreement with sources of the same words."""
        each = [self.figures(judgement, self._sources[file]) for file in sources]
        own = self.figures(judgement)
        words = [figures["words"] for figures in each if "words" in figures]
        return own | ({"words": float(np.mean(words))} if words else {})


def way(rows: Mapping[str, Mapping[str, Sequence[float]]]) -> dict[str, Estimate]:
    """Share of the way to the target's speakers, from the values of the rows; empty without that judge."""
    values = [rows[name].get("speaker", ()) for name in ("converted", "input", "target")]
    return {"speaker_way": way_covered(*values)} if all(values) else {}


def in_short(judgement: Judgement, figures: Mapping[str, float]) -> str:
    """A line about one recording."""
    parts = [f"speaker {figures['speaker']:.2f}"] if "speaker" in figures else []
    parts += [f"DNSMOS {figures['dnsmos']:.2f}"] if "dnsmos" in figures else []
    if judgement.words is not None:
        parts.append(f"understood: {' '.join(judgement.words.words) or 'nothing'}")
    return "; ".join(parts)
