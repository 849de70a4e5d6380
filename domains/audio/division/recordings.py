"""Which recordings are divided, and where.

A recording is converted as a stream: of what lies some seconds back, a stage keeps nothing. So a part whose stages
begin in the middle (`Conversion.skip`), some way ahead of what it is to give, comes to the very state, bit by bit, that
the part before it ends in. Both write down a digest of it, and where these differ the later part is made again from the
state of the earlier one. What depends on the whole of a recording (`Survey`: its mix, its loudness, the excerpt that
tells its pitch and the norm statistics) is found by a pass that each part makes, which only decodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....core.adapter.division import Division, Part
from ....core.adapter.domain import Domain
from ....core.adapter.parts import first_loose
from ....core.errors import MediaError, MissingFile
from ..metadata.kinds import is_sound_name
from ..reading.files import SoundFile
from ..settings import AudioConversion, AudioSettings
from ..writing.writer import check_name
from .contents import read_facts
from .joined import JoinedRecording
from .part import PartOfRecording, beyond, warm_up

_SHARE = 12
"""No more than a twelfth of the work is done twice."""


class RecordingDivision(Division):
    """Long recordings in parts. `medium`: the domain."""

    def __init__(self, medium: Any) -> None:
        self._medium = medium

    def parts(self, source: Path, target: Path, options: AudioConversion) -> int:
        """See Division."""
        plain = options.vocoder == "source-filter" and options.span == (None, None) and not options.leaves_all
        if not plain or not is_sound_name(source.name):
            return 0
        try:
            check_name(target)
            with SoundFile(source) as file:
                seconds = (file.info.samples or 0) / file.info.rate
        except (MediaError, MissingFile):  # for the conversion to tell
            return 0
        return int(seconds / least(self._medium.settings))

    def part(self, part: Part, target: Path) -> Domain:
        """See Division."""
        return PartOfRecording(self._medium, part)

    def joined(self, parts: Sequence[Path]) -> Domain:
        """See Division."""
        return JoinedRecording(self._medium, parts)

    def loose(self, parts: Sequence[Path]) -> int | None:
        """See Division."""
        return first_loose(read_facts(part) for part in parts)


def least(settings: AudioSettings) -> float:
    """Seconds of a part at least."""
    return _SHARE * (warm_up(settings) + beyond(settings))
