"""Masks beside training files: what translation must leave alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.adapter.folders import listing
from ...core.errors import ConfigError, counted
from ...core.values import Array
from .files import read_header
from .kinds import is_picture_name
from .masks import read_mask
from .picture import Pixels, resized
from .sampling import PictureCache

if TYPE_CHECKING:
    from torch import Tensor

_LISTED = 3


class MaskFolder:
    """The masks in a folder and below it, by the names of what they belong to.

    A file's mask has its name, suffix aside, and lies in subfolders as the file does, wherever both folders are: of
    several the one that shares most of the path.

    Args:
        folder: as messages name it.
        masks: files in it, or folders of frames.

    Raises:
        ConfigError: two have one name.
    """

    def __init__(self, folder: Path, masks: Iterable[Path]) -> None:
        self._folder = folder
        self._masks: dict[tuple[str, ...], Path] = {}
        for path in masks:
            key = _key(path.relative_to(folder), path)
            if key in self._masks:
                raise ConfigError(f"{folder} has several masks {'/'.join(key)}, suffix aside; leave one of them")
            self._masks[key] = path
        self._depth = max(map(len, self._masks), default=0)

    def of(self, file: Path) -> Path:
        """The mask of a file. Raises ConfigError where there is none."""
        if (found := self.find(file)) is None:
            raise self._missing([file], 1)
        return found

    def find(self, file: Path) -> Path | None:
        """The mask of a file, if there is one."""
        key = _key(file, file)
        tails = (key[-depth:] for depth in range(min(self._depth, len(key)), 0, -1))
        return next((self._masks[tail] for tail in tails if tail in self._masks), None)

    def require(self, files: Sequence[Path]) -> None:
        """Raise ConfigError unless each of the files has a mask."""
        if alone := [file for file in files if self.find(file) is None]:
            raise self._missing(alone, len(files))

    def _missing(self, alone: Sequence[Path], count: int) -> ConfigError:
        names = ", ".join(file.name for file in alone[:_LISTED]) + (", ..." if len(alone) > _LISTED else "")
        return ConfigError(
            f"{len(alone)} of {counted(count, 'file', 'files')} {'has' if len(alone) == 1 else 'have'} no mask of the "
            f"same name in {self._folder}: {names}; add masks, all white where everything is translated"
        )


def _key(name: Path, path: Path) -> tuple[str, ...]:
    return (*name.parts[:-1], name.name if path.is_dir() else name.stem)


class PictureMasks(MaskFolder):
    """The pictures in a folder and below it as masks of others. Raises MissingFile or ConfigError."""

    def __init__(self, folder: Path) -> None:
        found = listing(folder, lambda path: is_picture_name(path.name))
        super().__init__(found.folder, found.sizes)

    def read(self, file: Path, pixels: Pixels, cache: PictureCache) -> Pixels:
        """The mask of the picture `file` in grey, of the size of `pixels`, as it was loaded.

        Raises MissingFile or MediaError where it cannot be read, or is not of the file's size.
        """
        path = self.of(file)
        mask = cache.get(path)
        if mask is None:
            header = read_header(file)
            mask = resized(in_levels(read_mask(path, (header.height, header.width), file)), *pixels.shape[:2])
            cache.offer(path, mask)
        return mask


def in_levels(mask: Array) -> Pixels:
    """A mask (H, W) from 0 to 1 as grey pixels of 8 bits."""
    levels: Pixels = np.rint(255.0 * mask).astype(np.uint8)
    return levels[..., None]


def kept(crop: Tensor) -> Tensor:
    """What must not change, 0 to 1, of a crop of a mask (1, H, W) in [-1, 1], where white is translated."""
    return 0.5 - 0.5 * crop
