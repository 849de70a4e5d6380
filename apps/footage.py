"""Scores of steadiness on clips: `unpaired evaluate --clips`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unpaired import Video
from unpaired.apps.command_line import put_scores, quiet_libraries
from unpaired.apps.progress import Progress
from unpaired.core import SIDES
from unpaired.domains.video import VideoConversion

if TYPE_CHECKING:
    from unpaired import Translator
    from unpaired.core import Direction


def score_clips(
    translator: Translator,
    places: Sequence[str],
    direction: Direction,
    seconds: float | None,
    target: str | None,
    table: str | None,
) -> int:
    """Score steadiness on clips, or on those below folders; print a table, or write JSON (- prints it), and CSV."""
    from unpaired.domains.video import clips_among, score_clip, score_table, write_clip_scores

    translator = translator.for_medium(Video.name)
    domain, options = translator.domain, VideoConversion(end=seconds)
    assert isinstance(domain, Video)
    side, _ = SIDES[direction]
    clips, scores = clips_among(map(Path, places), domain), []
    for number, clip in enumerate(clips):
        show = Progress(f"scored {clip.name} ({number + 1} of {len(clips)})")
        with quiet_libraries():
            scores.append(score_clip(domain, translator.for_direction(direction), clip, options, side, _sharing(show)))
    if table:
        write_clip_scores(Path(table), scores, direction)
    data = {"direction": direction, "clips": [each.as_dict() for each in scores]}
    put_scores("\n".join(score_table(scores)), data, target)
    return 0


def _sharing(show: Progress) -> Callable[[int, int], None]:
    return lambda done, expected: show(min(1.0, done / expected)) if expected else None
