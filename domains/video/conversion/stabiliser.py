"""Steady conversion: what one frame's translation may take over from the frames before it.

Three parts, each of which can be switched. Scene cuts end all memory. Each frame is blended with the one before it,
moved along the flow of the input, which evens out what the network invents anew in every frame. And the statistics of
the instance norms may be smoothed over time, so that a car that enters does not change the light of the whole street;
off by default, as blending leaves it little to do. `benchmarks/video_stability.py` measures what each part is worth.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core.adapter.streams import AnyTranslate
from ....core.values import Values, alike, as_array, stacked
from ..frames.cuts import CutDetector
from ..frames.motion import Flow, dis_flow, grey, resized_flow, warp
from ..settings import VideoConversion

Planes = NDArray[np.float32]
"""(C, H, W) in [-1, 1]."""
Plane = NDArray[np.float32]
AT_A_TIME, _BATCH_BYTES = 4, 32 * 2**20
"""Frames that go through the network at a time at most, small and large ones."""
_DETAIL = np.array([[-1, -2, -1], [-2, 12, -2], [-1, -2, -1]], np.float32) / 16
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Tuning:
    """Amount that is carried over. The defaults come from `benchmarks/video_stability.py`."""

    momentum: float = 0.3
    """Share of a frame's own norm statistics in those that are used: a time constant of 1 / momentum frames."""
    weight: float = 0.85
    """Largest share of the frame before in a blended one."""
    tolerance: float = 12.0
    """Difference of the input from its moved predecessor, in levels of 0..255, at which the share is down to 1/e."""
    sharpness: float = 0.98
    """Least sharpness of a blended frame, as a share of the unblended one's."""
    sharpening: float = 1.2
    """Most that blended parts are sharpened to make up for what blending smooths."""
    flow_width: int = 256
    """Width in pixels that frames are reduced to for their flow."""


class State(NamedTuple):
    """What a frame takes over from those before the last one; None where nothing is carried over."""

    statistics: NDArray[np.float32] | None
    """Of the norms, (n,)."""
    kept: Planes | None
    """The last translation after blending, before sharpening."""


class Stabiliser:
    """Translates the frames of one clip in their order. Keeps the state of that clip: make one for each.

    Args:
        translate: one direction of a model, for frames as they come: tensors or arrays.
        options: `smooth`, `blend`, `cuts` and `strength` are read.
        tuning: how much is carried over.
        known: of each frame, whether a scene is known to begin with it.
    """

    def __init__(
        self,
        translate: AnyTranslate,
        options: VideoConversion,
        tuning: Tuning | None = None,
        known: Iterable[bool] = (),
    ) -> None:
        self.translate: Any = translate
        self.options = options
        self.tuning = tuning or Tuning()
        self._known = iter(known)
        self._is_cut = CutDetector() if options.cuts else None
        self.reset()

    def reset(self) -> None:
        """Forget the frames so far: the next one starts a scene."""
        self._statistics: NDArray[np.float32] | None = None
        self._history: _History | None = None

    @property
    def state(self) -> State:
        """What it hands on to the next frame, beside the frame before."""
        return State(self._statistics, None if self._history is None else self._history.kept)

    def go_on(self, state: State) -> None:
        """Hand on a state from elsewhere in place of its own, after the same frame."""
        self._statistics = state.statistics
        if self._history is not None and state.kept is not None:
            self._history = replace(self._history, kept=state.kept)

    def __call__(self, frame: Values, translated: Values | None = None) -> Values:
        """The translation (C, H, W) of the next frame (3, H, W), both float32 in [-1, 1].

        `translated`: what the network makes of the frame by itself, where the caller has asked it already.
        """
        small = reduced(as_array(frame), self.tuning.flow_width) if self._is_cut or self.options.blend else None
        cut = self._is_cut is not None and small is not None and self._is_cut(small)
        if next(self._known, False) or cut:
            self.reset()
        if translated is None:
            translated = self._translate_frame(frame)
        if self.options.blend and small is not None:
            translated = self._blend(grey(small), as_array(frame), translated)
        if self.options.strength < 1.0 and translated.shape == frame.shape:
            translated = frame + self.options.strength * (translated - frame)
        return translated

    def _translate_frame(self, frame: Values) -> Values:
        if not self.options.smooth:
            alone: Values = self.translate(frame[None])[0]
            return alone
        before = None if self._statistics is None else alike(self._statistics, frame)
        batch, used = self.translate.with_statistics(frame[None], before, self.tuning.momentum)
        self._statistics = as_array(used)
        translated: Values = batch[0]
        return translated

    def _blend(self, luma: NDArray[np.uint8], frame: Planes, translated: Values) -> Values:
        planes = as_array(translated)
        source = frame if frame.shape == planes.shape else None
        before, self._history = self._history, _History(luma, source, planes)
        if before is None or before.luma.shape != luma.shape or before.kept.shape != planes.shape:
            return translated
        height, width = planes.shape[1:]
        flow, trust = motion_and_trust(before.luma, luma, self.tuning.tolerance)
        flow, trust = resized_flow(flow, height, width), cv2.resize(trust, (width, height))
        shown, kept = blend(source, planes, before.source, before.kept, flow, trust, self.tuning)
        self._history = _History(luma, source, kept)
        return alike(shown, translated)


