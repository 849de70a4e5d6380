"""Writing numbered pictures under the names of those that were read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from ....core.adapter.streams import Writer
from ....core.conversion.jobs import names_file
from ....core.files import PendingFolder
from ...image import ImageConversion, depth_for, format_of, of_depth, resized, save_picture, to_pixels
from ..reading import pipes
from ..reading.sequence import SequenceReader


def means_folder(target: Path) -> bool:
    """Whether an output is a folder of frames, by its name, and no clip."""
    return target.is_dir() or not (str(target) == pipes.PIPE or names_file(target))


class SequenceWriter(Writer):
    """The translated frames as pictures in a folder, each under the name of its input and of the same kind.

    The folder gets its name when it is whole.

    Raises:
        MediaError: pictures of this kind are not written.
        OutputError: the place cannot be written to.
    """

    def __init__(self, folder: Path, like: SequenceReader) -> None:
        self._like = like
        self._quality = ImageConversion().quality
        self._pending = PendingFolder(folder)
        self._notes: dict[str, None] = {}

    @property
    def warnings(self) -> Sequence[str]:  # type: ignore[override]
        """Notes on what the pictures' format cannot hold, one sentence each."""
        return tuple(self._notes)

    def write(self, chunk: Tensor) -> None:
        """Write the translation (3, H, W) of the next frame. Raises OutputError or MediaError."""
        shown = self._like.shown.popleft()
        assert shown.still is not None
        path, source = shown.still
        depth = depth_for(format_of(path), source.pixels.dtype)
        pixels, alpha = to_pixels(chunk, depth), source.alpha
        if alpha is not None:
            alpha = resized(alpha, *pixels.shape[:2])
        if shown.planes is not None:
            pixels = np.concatenate([of_depth(shown.planes.transpose(1, 2, 0), depth), pixels], axis=1)
            alpha = None if alpha is None else np.concatenate([alpha, alpha], axis=1)
        whole = replace(source, pixels=pixels, alpha=alpha)
        self._notes |= dict.fromkeys(save_picture(whole, self._pending.path / path.name, self._quality))

    def finish(self) -> None:
        """Give the folder its name. Raises OutputError."""
        self._pending.commit()

    def discard(self) -> None:
        """Remove everything written so far."""
        self._pending.abandon()
