"""What the media of a part of a recording and of its joined parts have in common."""

from __future__ import annotations

from ....core.adapter.parts import OnlyConverts


class DividedRecording(OnlyConverts):
    """Base of the two: blocks of sound have channels and samples."""

    name = "audio"
    medium = "sound"
    chunk_axes = 2
