"""Notices trainings that go wrong in the known directions, and names the setting to change.

The measures are pure functions of tensors (N, C, *space) in [-1, 1]; the thresholds beside them were chosen
so that the runs made to fail in the tests are caught and healthy ones are not. A symptom must persist, for
early in a training all of them come and go.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from torch import Tensor

from ..objectives.objective import Objective
from ..sides import SIDES, Direction, backwards
from .advice import advice
from .measures import (
    apart,
    correlation,
    cycle_error,
    displacement,
    non_finite,
    relative_change,
    spacing,
    spatial_contrast,
    variety,
)
from .needs import needed_steps
from .records import Finding, Preview, PreviewRow, StepReport, flatten
from .symptoms import Figures, generated_flat, lost, mode_collapse, quality

UNCHANGED = 0.2
"""Identity collapse: mean |G(x) - x| below this share of the input's own mean deviation."""
INVERTED = -0.5
"""Colour inversion: mean correlation of translation and input below this ..."""
CYCLE_LOW = 0.5
"""... while mean |F(G(x)) - x| is below this share of the input's mean deviation."""
DISPLACED = 0.3
"""Displaced translation: its correlation with the input, shifted, is at least this in size ..."""
IN_PLACE = 0.8
"""... and in place below this share of that, while the other direction shifts back by as much."""
FLAT = 0.1
"""Flat output: spatial standard deviation below this share of real samples' of that domain."""
SAME = 0.05
"""Identical outputs: translations of different inputs differ by less than this share of what the inputs do."""
SATURATED = 0.04
"""Discriminator saturation: its loss below this share of what guessing costs it (lsgan: 0.01 of 0.25)."""
FLATNESS = 0.1
"""... and the generator's gain over the window below this share of the gap between real and generated."""
WINDOW = 20
"""Logged reports that a saturation must last."""
PREVIEWS = 3
"""Successive previews that must show a symptom; of a run that has had the steps it needs, its last one is enough."""
WARM_UP = 0.01
"""Share of the training in which previews are not judged: networks start flat and grey."""
GROWING = 1.05
"""Generated samples lie so many times as far apart as a preview ago, or more: no collapse yet, for they all start as
one."""


GUESSING: Mapping[str, float] = {"lsgan": 0.25, "vanilla": math.log(2.0), "hinge": 1.0, "relativistic": math.log(2.0)}
"""A discriminator's loss when it cannot tell, halved but for relativistic; wgan and wgan-gp have no such bound and
cannot saturate."""
TOLD_APART: Mapping[str, float] = {"lsgan": 0.5, "vanilla": 2.0, "hinge": 1.0, "relativistic": 2.0}
"""Gap between the logits, real - generated, from which on a discriminator clearly tells them apart."""


