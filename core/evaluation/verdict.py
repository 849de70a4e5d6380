"""The verdict of an evaluation: what a translation gained over the untouched input, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

from torch import Tensor

from ..monitoring.advice import advice
from ..monitoring.doctor import FLAT, UNCHANGED
from ..monitoring.measures import relative_change, spatial_contrast
from ..monitoring.symptoms import Figures, lost, quality
from ..terms import remark

PAIRED_MARGIN = 0.05
"""Share by which the paired error must be smaller than the untouched input's to count as gained."""
MARGIN, MANY = 0.1, 50
"""The same for a distance between sets of `MANY` files; with fewer it grows with the root, as the distance scatters."""
PAIRED = ("l1",)
"""Paired figures that are taken for the verdict."""
DISTANCES = ("kid", "fid", "swd")
"""Distances that are taken for the verdict, the best first; else the first that a medium gives."""


class Symptoms:
    """Gathers, file by file, what tells symptoms of translations; memory grows by a few numbers a file."""

    def __init__(self) -> None:
        self._made: list[Figures] = []
        self._changes: list[float] = []
        self._contrasts: list[float] = []
        self._cycles: list[float] = []

    def add(self, source: Tensor, translation: Tensor, returned: Tensor | None) -> None:
        """One file: samples (C, *space), plain; `returned` is the translation translated back."""
        x, y = source[None], translation[None]
        self._made.append(Figures.of(y))
        self._changes.append(relative_change(x, y))
        self._contrasts.append(spatial_contrast(y))
        if returned is not None:
            self._cycles.append(relative_change(x, returned[None]))

    def found(self, real: Iterable[Tensor]) -> dict[str, str]:
        """Evidence by finding, beside the real samples of the target."""
        figures, contrasts = [], []
        for sample in real:
            figures.append(Figures.of(sample[None]))
            contrasts.append(spatial_contrast(sample[None]))
        own, others = _middle(self._contrasts), _middle(contrasts)
        if own < FLAT * others:
            return {"flat output": f"translations vary by {own:.3f} within a sample, real ones by {others:.3f}"}
        change = _middle(self._changes)
        same = f"translations differ from their inputs by {change:.1%} of their contrast" if change < UNCHANGED else ""
        found = {"identity collapse": same, **quality(Figures.together(self._made), Figures.together(figures))}
        found["content lost"] = lost(_middle(self._cycles)) if self._cycles else ""
        return {name: evidence for name, evidence in found.items() if evidence}


def gain(own: Mapping[str, float], untouched: Mapping[str, float], paired: bool, files: int) -> tuple[str, str]:
    """The term for what a translation gained, and the figures that say so.

    Args:
        own, untouched: figures of translations and of the untouched input; lower is better for those that are used.
        paired: whether they are means over true counterparts; else distances between sets.
        files: translations scored.
    """
    common = [name for name in own if name in untouched]
    name = next((name for name in (PAIRED if paired else (*DISTANCES, *common)) if name in common), None)
    if name is None:
        return "not comparable", "there is no figure of the untouched input"
    scatter = f" ({files} files: it scatters)" if files < MANY and not paired else ""
    margin = PAIRED_MARGIN if paired else MARGIN * math.sqrt(max(1.0, MANY / files))
    kind = "paired " if paired else ""
    why = f"{kind}{name} {own[name]:.3g}, of the untouched input {untouched[name]:.3g}{scatter}"
    return _term(own[name], untouched[name], margin), why


def in_words(term: str, why: str, findings: Mapping[str, str]) -> str:
    """The verdict on one direction: what was gained, then what translations look like, each under its term."""
    seen = [
        f"It looks like {remark(name, evidence)}. {advice(name, {}, {})}"
        for name, evidence in findings.items()
        if name != "identity collapse" or term != "translation gained"  # else the sides were alike
    ]
    return " ".join([f"{remark(term, why)}.", *seen])


def _term(own: float, before: float, margin: float) -> str:
    if not (math.isfinite(own) and math.isfinite(before)):
        return "not comparable"
    if abs(own - before) <= margin * abs(before):
        return "gained nothing"
    return "translation gained" if own < before else "worse than the input"


def _middle(values: list[float]) -> float:
    """The median: a picture of one colour has next to no contrast, and a share of it may be anything."""
    return median(values) if values else math.nan
