"""Optical flow between frames, what it cannot see, warping along it, and synthetic motion for training.

Flow is in pixels, x first: float32 (H, W, 2) in numpy, (B, 2, H, W) in torch. The *backward* flow F of a frame says
where its pixels were in the frame before: frame_t(p) ~ frame_{t-1}(p + F(p)), so `warp(previous, F)` looks like the
current frame.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from ....core.errors import MediaError

if TYPE_CHECKING:
    from torch import Tensor

Flow = NDArray[np.float32]
Preset = Literal["lean", "fast", "medium"]
"""medium is for scores and training; lean is fast with finer patches and no smoothing, the best of its speed."""

_PRESETS: dict[Preset, int] = {
    "lean": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}
_SMALLEST = 32
"""OpenCV 5 reads beyond the image (a crash, or flow that is not a number) where a side is shorter than about 24."""
_COARSE = 100
"""Distance, in pixels, between the random vectors that a synthetic flow is interpolated from."""
_SEARCHES_KEPT = 8
_own = threading.local()


# -- flow of real frames -----------------------------------------------------------------------------
def grey(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """A frame (H, W, 3) RGB or (H, W), uint8 or uint16 (full range), as (H, W) uint8 luma."""
    if frame.dtype == np.uint16:
        frame = (frame >> 8).astype(np.uint8)
    luma = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(luma, dtype=np.uint8)


def dis_flow(previous: NDArray[Any], current: NDArray[Any], preset: Preset = "medium") -> Flow:
    """Backward flow (H, W, 2) of `current`: where each of its pixels was in `previous`.

    Dense inverse search (Kroeger et al. 2016) of OpenCV. Frames as `grey` takes them, both of one size.
    Safe to call from several threads. Raises MediaError for frames of different sizes.
    """
    if previous.shape[:2] != current.shape[:2]:
        raise MediaError(f"flow needs frames of one size, but they are {_size(previous)} and {_size(current)}")
    height, width = current.shape[:2]
    below, right = max(0, _SMALLEST - height), max(0, _SMALLEST - width)
    luma = [grey(frame) for frame in (current, previous)]
    if below or right:
        luma = [cv2.copyMakeBorder(x, 0, below, 0, right, cv2.BORDER_REPLICATE) for x in luma]
    flow: Flow = _search(preset, luma[0].shape).calc(*luma, None)
    return flow[:height, :width]


def _search(preset: Preset, shape: tuple[int, ...]) -> Any:
    # Each keeps buffers between calls: fast to use again, and not to be shared between threads. And each changes its
    # scales for good when it meets a small frame, so that later flow would depend on what came before: one a size.
    kept = _own.__dict__.setdefault("searches", {})
    if (preset, shape) not in kept:
        if len(kept) >= _SEARCHES_KEPT:
            kept.clear()
        search = kept[preset, shape] = cv2.DISOpticalFlow.create(_PRESETS[preset])
        if preset == "lean":
            search.setFinestScale(1)
            search.setVariationalRefinementIterations(0)
    return kept[preset, shape]


def _size(frame: NDArray[Any]) -> str:
    return f"{frame.shape[1]}x{frame.shape[0]}"


def occluded(forward: Flow, backward: Flow) -> NDArray[np.bool_]:
    """Mask (H, W) of where the backward flow of the current frame is unreliable.

    Sundaram et al. 2010, equation 5, seen from the current frame: with B the backward flow and F(p + B(p)) the forward
    flow of the previous frame read where B points, a pixel is occluded where |B + F|^2 > 0.01 (|B|^2 + |F|^2) + 0.5.
    So is a pixel whose origin lies outside the previous frame.

    Args:
        forward: (H, W, 2) flow from the previous frame to the current one: `dis_flow(current, previous)`.
        backward: (H, W, 2) `dis_flow(previous, current)`.
    """
    returned = warp(forward, backward)
    gap = _square(backward + returned)
    unsure = gap > 0.01 * (_square(backward) + _square(returned)) + 0.5
    return unsure | outside(backward)


def outside(flow: Flow) -> NDArray[np.bool_]:
    """Mask (H, W) of where a flow (H, W, 2) points beyond the outermost pixels of the frame."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    beyond: NDArray[np.bool_] = (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)
    return beyond


def _square(flow: Flow) -> Flow:
    x, y = cv2.split(flow)
    return np.asarray(x * x + y * y)


def resized_flow(flow: Flow, height: int, width: int) -> Flow:
    """A flow brought to another resolution: interpolated, its vectors scaled along."""
    if flow.shape[:2] == (height, width):
        return flow
    scaled = cv2.multiply(flow, (width / flow.shape[1], height / flow.shape[0], 0.0, 0.0))
    larger: Flow = cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR)
    return larger