class Doctor:
    """Examines reports and previews as they come; each call returns what it newly noticed.

    A finding is given once when its symptom has persisted, and again only if it vanished and came back.
    `present` holds the names of the findings whose symptom was there when last looked at; `standing`, those of an
    earlier part of the run, are among them until a look shows otherwise.
    """

    def __init__(self, objective: Objective, settings: Mapping[str, Any], standing: Iterable[str] = ()) -> None:
        self._objective = objective
        self._settings = flatten(settings)
        self._losses: deque[Mapping[str, float]] = deque(maxlen=WINDOW)
        self._steps = 0
        self.present: set[str] = set(standing)
        self._seen: dict[str, int] = dict.fromkeys(self.present, PREVIEWS)
        self._spacing: dict[Direction, float] = {}

    def examine(self, report: StepReport) -> list[Finding]:
        """Findings from a step's losses: NaN or infinity, discriminator saturation."""
        self._steps = report.steps
        bad = sorted(name for name, value in report.losses.items() if not math.isfinite(value))
        self._losses.append(report.losses)
        found = self._judge("NaN or infinity", bool(bad), 1, report.step, f"{', '.join(bad)} became NaN or infinite")
        for side in SIDES["a2b"]:
            matters = self._objective.adversarial_weight(side)
            if len(self._losses) < WINDOW:  # nothing to see yet, nor whether one of an earlier part is gone
                continue
            evidence = saturation(self._losses, side, self._objective.adversarial_form) if matters else ""
            found += self._judge(f"discriminator saturation {side}", bool(evidence), 1, report.step, evidence)
        return found

    def diverged(self, step: int, what: str) -> list[Finding]:
        """Findings of the engine itself: NaN or infinity, e.g. in weights."""
        return self._judge("NaN or infinity", True, 1, step, what)

    def examine_preview(self, preview: Preview) -> list[Finding]:
        """Findings from translations: NaN, identity collapse, inversion, displacement, flat and identical outputs; and
        once the run has had the steps it needs, blur, noise, a grid, lost contrast, colour and content."""
        if preview.step < WARM_UP * self._steps:
            return []
        ripe = preview.step >= needed_steps(self._settings)
        patience = 1 if ripe and preview.last else PREVIEWS
        found = []
        for direction, row in preview.rows.items():
            symptoms = {"NaN or infinity": broken(row)}
            if not symptoms["NaN or infinity"]:
                other = preview.rows.get(backwards(direction))
                symptoms |= self._failures(direction, row, other, ripe)
                if ripe:  # what failed altogether is blurred and pale besides, which says nothing more
                    failed = any(symptoms.values())
                    symptoms |= {name: "" if failed else shown for name, shown in unlike(row, other).items()}
            for name, evidence in symptoms.items():
                needed = 1 if name == "NaN or infinity" else patience
                found += self._judge(f"{name} {direction}", bool(evidence), needed, preview.step, evidence)
        return found

    def _failures(self, direction: Direction, row: PreviewRow, other: PreviewRow | None, ripe: bool) -> dict[str, str]:
        """Evidence by finding, or "", that the samples are no translations of their inputs, or not generated."""
        if row.real is not None:
            young = self._spreads(direction, row.translation) and not ripe
            return {"flat output": generated_flat(row.translation, row.real),
                    "mode collapse": "" if young else mode_collapse(row.translation, row.real)}  # fmt: skip
        return {
            "identity collapse": collapse(row) if self._domains_differ(direction, row, other) else "",
            "colour inversion": inversion(row),
            "displaced translation": displaced(row, other),
            "flat output": flatness(row, other),
            "identical outputs": sameness(row, other),
        }

    def _spreads(self, direction: Direction, made: Tensor) -> bool:
        """Whether generated samples lie farther apart than in the preview before."""
        before, now = self._spacing.get(direction), float(spacing(made).median())
        self._spacing[direction] = now
        return before is not None and now >= GROWING * before

    def _domains_differ(self, direction: Direction, row: PreviewRow, other: PreviewRow | None) -> bool:
        """By the discriminator's logits on these translations, or by the samples' own statistics."""
        _, side = SIDES[direction]
        gaps = [losses.get(f"real_{side}", math.nan) - losses.get(f"generated_{side}", math.nan)
                for losses in self._losses]  # fmt: skip
        gaps = [gap for gap in gaps if math.isfinite(gap)]
        if gaps and median(gaps) > TOLD_APART.get(self._objective.adversarial_form or "", math.inf):
            return True
        return other is not None and apart(row.source, other.source)

    def _judge(self, name: str, shown: bool, needed: int, step: int, evidence: str) -> list[Finding]:
        """Count how long a symptom persists; the finding where it is new and has reached `needed`."""
        self._seen[name] = self._seen.get(name, 0) + 1 if shown else 0
        if self._seen[name] < needed:
            self.present.discard(name)
            return []
        if name in self.present:
            return []
        self.present.add(name)
        return [Finding(name, step, evidence, advice(name, self._objective.advice, self._settings))]


