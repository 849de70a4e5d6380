"""Steadiness of a translator while it trains: the warping error of a few frames of held-out clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from ....core.sides import Side, other_side
from ...image import apply_gamma, undo_gamma
from ..reading.naming import is_still
from ..settings import VideoSettings
from ..training.sampling import FrameCache, middle_frames
from .scores import ClipScorer

CLIPS = 4
"""Clips that are looked at, at most."""
FRAMES = 3
"""Successive frames of each, about its middle."""


def steadiness(
    cache: FrameCache, translate: Callable[[Tensor], Tensor], files: Sequence[Path], side: Side, settings: VideoSettings
) -> dict[str, float]:
    """Figures of frames that are translated one by one, without anything that holds footage steady in conversion.

    Args:
        translate: a frame of side `side`, under that side's tone curve, to one of the other.
        files: footage of side `side`; single pictures are passed over.

    Returns:
        warping_error: mean over clips, as `ClipScorer` has it. untranslated_warping_error: that of the frames as they
        are. warping_ratio: the first over the second. Empty where no clip has two frames of one scene.
    """
    before, after = settings.gamma(side), settings.gamma(other_side(side))
    errors: list[tuple[float, float]] = []
    for frames in _clips(cache, files, settings):
        scorer = ClipScorer()
        for frame in frames:
            scorer.add(frame, undo_gamma(translate(apply_gamma(frame, before)), after))
        found = scorer.result()
        if "warping_error" in found:
            errors.append((found["warping_error"], found["warping_error_input"]))
    if not errors:
        return {}
    ours, own = (sum(each) / len(errors) for each in zip(*errors, strict=True))
    ratio = {"warping_ratio": ours / own} if own else {}
    return {"warping_error": ours, "untranslated_warping_error": own, **ratio}


def _clips(cache: FrameCache, files: Sequence[Path], settings: VideoSettings) -> Iterator[list[Tensor]]:
    clips = [path for path in dict.fromkeys(files) if not is_still(path)]
    for path in clips[:: max(1, len(clips) // CLIPS)][:CLIPS]:
        yield middle_frames(cache, path, settings, FRAMES)
