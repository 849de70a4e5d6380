"""A frame as the encoder gets it: the translation at full size, with the transparency of its input, and beside that
where it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from ....core.values import Array
from ...image import of_depth
from ..frames.alpha import is_clear
from ..frames.colour import Planes, to_planes
from ..frames.enlarging import Enlarger, enlarged_planes
from ..reading.reader import FrameReader, Shown
from .plan import Plan

if TYPE_CHECKING:
    from torch import Tensor


class Composition:
    """Puts frames together.

    Args:
        plan: how they are encoded.
        like: what was read.
        height, width: of the frames.
        laid_out: whether they hold other things than the translation, for review.
    """

    def __init__(self, plan: Plan, like: FrameReader, height: int, width: int, laid_out: bool = False) -> None:
        self._plan, self._like, self._size, self._laid_out = plan, like, (height, width), laid_out
        self._pack = plan.packer()
        self._enlarge = Enlarger(plan.form, plan.colour, plan.matrix, plan.dither)
        self.loses_alpha = False
        """Whether transparency came that is not written."""

    def __call__(self, chunk: Tensor | Array, shown: Shown) -> av.VideoFrame:
        """The frame of a translation (3, H, W)."""
        guided = self._like.guided.popleft() if self._like.guided else None
        if guided is not None and self._enlarge.takes(guided.frame, *self._size):
            frame = self._pack.blank(*self._size, shown.like)
            self._enlarge(guided, frame)
            return frame
        if guided is None:
            planes = to_planes(chunk, "uint16")
        else:
            planes = enlarged_planes(self._like.at_full_size(guided.frame), guided.detail)
        planes = self._with_alpha(planes, shown.alpha)
        if shown.planes is not None:
            beside = self._with_alpha(of_depth(shown.planes, planes.dtype), shown.alpha)
            planes = np.concatenate([beside, planes], axis=2)
        frame = self._pack(planes, shown.like)
        untouched = self._like.untouched_of(shown)
        if untouched is not None and not self._laid_out:
            untouched.give_back(frame, self._plan.colour, self._plan.matrix)
        return frame

    def _with_alpha(self, planes: Planes, alpha: Planes | None) -> Planes:
        """Planes with the transparency of the frame, where it is written."""
        if not self._plan.form.alpha:
            self.loses_alpha = self.loses_alpha or is_clear(alpha)
            return planes
        opaque = np.full_like(planes[0], np.iinfo(planes.dtype).max)
        return np.concatenate([planes, (opaque if alpha is None else of_depth(alpha, planes.dtype))[None]])