def saturation(history: Sequence[Mapping[str, float]], side: str, form: str | None) -> str:
    """Evidence that discriminator `side` wins outright over a full window of losses, or "".

    Its loss stays next to nothing against guessing, and the logits on generated samples do not rise: half a window
    later they gained less than FLATNESS of the gap to the real ones, so the generator's loss is at its bound.
    """
    names = (f"discriminator_{side}", f"real_{side}", f"generated_{side}")
    if form is None or form not in GUESSING or len(history) < WINDOW:
        return ""
    if any(name not in losses for losses in history for name in names):
        return ""
    loss, real, generated = ([losses[name] for losses in history] for name in names)
    if not all(map(math.isfinite, [*loss, *real, *generated])) or median(loss) > SATURATED * GUESSING[form]:
        return ""
    half = len(generated) // 2
    gained = median(generated[half:]) - median(generated[:half])
    if gained > FLATNESS * (median(real) - median(generated)):
        return ""
    return (
        f"over the last {len(history)} reports its loss is {median(loss):.2g} (guessing: {GUESSING[form]:.2g}), "
        f"its logits {median(real):.2f} on real and {median(generated):.2f} on generated samples"
    )


def broken(row: PreviewRow) -> str:
    """Evidence of NaN or infinity in a preview, or ""."""
    made = [part for part in (row.translation, row.cycle) if part is not None]
    return "translations hold NaN or infinity" if non_finite(*made) else ""


def collapse(row: PreviewRow) -> str:
    """Evidence that the translation leaves its input as it is, or ""."""
    change = relative_change(row.source, row.translation)
    if change >= UNCHANGED:
        return ""
    return f"the translation differs from its input by {change:.1%} of the input's contrast"


def inversion(row: PreviewRow) -> str:
    """Evidence that the translation is its input's negative and is inverted back, or ""."""
    if row.cycle is None:
        return ""
    related, error = correlation(row.source, row.translation), cycle_error(row.source, row.cycle)
    if not (related < INVERTED and error < CYCLE_LOW):
        return ""
    return f"translation and input correlate by {related:.2f}, yet the cycle error is only {error:.1%} of the contrast"


def displaced(row: PreviewRow, other: PreviewRow | None) -> str:
    """Evidence that one generator shifts what the other shifts back, or ""."""
    if other is None:
        return ""
    shift, shifted = displacement(row.source, row.translation)
    back, returned = displacement(other.source, other.translation)
    in_place = correlation(row.source, row.translation)
    if not (any(shift) and min(abs(shifted), abs(returned)) >= DISPLACED and abs(in_place) < IN_PLACE * abs(shifted)):
        return ""
    pairs = list(zip(shift, back, strict=True))
    # Opposite, within a pixel: the first condition alone would pass a shift of one pixel with none back.
    if any(abs(one + two) > 1 for one, two in pairs) or sum(one * two for one, two in pairs) >= 0:
        return ""
    return (
        f"translation and input correlate by {shifted:.2f} where one is shifted by {_steps(shift)}, by {in_place:.2f} "
        f"in place, and the way back shifts by {_steps(back)}"
    )


def _steps(shift: Sequence[int]) -> str:
    return "(" + ", ".join(f"{step:+d}" for step in shift) + ")"


def flatness(row: PreviewRow, other: PreviewRow | None) -> str:
    """Evidence that the translation is next to constant where real samples are not, or ""."""
    real = spatial_contrast(other.source if other is not None else row.source)
    own = spatial_contrast(row.translation)
    if own >= FLAT * real:
        return ""
    return f"translations vary by {own:.3f} within a sample, real ones by {real:.3f}"


def sameness(row: PreviewRow, other: PreviewRow | None) -> str:
    """Evidence that different inputs get one and the same, not flat, translation, or ""."""
    inputs, outputs = variety(row.source), variety(row.translation)
    wanted = min(inputs, variety(other.source) if other is not None else inputs)
    if outputs >= SAME * wanted or flatness(row, other):
        return ""
    return f"translations differ from one another by {outputs:.3f}, their inputs by {inputs:.3f}"


def unlike(row: PreviewRow, other: PreviewRow | None) -> dict[str, str]:
    """Evidence by finding, or "", that translations are less like real samples than they should be by now."""
    found = {}
    if row.real is not None:
        return quality(Figures.of(row.translation), Figures.of(row.real))
    if other is not None and other.source.shape[1] == row.translation.shape[1]:
        found = quality(Figures.of(row.translation), Figures.of(other.source))
    return found | {"content lost": "" if row.cycle is None else lost(cycle_error(row.source, row.cycle))}