# -- warping -----------------------------------------------------------------------------------------
@overload
def warp(x: NDArray[Any], flow: Flow) -> NDArray[Any]: ...
@overload
def warp(x: Tensor, flow: Tensor) -> Tensor: ...
def warp(x: NDArray[Any] | Tensor, flow: Flow | Tensor) -> NDArray[Any] | Tensor:
    """Backward warping: y(p) = x(p + flow(p)), bilinear; beyond its outermost pixels x is mirrored at them.

    Args:
        x: numpy (H, W) or (H, W, up to 4) of uint8, uint16 or float32; or torch (B, C, H, W), floating, differentiable.
        flow: numpy (H, W, 2); or torch (B, 2, H, W), or (1, 2, H, W) for all of the batch.
    """
    if not isinstance(x, np.ndarray):
        assert not isinstance(flow, np.ndarray)
        return _warp_tensor(x, flow)
    assert isinstance(flow, np.ndarray)
    # cv2 takes absolute coordinates; WARP_RELATIVE_MAP saves adding and keeping them.
    mode = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP
    warped: NDArray[Any] = cv2.remap(x, flow, None, mode, borderMode=cv2.BORDER_REFLECT_101)
    return warped


def _warp_tensor(x: Tensor, flow: Tensor) -> Tensor:
    import torch
    from torch.nn import functional

    height, width = x.shape[-2:]
    flow = flow.to(x.dtype)
    columns = torch.arange(width, device=x.device, dtype=x.dtype) + flow[:, 0]
    rows = torch.arange(height, device=x.device, dtype=x.dtype)[:, None] + flow[:, 1]
    grid = torch.stack([columns * 2 / max(1, width - 1) - 1, rows * 2 / max(1, height - 1) - 1], dim=-1)
    return functional.grid_sample(
        x, grid.expand(len(x), -1, -1, -1), mode="bilinear", padding_mode="reflection", align_corners=True
    )


# -- synthetic motion --------------------------------------------------------------------------------
def synthetic_flow(
    rng: np.random.Generator, height: int, width: int, deviation: float = 8.0, shift: float = 10.0
) -> Flow:
    """A smooth random flow (height, width, 2) in pixels, as camera and objects might have moved.

    The motion of Wang et al. 2022 (arXiv 2201.05723, Unsup_Recycle_GAN; first in ReReVST, Wang et al. 2020): normal
    vectors of standard deviation `deviation` on a grid of about 100 pixels, interpolated smoothly, plus one shift of
    the whole frame, uniform in -shift..shift along each axis. Theirs interpolates linearly and then averages over
    100x100 pixels; this one is cubic.
    """
    cells = max(2, round(height / _COARSE)), max(2, round(width / _COARSE))
    coarse = rng.normal(0.0, deviation, (*cells, 2)).astype(np.float32)
    flow: Flow = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return flow + rng.uniform(-shift, shift, 2).astype(np.float32)


class SyntheticMotion:
    """A core `Warp`: every sample of a batch moves along a smooth random flow of its own, with a little noise.

    Sample k of every batch of one size moves alike, so that W in |G(W(x)) - W(G(x))| is one transformation; the noise,
    normal with a standard deviation of `noise` (of values in [-1, 1]), is new in every call. All of it follows from
    the state of `rng` and the number of earlier calls. Differentiable in x. Source: see `synthetic_flow`.
    """

    def __init__(
        self, rng: np.random.Generator, deviation: float = 8.0, shift: float = 10.0, noise: float = 0.02
    ) -> None:
        self.deviation, self.shift, self.noise = deviation, shift, noise
        self._seed = int(rng.integers(2**62))
        self._calls = 0
        self._flows: dict[tuple[int, int, int], Flow] = {}

    def flow(self, sample: int, height: int, width: int) -> Flow:
        """The backward flow (height, width, 2) that sample number `sample` of a batch moves along."""
        key = sample, height, width
        if key not in self._flows:
            rng = np.random.default_rng([self._seed, sample])
            self._flows[key] = synthetic_flow(rng, height, width, self.deviation, self.shift)
        return self._flows[key]

    def __call__(self, x: Tensor) -> Tensor:
        """Move a batch (B, C, H, W); the result has its shape, type and device."""
        import torch

        count, _, height, width = x.shape
        flows = np.stack([self.flow(sample, height, width) for sample in range(count)])
        moved = _warp_tensor(x, torch.from_numpy(flows).movedim(-1, 1).to(x.device))
        if self.noise:
            self._calls += 1
            generator = torch.Generator(x.device).manual_seed(self._seed + self._calls)
            noise = torch.randn(moved.shape, generator=generator, device=x.device, dtype=torch.float32)
            moved = moved + self.noise * noise.to(moved.dtype)
        return moved
