"""Cuts of a clip that are known before it is looked at, in the order in which its frames come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from ..frames.edit_list import read_cuts
from ..reading.reader import FrameReader
from ..settings import VideoConversion


def known_cuts(reader: FrameReader, options: VideoConversion) -> Iterator[bool]:
    """Of each frame that is read, whether a scene is known to begin with it. Empty where no cuts are known.

    Raises:
        MissingFile, ConfigError, MediaError: as `read_cuts` and `CutList.frames`.
    """
    if options.known_cuts is None:
        return iter(())
    frames = read_cuts(options.known_cuts).frames(reader.info.rate, reader.timecode, str(reader.path))
    places = (place for place in count() if reader.is_needed(place))
    return (place + reader.first_frame in frames for place in places)
