"""What the media of a part of a clip and of its joined parts have in common."""

from __future__ import annotations

from ....core.adapter.parts import OnlyConverts


class DividedClip(OnlyConverts):
    """Base of the two."""

    name = "video"
