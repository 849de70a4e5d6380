"""What the judges say of held-out recordings while a run goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ....core.adapter.folders import spread
from ....core.scoring.composition import JUDGED, UNTRANSLATED
from ....core.sides import Side, other_side
from ..conversion.stream import converted
from ..judges.panel import WORDS, Judgement, Panel, installed
from ..judges.weights import RATE
from ..reading.mono import read_mono
from ..settings import AudioConversion, AudioSettings
from ..signal.sound import Sound, resampled
from .judged import JudgedDirection

_RECORDINGS, _SECONDS = 8, 8.0
"""Recordings of a side that are judged at most, and seconds of each."""
_LEAST = 0.02
"""Similarity by which the two sides differ at least where a share of the way between them says anything."""


class HeldOutJudge:
    """Judges of voices, without the one of words, who is slow. What they say of real recordings is remembered.

    Args:
        settings: the model's, measured.
        judges: what `installed` says, or fewer.
    """

    def __init__(self, settings: AudioSettings, judges: Mapping[str, bool] | None = None) -> None:
        self._settings = settings
        self._panel = Panel({**(installed() if judges is None else judges), WORDS: False})
        self._known: dict[Path, Judgement] = {}

    def scores(
        self, translate: Callable[[Tensor], Tensor], files: Mapping[Side, Sequence[Path]], side: Side
    ) -> dict[str, float]:
        """Figures of conversions of recordings of `side`, as `unpaired convert` makes them; see docs/scores.md.

        Args:
            translate: one sample (1, bins, frames) to one of the other side.
            files: held-out ones of both sides.
        """
        sources, targets = ({file: self._real(file) for file in chosen(files[each])}
                            for each in (side, other_side(side)))  # fmt: skip
        direction = JudgedDirection(sources, targets)
        rows = {
            "ours": [direction.figures(self._panel.judge(self._converted(file, translate, side))) for file in sources],
            "before": [direction.figures(each) for each in sources.values()],
            "real": [direction.figures(each) for each in targets.values()],
        }
        names = [name for name in ("speaker", "dnsmos") if all(name in each for row in rows.values() for each in row)]
        means = {row: {name: float(np.mean([each[name] for each in figures])) for name in names}
                 for row, figures in rows.items()}  # fmt: skip
        found = means["ours"] | {UNTRANSLATED + name: value for name, value in means["before"].items()}
        return found | ({JUDGED: composed(**means)} if len(names) == 2 else {})

    def _real(self, file: Path) -> Judgement:
        if file not in self._known:
            self._known[file] = self._panel.judge(read_mono(file, RATE, _SECONDS))
        return self._known[file]

    def _converted(self, file: Path, translate: Callable[[Tensor], Tensor], side: Side) -> Sound:
        """(samples,) at the judges' rate."""
        rate = self._settings.sample_rate
        audio = read_mono(file, rate, _SECONDS)[None]
        made = converted(audio, rate, side, _Translate(translate), AudioConversion(), self._settings)
        return resampled(made[0], rate, RATE)


def chosen(files: Sequence[Path]) -> Sequence[Path]:
    """Those of a side's held-out recordings that are judged, evenly spread over them."""
    return spread(tuple(dict.fromkeys(files)), _RECORDINGS)


def composed(ours: Mapping[str, float], before: Mapping[str, float], real: Mapping[str, float]) -> float:
    """One figure, lower is better: the share of the way to the target's speakers that is left, and the DNSMOS that was
    lost. A copy of the input has 1; a tenth of the way weighs as much as a tenth of a point."""
    apart = max(_LEAST, real["speaker"] - before["speaker"])
    left = max(0.0, real["speaker"] - ours["speaker"]) / apart
    return left + max(0.0, before["dnsmos"] - ours["dnsmos"])


class _Translate:
    """A network that takes single samples, as conversions call it: any number of frames, norms by the window's own
    statistics."""

    def __init__(self, network: Callable[[Tensor], Tensor]) -> None:
        self._network = network

    @torch.no_grad()  # conversions call it in threads of their own
    def __call__(self, x: Tensor) -> Tensor:
        frames = x.shape[-1]
        wide = functional.pad(x, (0, -frames % 4, 0, 0), mode="replicate")
        return torch.stack([self._network(each) for each in wide])[..., :frames]

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(0)
