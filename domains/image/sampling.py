"""Training samples: resize, random crop, flips; and the whole picture for scoring."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ...core.sides import Side
from .files import read_picture
from .picture import Pixels, resized, to_tensor, with_channels
from .settings import ImageSettings

if TYPE_CHECKING:
    from torch import Tensor


class PictureCache:
    """Decoded, resized pictures up to a number of bytes; one for each loader process.

    What is in stays in. An epoch asks for every picture once, in random order: throwing out the one that was used
    longest ago would throw out what is due next, while this keeps its share of hits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Hashable, Pixels] = {}
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Pixels | None:
        """The pixels kept under `key`, which nobody may change, or None."""
        return self._held.get(key)

    def offer(self, key: Hashable, pixels: Pixels) -> None:
        """Keep the pixels if there is room."""
        with self._lock:
            if key not in self._held and self._bytes + pixels.nbytes <= self._limit:
                self._held[key] = pixels
                self._bytes += pixels.nbytes

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._bytes

    @property
    def room(self) -> int:
        """Bytes that may still be added."""
        return self._limit - self._bytes


def loaded(file: Path, side: Side, settings: ImageSettings, cache: PictureCache) -> Pixels:
    """The picture (H, W, C), resized so that it covers (fit short) or equals (stretch) `settings.loaded`.

    Raises MediaError for a file that cannot be decoded or has other channels.
    """
    held = cache.get((file, side))
    if held is not None:
        return held
    pixels = fitted(_decode(file, side, settings, settings.loaded), settings.loaded, settings.fit == "stretch")
    pixels = np.ascontiguousarray(pixels)
    cache.offer((file, side), pixels)
    return pixels


def _decode(file: Path, side: Side, settings: ImageSettings, target: tuple[int, int]) -> Pixels:
    # Twice the target: a JPEG decoded at a fraction still has more detail than is kept.
    picture = read_picture(file, raw=settings.mode == "channels", about=2 * max(target))
    return with_channels(picture, settings.channels(side), str(file))


def fitted(pixels: Pixels, target: tuple[int, int], stretch: bool) -> Pixels:
    """Pixels resized to `target` (height, width), or with their aspect kept to the smallest size that covers it."""
    return resized(pixels, *fitted_size(pixels.shape[:2], target, stretch))


def fitted_size(size: tuple[int, ...], target: tuple[int, int], stretch: bool) -> tuple[int, int]:
    """Height and width that `fitted` resizes pixels of that size to."""
    if stretch:
        return target
    scale = max(wanted / have for wanted, have in zip(target, size, strict=True))
    height, width = (max(wanted, round(have * scale)) for wanted, have in zip(target, size, strict=True))
    return height, width


def random_crop(pixels: Pixels, settings: ImageSettings, rng: np.random.Generator, augmentation: float) -> Tensor:
    """A random crop of loaded pixels, (C, *settings.crop) in [-1, 1].

    With `augmentation` 1 the crop is cut as it is (objects 12 % larger than in the whole picture, by default). As it
    falls the crop grows to cover the loaded picture's shorter side at 0, so that objects get the size they will have
    in conversion. Where the crop lies and whether it is mirrored or turned stays random: that changes no size.
    """
    height, width = settings.crop
    cut = [
        min(have, round(crop + (1.0 - augmentation) * (whole - crop)))
        for crop, whole, have in zip(settings.crop, settings.loaded, pixels.shape[:2], strict=True)
    ]
    top, left = (int(rng.integers(0, have - size + 1)) for have, size in zip(pixels.shape[:2], cut, strict=True))
    crop = resized(pixels[top : top + cut[0], left : left + cut[1]], height, width)
    if settings.rotate:
        crop = np.rot90(crop, int(rng.integers(4)) if height == width else 2 * int(rng.integers(2)))
    if settings.flip and rng.random() < 0.5:
        crop = crop[:, ::-1]
    if settings.vertical_flip and rng.random() < 0.5:
        crop = crop[::-1]
    return to_tensor(crop)


def whole(file: Path, side: Side, settings: ImageSettings) -> Tensor:
    """A file as one sample (C, *settings.crop) for scoring: stretched to the crop, or covered by it and its middle cut.

    Raises MediaError for a file that cannot be decoded.
    """
    return centred(_decode(file, side, settings, settings.crop), settings)


def centred(pixels: Pixels, settings: ImageSettings) -> Tensor:
    """Decoded pixels (H, W, C) as one sample: stretched to the crop, or covered by it and its middle cut."""
    height, width = settings.crop
    pixels = fitted(pixels, settings.crop, settings.fit == "stretch")
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return to_tensor(pixels[top : top + height, left : left + width])


@dataclass(frozen=True)
class FlipRotate:
    """An exact symmetry of the pixel grid: quarter turns, then perhaps a mirror. Acts on (B, C, H, W)."""

    turns: int
    mirrored: bool

    def __call__(self, x: Tensor) -> Tensor:
        turned = x.rot90(self.turns, (2, 3))
        return turned.flip(3) if self.mirrored else turned


def random_flip_rotate(settings: ImageSettings, rng: np.random.Generator) -> FlipRotate:
    """One of the symmetries that keep the crop's shape, the identity excepted."""
    height, width = settings.crop
    turns = (0, 1, 2, 3) if height == width else (0, 2)
    choices = [FlipRotate(turn, mirrored) for turn in turns for mirrored in (False, True) if turn or mirrored]
    return choices[int(rng.integers(len(choices)))]