@dataclass(frozen=True)
class _History:
    luma: NDArray[np.uint8]
    """The last frame of the input, reduced."""
    source: Planes | None
    """The same at full size, where the translation has its shape."""
    kept: Planes
    """Its translation after blending, before sharpening."""


def convert(
    frames: Iterable[Values],
    translate: AnyTranslate,
    options: VideoConversion,
    at_a_time: int = AT_A_TIME,
    known: Iterable[bool] = (),
) -> Iterator[Values]:
    """The translations (C, H, W) of the frames (3, H, W) of one clip, held steady."""
    return through(Stabiliser(translate, options, known=known), frames, at_a_time)


def through(steady: Stabiliser, frames: Iterable[Values], at_a_time: int) -> Iterator[Values]:
    """The translations (C, H, W) of further frames (3, H, W) by `steady`, whose state is that after the last one given.

    Several frames, `at_a_time` at most, go through the network at a time, while those before them are blended; not so
    where one is all, is wanted at once, or depends on the statistics of the one before.
    """
    if steady.options.immediate or steady.options.smooth or at_a_time == 1:
        yield from map(steady, frames)
        return
    with ThreadPoolExecutor(1, "unpaired-network") as network:
        waiting: deque[tuple[list[Values], Future[Values]]] = deque()
        for batch in _batches(frames, at_a_time):
            waiting.append((batch, network.submit(steady.translate, stacked(batch))))
            if len(waiting) > min(2, len(batch)):  # large frames come one by one, and none waits but the next
                yield from _hold(steady, *waiting.popleft())
        while waiting:
            yield from _hold(steady, *waiting.popleft())


def _hold(steady: Stabiliser, batch: list[Values], translated: Future[Values]) -> Iterator[Values]:
    return map(steady, batch, translated.result())


def _batches(frames: Iterable[Values], at_a_time: int) -> Iterator[list[Values]]:
    """Lists of frames of one size, as many as `at_a_time` and `_BATCH_BYTES` allow, one at least."""
    batch: list[Values] = []
    for frame in frames:
        if batch and (frame.shape != batch[0].shape or len(batch) >= at_a_time or
                      (len(batch) + 1) * 4 * math.prod(frame.shape) > _BATCH_BYTES):  # fmt: skip
            yield batch
            batch = []
        batch.append(frame)
    if batch:
        yield batch


# -- motion of the input -----------------------------------------------------------------------------
def reduced(planes: Planes, width: int) -> NDArray[np.uint8]:
    """A frame (3, H, W) in [-1, 1] as (h, w, 3) uint8, at most `width` wide."""
    height = planes.shape[1]
    if planes.shape[2] > width:
        height = max(1, round(height * width / planes.shape[2]))
        small = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in planes]
    else:
        small = [np.ascontiguousarray(plane) for plane in planes]
    return np.asarray(cv2.convertScaleAbs(cv2.merge(small), alpha=127.5, beta=127.5))


def motion_and_trust(
    previous: NDArray[np.uint8], current: NDArray[np.uint8], tolerance: float
) -> tuple[Flow, NDArray[np.float32]]:
    """Backward flow (h, w, 2) of a frame of the input, and how far it can be trusted (h, w), 0 to 1.

    Trust is exp(-(d / tolerance)^2) with d the difference, in levels, of the frame from its moved predecessor (the
    visibility mask of Lai et al. 2018, section 3.2). It takes half the time of a check by forward flow, and is the
    better guard against flow that is merely wrong: what does not match is not blended, whatever the reason.
    """
    flow = dis_flow(previous, current, "lean")
    difference = cv2.absdiff(warp(previous, flow), current)
    trust = np.exp(-((np.arange(256, dtype=np.float32) / tolerance) ** 2))
    return flow, np.asarray(cv2.LUT(difference, trust))


