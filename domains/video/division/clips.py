"""Which clips are divided, and where.

Parts may begin anywhere, though every frame takes over something from those before it: what a frame of long before has
left is less than the last digit of a number, so that a part that begins some hundred frames early (`bounds.WARM_UP`)
arrives at the very state, bit by bit, that the part before ends in. Both write down a digest of it, and where these
differ the later part is made again from the state of the earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....core.adapter.division import Division, Part
from ....core.adapter.domain import Domain
from ....core.adapter.parts import first_loose
from ....core.errors import ConfigError, MediaError, MissingFile
from ...containers.clock import may_jump
from ...containers.kinds import container_of
from ..reading.naming import is_clip_name, is_still
from ..reading.probe import probe
from ..settings import VideoConversion
from ..writing.plan import plan
from ..writing.sequence import means_sequence
from .bounds import LEAST
from .contents import kept_formats, read_facts


class ClipDivision(Division):
    """Long clips in parts. `footage`: the domain, of which `framewise` is asked too."""

    def __init__(self, footage: Any) -> None:
        self._footage = footage

    def parts(self, source: Path, target: Path, options: Any) -> int:
        """See Division."""
        assert isinstance(options, VideoConversion)
        if not is_clip_name(source.name) or not source.is_file() or is_still(source) or means_sequence(target, False):
            return 0
        if not _is_plain(options):
            return 0
        try:
            info = probe(source)
            height, width = info.height, info.width * (2 if options.side_by_side else 1)
            form = plan(info, height, width, options, container_of(target.name)).form
        except (MediaError, MissingFile, ConfigError):  # for the conversion to tell
            return 0
        if may_jump(info.container) or info.interlaced or form.name not in kept_formats():
            return 0
        return (info.expected_frames or 0) // LEAST

    def part(self, part: Part, target: Path) -> Domain:
        """See Division."""
        from .part import PartOfClip

        return PartOfClip(self._footage, part, target)

    def joined(self, parts: Sequence[Path]) -> Domain:
        """See Division."""
        from .joined import JoinedClip

        return JoinedClip(self._footage, parts)

    def loose(self, parts: Sequence[Path]) -> int | None:
        """See Division."""
        return first_loose(read_facts(part) for part in parts)


def _is_plain(options: VideoConversion) -> bool:
    """Whether nothing is asked for that looks at the clip as a whole, or at what was decoded."""
    whole = (options.report, options.contact_sheet, options.mask, options.strength_curve, options.start, options.end,
             options.size)  # fmt: skip
    return all(each is None for each in whole) and options.strength > 0.0 and not options.immediate
