"""Entries of a training folder, and their frames by number: clips, folders of frames, single pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ....core.errors import MediaError, MissingFile
from ...image import ImageSettings, fitted, fitted_size, of_depth, read_picture, with_channels
from .access import ClipAccess
from .naming import frames_of, is_sequence, is_still_name

Frame = npt.NDArray[Any]
"""(H, W, 3) RGB of uint8, 0 to 255."""


class Material(ABC):
    """Frames that belong together, by their number."""

    count: int
    """Number of frames."""

    @abstractmethod
    def read(self, first: int, count: int, settings: ImageSettings, target: tuple[int, int]) -> Sequence[Frame]:
        """Frames `first` to `first + count - 1`, resized as `settings.fit` says to cover `target` (height, width).

        Raises MediaError where none of them can be decoded.
        """

    def close(self) -> None:
        """Let go of the file."""


class Clip(Material):
    """A clip file, sought in and decoded."""

    def __init__(self, path: Path) -> None:
        self._access = ClipAccess(path)
        self.count = len(self._access)

    def read(self, first: int, count: int, settings: ImageSettings, target: tuple[int, int]) -> Sequence[Frame]:
        """See `Material.read`. Scaled while the colours are converted, which spares most of the work."""
        info = self._access.info
        size = fitted_size((info.height, info.width), target, settings.fit == "stretch")
        return [_eight_bits(frame) for frame in self._access.frames(first, count, size=size)]

    def close(self) -> None:
        """Close the container."""
        self._access.close()


class Pictures(Material):
    """Picture files as frames: a folder of frames, or one picture alone."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.count = len(paths)

    def read(self, first: int, count: int, settings: ImageSettings, target: tuple[int, int]) -> Sequence[Frame]:
        """See `Material.read`."""
        frames = []
        for path in self._paths[first : first + count]:
            # Twice the target: a JPEG decoded at a fraction still has more detail than is kept.
            decoded = read_picture(path, about=2 * max(target))
            pixels = _eight_bits(with_channels(decoded, 3, str(path)))
            frames.append(np.ascontiguousarray(fitted(pixels, target, settings.fit == "stretch")))
        return frames


def _eight_bits(frame: Frame) -> Frame:
    return of_depth(frame, np.dtype(np.uint8))


def open_material(path: Path) -> Material:
    """The entry at `path`: a folder of frames, a clip or a picture.

    Raises MissingFile, or MediaError for what is none of them.
    """
    if is_sequence(path):
        paths = frames_of(path)
        if not paths:
            raise MediaError(f"{path} is a folder without numbered pictures; expected the frames of a clip")
        return Pictures(paths)
    if not path.exists():
        raise MissingFile(f"{path} does not exist")
    return Pictures([path]) if is_still_name(path.name) else Clip(path)
