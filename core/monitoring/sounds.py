"""Previews as sound, for media that are listened to."""

from __future__ import annotations

from torch import Tensor

from ..adapter.domain import Domain
from ..errors import AdapterError, show
from ..sides import SIDES
from .records import Preview

SECONDS = 10.0
"""Longest sound of a preview."""


def preview_sounds(preview: Preview, domain: Domain) -> dict[str, tuple[Tensor, int]]:
    """The first sample of each direction and its translation, as (channels, time) and samples a second; {} for a medium
    that is not listened to.

    Raises AdapterError for what the domain gives instead of sound.
    """
    sounds = {}
    for direction, row in preview.rows.items():
        source, target = SIDES[direction]
        for name, batch, side in (("input", row.source, source), ("translation", row.translation, target)):
            made = domain.preview_sound(batch[0], side)
            if made is None:
                return {}
            sound, rate = made
            if sound.ndim != 2 or not sound.is_floating_point():
                raise AdapterError(
                    f"{type(domain).__name__}.preview_sound gave {sound.dtype} of shape {tuple(sound.shape)} at "
                    f"{show(rate)}; expected float32 (channels, time), and samples a second"
                )
            sounds[f"{direction}/{name}"] = sound[:, : round(SECONDS * rate)].clamp(-1.0, 1.0), rate
    return sounds
