"""Holding a translation steady: frame after frame through one translator, with what is known of the frames before.

Three parts, each of which can be switched off: instance-norm statistics that are smoothed over time, a blend of each
frame's translation with the one before it carried along by the input's motion, and scene cuts, at which both begin
anew.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.domain import Translate
from .cuts import CutDetector
from .motion import Flow, dis_flow, grey, occluded, resized_flow
from .settings import VideoConversion

MOMENTUM = 0.3
"""Share of a frame's own statistics in those it is normalised by: a time constant of about three frames."""
BLEND = 0.8
"""Largest share of what came before in a frame."""
SHARPNESS = 0.97
"""Least gradient magnitude of a blended frame, against that of the frame before it was blended."""
_FLOW_WIDTH = 256
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Pixels = NDArray[Any]


class Stabiliser:
    """Translates the frames of one clip in order. Not thread-safe; one for each clip.

    What is blended is the residual r = G(x) - x, what the translation adds: r_t + a m (warp(r_{t-1}) - r_t), where the
    flow and its occlusion mask m are those of the input (Lai et al. 2018, section 3 warps the output instead; the
    residual leaves the input's own detail alone). The share a is the largest up to `BLEND` that leaves `SHARPNESS`.
    Where a translation has another shape than its input it is blended itself.
    """

    def __init__(self, translate: Translate, options: VideoConversion) -> None:
        self._translate, self._options = translate, options
        self._detector = CutDetector() if options.cuts else None
        self._statistics: Tensor | None = None
        self._before: tuple[Pixels, Pixels] | None = None

    def __call__(self, frame: Tensor) -> Tensor:
        """The translation of the next frame: (3, H, W) in [-1, 1] to (C, H, W) in [-1, 1]."""
        pixels = np.ascontiguousarray(frame.permute(1, 2, 0).numpy())
        shown = np.clip((pixels + 1.0) * 127.5, 0, 255).astype(np.uint8)
        if self._detector is not None and self._detector(shown):
            self._statistics, self._before = None, None
        translated = self._translated(frame)
        if self._options.blend:
            alike = translated.shape == frame.shape
            given = np.ascontiguousarray(translated.permute(1, 2, 0).numpy())
            blended = self._blended(shown, given, pixels if alike else np.zeros_like(given))
            translated = torch.from_numpy(blended).permute(2, 0, 1)
        if self._options.strength < 1.0 and translated.shape == frame.shape:
            translated = frame + self._options.strength * (translated - frame)
        return translated

    def _translated(self, frame: Tensor) -> Tensor:
        if not self._options.smooth:
            return self._translate(frame[None])[0]
        momentum = 1.0 if self._statistics is None else MOMENTUM
        translated, self._statistics = self._translate.with_statistics(frame[None], self._statistics, momentum)
        return translated[0]

    def _blended(self, shown: Pixels, translated: Pixels, base: Pixels) -> Pixels:
        height, width = shown.shape[:2]
        small = min(width, _FLOW_WIDTH)
        luma = grey(cv2.resize(shown, (small, max(1, round(height * small / width))), interpolation=cv2.INTER_AREA))
        residual = translated - base
        if self._before is not None and self._before[0].shape == luma.shape:
            flow, mask = _motion(self._before[0], luma, height, width)
            carried = _carried(self._before[1], flow)
            change = (carried - residual) * mask[..., None]
            residual = residual + _share(_gradient(translated), _gradient(change)) * change
        self._before = luma, residual
        steady: Pixels = np.clip(base + residual, -1.0, 1.0)
        return steady


def _motion(previous: Pixels, current: Pixels, height: int, width: int) -> tuple[Flow, Pixels]:
    """Backward flow (height, width, 2) from reduced frames, and how far it can be trusted, 0 to 1."""
    backward, forward = dis_flow(previous, current), dis_flow(current, previous)
    mask = cv2.erode((~occluded(forward, backward)).astype(np.float32), np.ones((3, 3), np.uint8))
    return resized_flow(backward, height, width), cv2.resize(cv2.blur(mask, (3, 3)), (width, height))


def _carried(image: Pixels, flow: Flow) -> Pixels:
    # Cubic: a linear one softens the residual a little more with every frame.
    flags = cv2.INTER_CUBIC | cv2.WARP_RELATIVE_MAP
    found = cv2.remap(image, flow, None, flags, borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[call-overload]
    return np.asarray(found).reshape(image.shape)


def _gradient(image: Pixels) -> tuple[Pixels, Pixels]:
    """Differences of the luma to the right and downwards."""
    luma = image @ _LUMA if image.shape[2] == 3 else image.mean(axis=2)
    return luma[:, 1:] - luma[:, :-1], luma[1:] - luma[:-1]


def _share(frame: tuple[Pixels, Pixels], change: tuple[Pixels, Pixels]) -> float:
    """Largest a up to BLEND for which |grad(frame + a change)|^2 >= SHARPNESS^2 |grad(frame)|^2.

    The energy is c + 2 b a + k a^2, a parabola that is exact for the blend, as gradients are linear.
    """
    k = sum(float(np.vdot(g, g)) for g in change)
    b = sum(float(np.vdot(f, g)) for f, g in zip(frame, change, strict=True))
    c = sum(float(np.vdot(f, f)) for f in frame)
    short = c * (1.0 - SHARPNESS**2)
    if short + 2.0 * b * BLEND + k * BLEND**2 >= 0.0 or k == 0.0:
        return BLEND
    return float(np.clip((-b - np.sqrt(max(0.0, b * b - k * short))) / k, 0.0, BLEND))
