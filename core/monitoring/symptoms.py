"""Symptoms of translations that are no failure of training but of quality: blur, noise, a grid, contrast and colour.

Each compares translations with real samples of their target, which need not be their counterparts: figures of single
samples are averaged, and a difference counts only beyond what the samples vary by. Nothing here knows a medium; the
thresholds were chosen on pictures (docs/how-to/read-the-doctor.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .measures import spacing, spatial_contrast

SURELY, CAST_SURELY = 3.0, 4.0
"""Standard errors of the difference of two means by which they must differ; those of levels, which differ by what is
shown as well."""
BLURRED = 0.5
"""Blur: fine detail below this share of real samples'; a Gaussian filter of deviation 0.8 leaves so much of a photo."""
NOISY = 2.0
"""Noise: speckle above so many times real samples'."""
GRID = 2.5
"""Checkerboard: a grid so many times as strong as chance makes one, and ..."""
GRID_OF_REAL = 1.75
"""... so many times as strong as that of real samples, and ..."""
VISIBLE = 0.03
"""... of at least this share of the contrast."""
PALE = 0.5
"""Low contrast: below this share of real samples'."""
CAST = 0.15
"""Colour cast: mean of a channel so far off real samples', of a range of 2."""
LOST = 0.9
"""Content lost: the cycle error is this share of the input's own deviation; 1 is about a constant's."""
REPEATED, FEWEST_GENERATED = 0.35, 8
"""Mode collapse: half of the generated samples are nearer to another one than this share of what real samples are, of
so many at least."""
FLAT = 0.1
"""Flat samples: spatial standard deviation below this share of real ones'."""
_BLOCK = 16
_EPSILON = 1e-6


class Figures(NamedTuple):
    """Figures of samples, each (N), and (N, C) their mean levels."""

    detail: Tensor
    """Mean |x - smoothed x| over the sample's own mean deviation."""
    speckle: Tensor
    """Mean |x - median of its neighbourhood|, likewise."""
    grid: Tensor
    """Strength of a pattern that repeats every four steps, as a multiple of what independent noise would show."""
    pattern: Tensor
    """Root mean square of that pattern over the sample's own mean deviation."""
    contrast: Tensor
    """Mean deviation from the channel's mean."""
    levels: Tensor

    @classmethod
    def of(cls, x: Tensor) -> Figures:
        """Those of samples (N, C, *space)."""
        x = x.float()
        flat = x.flatten(2)
        levels = flat.mean(2)
        contrast = (flat - levels[..., None]).abs().flatten(1).mean(1)
        spread = contrast + _EPSILON
        once = _smoothed(x)
        fine = (x - _smoothed(once)).abs().flatten(1).mean(1) / spread
        speckle = (x - _median(x)).abs().flatten(1).mean(1) / spread
        grid, pattern = _grid(x - once)
        return cls(fine, speckle, grid, pattern / spread, contrast, levels)

    @classmethod
    def together(cls, parts: Iterable[Figures]) -> Figures:
        """The figures of several batches as one."""
        return cls(*map(torch.cat, zip(*parts, strict=True)))


def quality(made: Figures, real: Figures) -> dict[str, str]:
    """Evidence by finding, "" where there is none, that translations are unlike real samples of their target."""
    checkerboard = _checkerboard(made.grid, real.grid) if float(made.pattern.mean()) > VISIBLE else ""
    return {
        "blur": _below("fine detail", made.detail, real.detail, BLURRED),
        "noise": "" if checkerboard else _above(made.speckle, real.speckle),
        "checkerboard": checkerboard,
        "low contrast": _below("contrast", made.contrast, real.contrast, PALE),
        "colour cast": _cast(made.levels, real.levels),
    }


def mode_collapse(made: Tensor, real: Tensor) -> str:
    """Evidence that many samples generated from different noise are all but one sample, or "". Both (N, C, *space)."""
    count = min(len(made), len(real))
    if count < FEWEST_GENERATED:
        return ""
    made, real = made[:count], real[:count]  # among more, the nearest is nearer
    own, wanted = (float(spacing(x).median()) for x in (made, real))
    if own >= REPEATED * wanted:
        return ""
    return (f"half of the {len(made)} samples from different noise differ from their nearest by less than {own:.3f}, "
            f"real ones by {wanted:.3f}")  # fmt: skip


