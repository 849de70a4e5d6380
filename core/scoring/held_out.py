"""Held-out samples of both sides, and what is known of them before anything is translated."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..adapter.domain import Domain
from ..adapter.noise import OverNoise
from ..errors import MediaError, UnpairedError, one_line
from ..samples import Sample
from ..sides import SIDES, Direction, Side, other_side
from .content import layout
from .distances import SetFeatures
from .features import RandomFeatures

FEWEST = 2
"""Samples of a side below which nothing can be scored."""


class KnownFeatures(NamedTuple):
    """Random features of a side, which no training changes."""

    network: RandomFeatures
    real: SetFeatures
    untranslated: SetFeatures | None
    """Of the other side's samples as they are; None where they have other channels."""


class HeldOut:
    """Held-out samples of both sides.

    Args:
        domain: the medium.
        samples: of each side, (C, *space) float32 in [-1, 1].
        extractor: a TorchScript feature extractor, for the domain's own scores.
        seed: of the random features.

    Raises:
        MediaError: fewer than two samples of a side.
    """

    def __init__(
        self, domain: Domain, samples: Mapping[Side, Sequence[Tensor]], extractor: Path | None = None, seed: int = 0
    ) -> None:
        for side, each in samples.items():
            if len(each) < FEWEST:
                raise MediaError(f"{len(each)} held-out samples of {side.upper()}; scores need {FEWEST} or more")
        self.domain, self.samples, self.extractor, self.seed = domain, samples, extractor, seed
        self.files: Mapping[Side, Sequence[Path]] = {"a": (), "b": ()}
        """What they were loaded from, where that is known."""
        self.noise = isinstance(domain, OverNoise)
        """Whether those of A are noise, which no figure of B is measured against."""
        self.alike = not self.noise and domain.channels("a") == domain.channels("b")
        self.notes: list[str] = []
        """Reasons why something is missing, each once."""
        self._known: dict[Side, KnownFeatures] = {}

    @cached_property
    def layouts(self) -> Mapping[Side, list[Tensor]]:
        """`layout` of every sample."""
        return {side: [layout(x) for x in each] for side, each in self.samples.items()}

    def known_features(self, side: Side, device: torch.device) -> KnownFeatures:
        """Random features of a side, computed at the first call."""
        if side not in self._known:
            network = RandomFeatures(self.domain.channels(side), self.domain.dimensions, self.seed).to(device)
            sets = {each: SetFeatures.of([network(x[None].to(device)) for x in self.samples[each]])
                    for each in ((side, other_side(side)) if self.alike else (side,))}  # fmt: skip
            self._known[side] = KnownFeatures(network, sets[side], sets.get(other_side(side)))
        return self._known[side]

    def plain(self, side: Side, samples: Sequence[Tensor] | None = None) -> list[Tensor]:
        """Samples of a side, by default those that are held out, as people get them."""
        return [self.domain.denormalise(x, side) for x in (self.samples[side] if samples is None else samples)]

    @cached_property
    def own_untranslated(self) -> Mapping[Direction, Mapping[str, float]]:
        """The domain's own scores of the untranslated input, by direction; empty where channels differ."""
        sides = SIDES if self.alike else {}
        return {
            direction: self.own_scores(self.samples[source], source, target)
            for direction, (source, target) in sides.items()
        }

    def own_scores(self, samples: Sequence[Tensor], side: Side, target: Side) -> dict[str, float]:
        """The domain's own figures of samples of side `side` against the held-out ones of side `target`; where it
        cannot give them, none, and a note."""

        def scores() -> Mapping[str, float]:
            calibrate = self.domain.calibrate
            ours, real = [calibrate(x, side) for x in samples], [calibrate(x, target) for x in self.samples[target]]
            return self.domain.unpaired_scores(ours, real, self.extractor, self.seed)

        return self._unless_it_fails("unpaired_scores", scores)

    def sequence_scores(self, translate: Callable[[Tensor], Tensor], side: Side) -> dict[str, float]:
        """The domain's figures of successive samples of the held-out files of side `side`; none, and a note, where it
        fails."""
        files = self.files[side]
        return self._unless_it_fails("sequence_scores", lambda: self.domain.sequence_scores(translate, files, side))

    def judged_scores(self, translate: Callable[[Tensor], Tensor], side: Side) -> dict[str, float]:
        """The figures of the domain's judges for the held-out files of side `side`; none, and a note, where they
        fail."""
        return self._unless_it_fails("judged_scores", lambda: self.domain.judged_scores(translate, self.files, side))

    def _unless_it_fails(self, method: str, scores: Callable[[], Mapping[str, float]]) -> dict[str, float]:
        try:
            return dict(scores())
        except Exception as error:  # whatever it is, hours of training must not end for a figure
            said = str(error) if isinstance(error, UnpairedError) else f"{type(error).__name__} {one_line(error)}"
            text = f"the scores of {type(self.domain).__name__}.{method} are left out: {said}"
            if text not in self.notes:
                self.notes.append(text)
        return {}


def load_held_out(
    domain: Domain, files: Mapping[Side, Sequence[Path]], extractor: Path | None = None, seed: int = 0
) -> HeldOut:
    """The files of both sides as held-out samples; those that cannot be decoded are left out, with a note.

    A file that is named several times gives another part of itself each time, where it has several.

    Raises:
        MediaError: fewer than two of a side can be decoded.
    """
    notes: list[str] = []
    samples: dict[Side, list[Tensor]] = {"a": [], "b": []}
    loaded: dict[Side, list[Path]] = {"a": [], "b": []}
    for side, paths in files.items():
        for place, file in enumerate(paths):
            try:
                samples[side].append(_load(domain, file, side, paths[:place].count(file)))
                loaded[side].append(file)
            except (MediaError, OSError) as error:
                notes.append(f"the held-out file {file} is left out: {error}")
    held = HeldOut(domain, samples, extractor, seed)
    held.files = loaded
    held.notes += notes
    return held


def _load(domain: Domain, file: Path, side: Side, time: int) -> Tensor:
    if time == 0:
        return domain.load(file, side)
    return Sample.of(domain.sample(file, side, np.random.default_rng(time), augmentation=0.0)).x
