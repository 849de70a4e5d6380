"""Training samples from footage: a random frame of a clip, its neighbours in the same crop, and their motion.

Which frame is drawn, where it is cut and how it is mirrored depend on the generator of random numbers alone. What the
cache holds changes only how long it takes.
"""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ....core.adapter.folders import listing
from ....core.errors import MediaError
from ....core.samples import KEEP, Sample
from ....core.sides import Side
from ...image import (
    MaskFolder,
    PictureCache,
    apply_gamma,
    centred,
    in_levels,
    kept,
    mask_of,
    random_crop,
    to_pixels,
)
from ..frames import motion
from ..frames.cuts import CutDetector
from ..reading.material import Frame, Material, open_material
from ..reading.naming import footage, is_clip_name, is_still_name
from ..settings import VideoSettings

_OPEN = 16
"""Clips a process keeps open."""
_RUN = 16
"""Neighbouring frames decoded at once, when all of a clip fits into the cache."""
_PLACES = 3
"""Places of a clip that are tried before it is given up: a damaged one may be sound elsewhere."""


class FrameCache:
    """The footage a process has open, and frames it has decoded: `settings.cache_mb` MB of them at most."""

    def __init__(self, settings: VideoSettings) -> None:
        self.process = os.getpid()
        """Who may use it: a decoder's place in a file would be shared with a forked child, and its threads lost."""
        self._pictures = settings.pictures()
        self._open: OrderedDict[Path, Material] = OrderedDict()
        self._cache = PictureCache(settings.cache_mb * 1024**2)
        self._bytes: Counter[Path] = Counter()
        self._masks: dict[Side, MaskFolder] = {}
        self._settings = settings

    def material(self, path: Path) -> Material:
        """The footage at `path`, opened if need be. Raises MissingFile or MediaError."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        material = self._open[path] = open_material(path)
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        return material

    def frames(self, path: Path, numbers: Collection[int]) -> dict[int, Frame]:
        """Frames by number, resized to what crops are cut from; nobody may change them.

        Raises MissingFile, or MediaError where one cannot be decoded.
        """
        held = {number: self._cache.get((path, number)) for number in numbers}
        found = {number: frame for number, frame in held.items() if frame is not None}
        missing = [number for number in numbers if number not in found]
        if missing:
            material = self.material(path)
            first, last = self._run(path, material.count, min(missing), max(missing))
            before = self._cache.size
            frames = material.read(first, last - first + 1, self._pictures, self._pictures.loaded)
            for number, frame in enumerate(frames, first):
                self._cache.offer((path, number), frame)
                found[number] = frame
            self._bytes[path] += self._cache.size - before
        if not all(number in found for number in numbers):
            raise MediaError(f"{path} ends before its frame {max(numbers)}")
        return found

    def masks(self, side: Side) -> MaskFolder | None:
        """The masks of one side, if there are any. Raises MissingFile or ConfigError."""
        folder = self._settings.masks(side)
        if folder is None:
            return None
        if side not in self._masks:
            found = listing(folder, lambda path: is_clip_name(path.name) or is_still_name(path.name))
            self._masks[side] = MaskFolder(found.folder, footage(folder, found.sizes))
        return self._masks[side]

    def mask(self, path: Path, side: Side, number: int, frame: Frame) -> Frame | None:
        """The mask of a frame of the footage at `path`, in grey; None where there are no masks.

        Raises MissingFile, or MediaError where it cannot be decoded or goes with other footage.
        """
        if (masks := self.masks(side)) is None:
            return None
        mask = masks.of(path)
        counts = self.material(mask).count, self.material(path).count
        if counts[0] not in (1, counts[1]):
            raise MediaError(f"the mask {mask} has {counts[0]} frames, but {path} has {counts[1]}")
        place = number if counts[0] > 1 else 0
        pixels = self.frames(mask, [place])[place]
        if pixels.shape != frame.shape:
            raise MediaError(f"the mask {mask} has another shape than {path}; scale the mask first")
        return in_levels(mask_of(pixels))

    def _run(self, path: Path, count: int, first: int, last: int) -> tuple[int, int]:
        """Frames to decode for `first` to `last`: more than those when all of the footage fits into the cache.

        Decoding begins at a key frame far before: going on a little costs less than coming again for each frame.
        """
        height, width = self._pictures.loaded
        if count * height * width * 3 > self._cache.room + self._bytes[path]:
            return first, last
        return first - first % _RUN, min(last - last % _RUN + _RUN, count) - 1


def sample(
    cache: FrameCache, path: Path, side: Side, settings: VideoSettings, rng: np.random.Generator, augmentation: float
) -> Tensor | Sample:
    """A random frame of the footage at `path`, (3, *settings.crop) in [-1, 1], every frame as likely as another.

    With `settings.neighbours` a Sample, whose context is described at `neighbourhood`, and with masks one that says
    what must not change. Raises MissingFile, MediaError, or ConfigError for footage without a mask.
    """
    count = cache.material(path).count
    for attempt in range(_PLACES):
        number, seed = int(rng.integers(count)), int(rng.integers(2**63))
        places = _places(settings, rng) if settings.neighbours else {"x": 0}
        numbers = {name: reflected(number + place, count) for name, place in places.items()}
        try:
            frames = cache.frames(path, set(numbers.values()))
            mask = cache.mask(path, side, numbers["x"], frames[numbers["x"]])
        except MediaError:
            if attempt == _PLACES - 1:
                raise
            continue
        crops = _crops({name: frames[each] for name, each in numbers.items()}, settings, seed, augmentation)
        gamma = settings.gamma(side)
        x = apply_gamma(crops["x"], gamma)
        context = neighbourhood(crops, gamma) if settings.neighbours else {}
        if mask is not None:
            crop = random_crop(mask, settings.pictures(), np.random.default_rng(seed), augmentation)
            context[KEEP] = kept(crop)
        return Sample(x, context) if context else x
    raise AssertionError("the last attempt returns or raises")


def _places(settings: VideoSettings, rng: np.random.Generator) -> dict[str, int]:
    """Offsets of the frames of a sample from its own; time runs forward or backward."""
    step = 1 if rng.random() < 0.5 else -1
    gap = int(rng.integers(2, settings.longest_gap + 1))
    return {"x": 0, "next": step, "after": 2 * step, "far": gap * step}


def reflected(number: int, count: int) -> int:
    """`number` reflected at both ends into 0 to count - 1."""
    if count == 1:
        return 0
    period = 2 * (count - 1)
    within = number % period
    return min(within, period - within)


def _crops(frames: Mapping[str, Frame], settings: VideoSettings, seed: int, augmentation: float) -> dict[str, Tensor]:
    """Every frame cut, mirrored and turned alike: each gets a generator of the same seed.

    Where the size changes in mid-stream no crop of the one is a crop of the other: the frame stands in for them.
    """
    x, pictures = frames["x"], settings.pictures()
    cut = {
        name: random_crop(frame, pictures, np.random.default_rng(seed), augmentation)
        for name, frame in frames.items()
        if frame.shape == x.shape
    }
    return {name: cut.get(name, cut["x"]) for name in frames}


def neighbourhood(crops: Mapping[str, Tensor], gamma: float = 1.0) -> dict[str, Tensor]:
    """The context of a sample, from the plain crops x, next, after and far, each (3, H, W) in [-1, 1].

    Returns:
        next, after, far: (3, H, W), the two frames that follow (or went before) and one some frames away, under the
            tone curve `gamma`.
        flow, far_flow: (2, H, W) in pixels, x first; x(p) ~ next(p + flow(p)), and likewise for far.
        mask, far_mask: (1, H, W), 1 where the flow can be trusted: what both frames show. 0 everywhere for a
            neighbour that is equal to x, which has nothing to teach. Beyond a scene cut x stands in for its neighbours.
    """
    crops = _within_scene(crops)
    context = {name: apply_gamma(crop, gamma) for name, crop in crops.items() if name != "x"}
    height, width = crops["x"].shape[1:]
    here = _bytes(crops["x"])
    for name, prefix in (("next", ""), ("far", "far_")):
        there = _bytes(crops[name])
        flow, seen = np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32)
        if not np.array_equal(here, there):
            flow = np.asarray(motion.dis_flow(there, here), np.float32)
            seen = 1.0 - motion.occluded(motion.dis_flow(here, there), flow).astype(np.float32)
        context[f"{prefix}flow"] = torch.from_numpy(np.ascontiguousarray(flow.transpose(2, 0, 1)))
        context[f"{prefix}mask"] = torch.from_numpy(seen[None])
    return context


def _within_scene(crops: Mapping[str, Tensor]) -> dict[str, Tensor]:
    is_cut = CutDetector()
    kept, ended = dict(crops), False
    is_cut(_bytes(crops["x"]))
    for name, before in (("next", "x"), ("after", "next")):
        ended = is_cut(_bytes(crops[name])) or ended
        kept[name] = kept[before] if ended else crops[name]
    is_cut = CutDetector()
    is_cut(_bytes(crops["x"]))
    if is_cut(_bytes(crops["far"])):
        kept["far"] = crops["x"]
    return kept


def _bytes(crop: Tensor) -> Frame:
    return to_pixels(crop, np.dtype(np.uint8))


def middle(cache: FrameCache, path: Path, side: Side, settings: VideoSettings) -> Tensor:
    """The frame in the middle of the footage at `path`, (3, *settings.crop) in [-1, 1], as pictures are scored.

    Raises MissingFile or MediaError.
    """
    (frame,) = middle_frames(cache, path, settings, 1)
    return apply_gamma(frame, settings.gamma(side))


def middle_frames(cache: FrameCache, path: Path, settings: VideoSettings, count: int) -> list[Tensor]:
    """Successive frames about the middle of the footage at `path`, `count` where there are as many, each
    (3, *settings.crop) in [-1, 1] without a tone curve. Raises MissingFile or MediaError."""
    material = cache.material(path)
    pictures, count = settings.pictures(), min(count, material.count)
    first = min(material.count // 2, material.count - count)
    return [centred(frame, pictures) for frame in material.read(first, count, pictures, pictures.crop)]