def generated_flat(made: Tensor, real: Tensor) -> str:
    """Evidence that generated samples are next to constant where real ones are not, or ""."""
    own, wanted = spatial_contrast(made), spatial_contrast(real)
    return "" if own >= FLAT * wanted else f"samples vary by {own:.3f} within themselves, real ones by {wanted:.3f}"


def lost(cycle_error: float) -> str:
    """Evidence that content is lost on the way, or "". `cycle_error`: over the input's own deviation."""
    if not cycle_error >= LOST:
        return ""
    return f"translated back, a sample differs from itself by {cycle_error:.0%} of its contrast"


def _below(what: str, made: Tensor, real: Tensor, share: float) -> str:
    ratio = float(made.mean() / (real.mean() + _EPSILON))
    return (
        f"translations hold {ratio:.2f} of the {what} of real samples" if ratio < share and _surely(real, made) else ""
    )


def _above(made: Tensor, real: Tensor) -> str:
    ratio = float(made.mean() / (real.mean() + _EPSILON))
    return (
        f"translations hold {ratio:.1f} times the speckle of real samples"
        if ratio > NOISY and _surely(made, real)
        else ""
    )


def _checkerboard(made: Tensor, real: Tensor) -> str:
    strength, own = float(made.mean()), float(real.mean())
    if strength < GRID or strength < GRID_OF_REAL * own or not _surely(made, real):
        return ""
    return f"a grid lies over translations, {strength:.1f} times as strong as chance makes one (real samples {own:.1f})"


def _cast(made: Tensor, real: Tensor) -> str:
    if made.shape[1] != real.shape[1]:
        return ""
    off = [
        (channel, float(mine.mean() - theirs.mean()))
        for channel, (mine, theirs) in enumerate(zip(made.T, real.T, strict=True))
        if abs(float(mine.mean() - theirs.mean())) > CAST
        and any(_surely(*pair, CAST_SURELY) for pair in ((mine, theirs), (theirs, mine)))
    ]
    if not off:
        return ""
    channel, shift = max(off, key=lambda each: abs(each[1]))
    return (
        f"the mean of channel {channel + 1} of translations is {shift:+.2f} off that of real samples, of a range of 2"
    )


def _surely(larger: Tensor, smaller: Tensor, errors: float = SURELY) -> bool:
    """Whether one mean is above another by more than so many standard errors (Welch); not with one sample alone."""
    if min(len(larger), len(smaller)) < 2:
        return False
    error = (larger.var() / len(larger) + smaller.var() / len(smaller)).sqrt()
    return float(larger.mean() - smaller.mean()) > errors * float(error)


def _axes(x: Tensor) -> Sequence[int]:
    return range(2, x.ndim)


def _smoothed(x: Tensor) -> Tensor:
    """Binomial weights 1, 2, 1 along every axis of space, the edges repeated."""
    for axis in _axes(x):
        size = x.shape[axis]
        wide = _widened(x, axis)
        x = (wide.narrow(axis, 0, size) + 2 * x + wide.narrow(axis, 2, size)) / 4
    return x


def _median(x: Tensor) -> Tensor:
    """The median of each value and its neighbours along and across the axes of space."""
    wide = x
    for axis in _axes(x):
        wide = _widened(wide, axis).unfold(axis, 3, 1)
    return wide.flatten(x.ndim).median(dim=-1).values


def _widened(x: Tensor, axis: int) -> Tensor:
    return torch.cat([x.narrow(axis, 0, 1), x, x.narrow(axis, x.shape[axis] - 1, 1)], dim=axis)


def _grid(fine: Tensor, period: int = 4) -> tuple[Tensor, Tensor]:
    """Of fine detail (N, C, *space), what repeats every `period` steps within blocks: its power over what chance makes
    of it, and its root mean square. 0 for samples smaller than a block."""
    if min(fine.shape[2:]) < _BLOCK:
        return fine.new_zeros(fine.shape[0]), fine.new_zeros(fine.shape[0])
    for axis in _axes(fine):
        fine = fine.narrow(axis, 0, fine.shape[axis] // _BLOCK * _BLOCK)
    power, repeats = fine.square().flatten(1).mean(1), _BLOCK // period
    mean = fine
    for axis in _axes(fine):
        last = mean.movedim(axis, -1)
        blocks = last.reshape(*last.shape[:-1], -1, repeats, period)
        mean = blocks.mean(-2).flatten(-2).movedim(-1, axis)
    repeated = mean.square().flatten(1).mean(1)
    return repeated / (power + _EPSILON) * repeats ** len(_axes(fine)), repeated.sqrt()