# -- blending ----------------------------------------------------------------------------------------
def blend(
    source: Planes | None,
    translated: Planes,
    source_before: Planes | None,
    kept_before: Planes,
    flow: Flow,
    trust: Plane,
    tuning: Tuning,
) -> tuple[Planes, Planes]:
    """The translation y of a frame x, blended with the one before it where the motion of the input is trusted (M).

        r = y - g x                              what the translation adds to the input
        h = W(kept' - g x')                      the same for the frame before (x', kept'), moved along the flow
        kept  = g x + r + a M (h - r)
        shown = kept + k M (l - Gaussian of l)   with l the luma of kept

    Blending the addition and not the picture lets through what changes in the input itself. How much of the input there
    is in its translation is the gain g, the regression of the gradients of y on those of x, from 0 to 1: 1 for the
    identity, which is therefore left alone, and little where day became night.

    Averages over frames are soft: a little by interpolation, and because detail that is new in every frame averages
    out. So the blended parts are sharpened, as renderers do after temporal antialiasing (Yang et al. 2020, section
    4.3), and sharpness, the root mean squared gradient of luma, is bounded from below: a is the largest share, at most
    `weight`, with which the strongest sharpening reaches the bound, and k the least sharpening that does. Gradients
    are linear in a and in k, so that the squared sharpness is a parabola in each, solved exactly. `kept` is carried
    over to the next frame, unsharpened: sharpening again and again would ring.

    Args:
        source, source_before: x and x', (3, H, W); None where the translation has another shape: then g is 0.
        translated, kept_before: y and what this returned for the frame before, (C, H, W).
        flow: (H, W, 2) backward flow of x.
        trust: M, (H, W), 0 to 1.

    Returns:
        shown and kept, (C, H, W).
    """
    luma, gain = _luma(translated), 0.0
    if source is not None and source_before is not None:
        gain = _gain(_luma(source), luma)
    change, shown, kept = (np.empty_like(translated) for _ in range(3))
    # Plane by plane: one and what is made of it stay in the cache of a core.
    for c, (now, then) in enumerate(zip(translated, kept_before, strict=True)):
        if gain and source is not None and source_before is not None:
            now, then = cv2.scaleAdd(source[c], -gain, now), cv2.scaleAdd(source_before[c], -gain, then)
        cv2.multiply(cv2.subtract(warp(then, flow), now), trust, dst=change[c])
    luma_change = _luma(change)
    detail, detail_change = trust * _detail(luma), trust * _detail(luma_change)
    share, amount = _choose([luma, luma_change, detail, detail_change], tuning)
    detail = np.float32(amount) * (detail + np.float32(share) * detail_change)
    for c, plane in enumerate(translated):
        cv2.scaleAdd(change[c], share, plane, dst=kept[c])
        np.add(kept[c], detail, out=shown[c])
    return shown, kept


def _gain(source: Plane, translated: Plane) -> float:
    """Regression coefficient of the gradients of one luma on those of another, held to 0..1."""
    laplacian = _laplacian(source)
    own = float(np.vdot(source, laplacian))
    return min(1.0, max(0.0, float(np.vdot(translated, laplacian)) / own)) if own else 0.0


def _choose(fields: list[Plane], tuning: Tuning) -> tuple[float, float]:
    """a and k of `blend` from the lumas of y and of M (h - y) and their details, weighted by M."""
    energy = np.zeros((4, 4))
    for row, laplacian in enumerate(map(_laplacian, fields)):
        for column in range(row + 1):
            energy[row, column] = energy[column, row] = -float(np.vdot(fields[column], laplacian))
    # With v = (1, a, k, k a) the squared sharpness of the shown frame is v' energy v.
    wanted, most = tuning.sharpness**2 * float(energy[0, 0]), tuning.sharpening
    share = _largest(*_parabola(energy, [1, 0, most, 0], [0, 1, 0, most], wanted), tuning.weight)
    return share, _least(*_parabola(energy, [1, share, 0, 0], [0, 0, 1, share], wanted), most)


def _parabola(
    energy: NDArray[np.float64], fixed: list[float], varied: list[float], wanted: float
) -> tuple[float, float, float]:
    """c, b and s of c + 2 b x + s x^2: the energy of fixed + x varied, less what is wanted."""
    p, q = np.array(fixed), np.array(varied)
    return float(p @ energy @ p) - wanted, float(p @ energy @ q), float(q @ energy @ q)


def _largest(constant: float, linear: float, square: float, most: float) -> float:
    """The largest x up to `most` for which the parabola is not negative anywhere from 0 to x; 0 if there is none."""
    if constant < 0.0:
        return 0.0
    root = linear * linear - square * constant
    if linear >= 0.0 or root <= 0.0:
        return most
    return min(most, (-linear - math.sqrt(root)) / square)


def _least(constant: float, linear: float, square: float, most: float) -> float:
    """The least x from 0 to `most` for which the (opening) parabola is not negative; `most` if there is none."""
    if constant >= 0.0 or square <= 0.0:
        return 0.0
    return min(most, (-linear + math.sqrt(linear * linear - square * constant)) / square)


def _luma(planes: Planes) -> Plane:
    weights = _LUMA if len(planes) == 3 else np.full(len(planes), 1 / len(planes), np.float32)
    flat: Plane = weights @ planes.reshape(len(planes), -1)
    return flat.reshape(planes.shape[1:])


def _laplacian(plane: Plane) -> Plane:
    """By parts, the sum of grad f . grad g over an image is that of -f times this of g: edges are repeated."""
    return np.asarray(cv2.Laplacian(plane, cv2.CV_32F, borderType=cv2.BORDER_REPLICATE))


def _detail(plane: Plane) -> Plane:
    """The part that a 3x3 binomial average removes."""
    return np.asarray(cv2.filter2D(plane, cv2.CV_32F, _DETAIL))
