"""Steadiness of a translated clip, and its cost in sharpness.

A clip is scored against its own input: whatever moves in the input may move in the output, and nothing else. Figures
are measured on frames rounded to whole levels, as a viewer gets them; frames wider than 1024 pixels are reduced to
that first. Memory does not grow with the clip, but for a few numbers a frame that the plot is drawn from.
`docs/scores.md` has the formulas together.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ....core.errors import MediaError
from ....core.terms import remark
from ...image import Pixels, levels
from ..frames.cuts import CutDetector
from ..frames.motion import Flow, dis_flow, grey, occluded, warp

LONG_GAP = 10
"""Frames between the two of a long-range pair."""
_WIDEST = 1024

Mask = NDArray[np.bool_]


# -- figures of one frame or one pair ----------------------------------------------------------------
def warping_error(previous: Pixels, current: Pixels, flow: Flow, visible: Mask) -> float | None:
    """Mean squared colour difference of a frame from the one before it, moved along the flow.

    E = sum_p M(p) |y_t(p) - y_s(p + B(p))|^2 / (C sum_p M(p)) with colours in 0..1, C channels, B the backward flow
    from t to s and M what is visible in both, B and M of the *input* (Lai et al. 2018, equation 8).

    Args:
        previous, current: (H, W, C) of one clip, uint8.
        flow: (H, W, 2) B of the input.
        visible: (H, W) M of the input.

    Returns:
        E, or None where nothing is visible in both.
    """
    if not visible.any():
        return None
    moved = np.atleast_3d(warp(previous.astype(np.float32), flow))
    difference = (current.astype(np.float32) - moved)[visible] / 255
    return float((difference * difference).mean())


def flow_difference(flow: Flow, other: Flow) -> float:
    """Mean length, in pixels, of the difference of two flows (H, W, 2): tOF (Chu et al. 2020, equation 6) of a pair of
    frames, with the flow of the input as reference."""
    x, y = cv2.split(flow - other)
    return float(cv2.magnitude(x, y).mean())


def sharpness(luma: NDArray[Any]) -> float:
    """Root of the mean squared gradient of (H, W), by differences between neighbouring pixels, in levels a pixel."""
    x = luma.astype(np.float32)
    across, down = x[:-1, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, :-1]
    return float(np.sqrt((across * across + down * down).mean())) if across.size else 0.0


# -- a whole clip ------------------------------------------------------------------------------------
@dataclass
class _Mean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.total, self.count = self.total + value, self.count + 1


@dataclass(frozen=True)
class _Frame:
    clips: Mapping[str, Pixels]
    scene: int


@dataclass
class ClipScorer:
    """Accumulator of the figures of one clip, frame by frame.

    `input` is the footage, `output` its translation, `per_frame` (where given) the translation of each frame by itself:
    the same model without anything carried over. Without `per_frame`, what steadiness cost cannot be told, and the
    figures that compare with it are missing.
    """

    gap: int = LONG_GAP
    """Frames between the two of a long-range pair."""
    series: dict[str, array[float]] = field(default_factory=dict)
    """Warping error of each frame against the one before it, by clip; nan at the first frame and at cuts."""
    cuts: list[int] = field(default_factory=list)
    """Numbers of the frames that scenes of the input begin with, but for the first."""

    def __post_init__(self) -> None:
        self._means: dict[str, _Mean] = {}
        self._held: deque[_Frame] = deque(maxlen=self.gap)
        self._detector = CutDetector()
        self._scene = -1
        self.frames = 0
        """Frames taken in."""

    def add(self, input: Tensor, output: Tensor, per_frame: Tensor | None = None) -> None:
        """Take in the next frame of each, (C, H, W) in [-1, 1]. Raises MediaError for frames of different sizes."""
        given = {"input": input, "output": output} | ({} if per_frame is None else {"per_frame": per_frame})
        sizes = {x.shape[-2:] for x in given.values()}
        if len(sizes) > 1:
            listed = ", ".join(f"{name} {x.shape[-1]}x{x.shape[-2]}" for name, x in given.items())
            raise MediaError(f"frame {self.frames} cannot be scored: {listed}; all must have one size")
        clips = {name: _pixels(x) for name, x in given.items()}
        if self._detector(_rgb(clips["input"])):
            self._scene += 1
            if self.frames:
                self.cuts.append(self.frames)
        frame = _Frame(clips, self._scene)
        self._compare_neighbours(frame)
        self._compare_far(frame)
        self._compare_look(clips)
        self._held.append(frame)
        self.frames += 1

    def result(self) -> dict[str, float]:
        """The figures so far; those that have no pair to be measured on are left out.

        warping_error, warping_error_input, warping_error_per_frame: means over neighbouring frames; warping_ratio:
        output over input; warping_excess: output less input; excess_reduction: how many times smaller the excess is
        than per frame (absent where the output has none). long_...: the same over pairs `gap` frames apart. tof: in
        pixels. sharpness_ratio and difference (levels of 0..255, mean absolute): against `per_frame`;
        sharpness_ratio_input: against the input.
        """
        means = {name: mean.total / mean.count for name, mean in self._means.items() if mean.count}
        found = {"frames": float(self.frames)}
        for prefix in ("", "long_"):
            found |= _warping_figures(means, prefix)
        if "tof" in means:
            found["tof"] = means["tof"]
        for reference, name in (("per_frame", "sharpness_ratio"), ("input", "sharpness_ratio_input")):
            if means.get(f"sharpness_{reference}"):
                found[name] = means["sharpness_output"] / means[f"sharpness_{reference}"]
        if "difference" in means:
            found["difference"] = means["difference"]
        return found

    def _compare_neighbours(self, frame: _Frame) -> None:
        errors: dict[str, float | None] = dict.fromkeys(frame.clips)
        if self._held and self._held[-1].scene == frame.scene:
            before = self._held[-1]
            flow, visible = _motion(before, frame)
            errors |= {
                name: warping_error(before.clips[name], x, flow, visible)
                for name, x in frame.clips.items()
                if name in before.clips
            }
            ours = dis_flow(_grey(before.clips["output"]), _grey(frame.clips["output"]))
            self._mean("tof").add(flow_difference(ours, flow))
        for name, error in errors.items():
            self._mean(f"warping_error_{name}").add(error)
            self.series.setdefault(name, array("f")).append(float("nan") if error is None else error)

    def _compare_far(self, frame: _Frame) -> None:
        if len(self._held) < self.gap or self._held[0].scene != frame.scene:
            return
        before = self._held[0]
        flow, visible = _motion(before, frame)
        for name in frame.clips.keys() & before.clips.keys():
            error = warping_error(before.clips[name], frame.clips[name], flow, visible)
            self._mean(f"long_warping_error_{name}").add(error)

    def _compare_look(self, clips: Mapping[str, Pixels]) -> None:
        for name, x in clips.items():
            self._mean(f"sharpness_{name}").add(sharpness(_grey(x)))
        if "per_frame" in clips:
            difference = np.abs(clips["output"].astype(np.float32) - clips["per_frame"])
            self._mean("difference").add(float(difference.mean()))

    def _mean(self, name: str) -> _Mean:
        return self._means.setdefault(name, _Mean())


def _warping_figures(means: Mapping[str, float], prefix: str) -> dict[str, float]:
    stem = f"{prefix}warping_error"
    if f"{stem}_output" not in means:
        return {}
    output, own = means[f"{stem}_output"], means[f"{stem}_input"]
    found = {stem: output, f"{stem}_input": own, f"{prefix}warping_excess": output - own}
    if own:
        found[f"{prefix}warping_ratio"] = output / own
    if f"{stem}_per_frame" in means:
        alone = found[f"{stem}_per_frame"] = means[f"{stem}_per_frame"]
        if output > own:
            found[f"{prefix}excess_reduction"] = (alone - own) / (output - own)
    return found


def remarks(scores: Mapping[str, float]) -> tuple[str, ...]:
    """Interpretation of the figures, one sentence each: a low warping error alone is no merit, for a blurred clip or a
    single colour has it too."""
    said = []
    sharp = scores.get("sharpness_ratio")
    if sharp is not None and sharp < 0.97:
        why = f"sharpness fell to {sharp:.2f} of the per-frame translation: footage was steadied at its expense."
        said.append(remark("blur", why))
    if scores.get("difference", 0.0) > 10.0:
        said.append(
            remark(
                "content lost",
                f"the output differs from the per-frame translation by {scores['difference']:.0f} levels of 255 on "
                "average: it no longer shows what the model translates.",
            )
        )
    if sharp is None and scores.get("sharpness_ratio_input", 1.0) < 0.5:
        said.append(
            remark(
                "blur",
                f"the output has {scores['sharpness_ratio_input']:.2f} of the input's sharpness: a low warping error "
                "means little here; compare with the per-frame translation.",
            )
        )
    ratio = scores.get("warping_ratio")
    if ratio is not None and ratio > 1.25:
        said.append(remark("flicker", f"the warping error is {ratio:.2f} times the input's own."))
    return tuple(said)


def _motion(before: _Frame, frame: _Frame) -> tuple[Flow, Mask]:
    """Backward flow of the input and where it can be trusted."""
    first, second = _grey(before.clips["input"]), _grey(frame.clips["input"])
    flow = dis_flow(first, second)
    return flow, ~occluded(dis_flow(second, first), flow)


def _pixels(x: Tensor) -> Pixels:
    """(C, H, W) in [-1, 1] as (H, W, C) uint8, at most 1024 wide."""
    pixels = np.ascontiguousarray(levels(x.detach().cpu()).movedim(0, -1).numpy().astype(np.uint8))
    height, width = pixels.shape[:2]
    if width > _WIDEST:
        size = _WIDEST, max(1, round(height * _WIDEST / width))
        pixels = np.atleast_3d(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return pixels


def _grey(pixels: Pixels) -> Pixels:
    return grey(_rgb(pixels))


def _rgb(pixels: Pixels) -> Pixels:
    return pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
