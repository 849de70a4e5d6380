"""OpenEXR's own package, of the extra `vfx`: it keeps every channel of a part in its own type, OpenImageIO does not."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...core.errors import MediaError, MissingDependency
from ...core.runtimes.packages import require
from .openimageio import EXTRA, named
from .scene import as_half

_HALF = np.dtype(np.float16)


def prepare() -> None:
    """Import the package, if it is installed, before threads ask for it."""
    with suppress(MediaError):
        _library()


def holds_whole_numbers(spec: Any) -> bool:
    """Whether a part has channels of 32-bit whole numbers beside others: OpenImageIO would round them to 24 bits."""
    kinds = {str(kind) for kind in spec.channelformats}
    return "uint" in kinds and len(kinds) > 1


def write_again(source: Path, target: Path, part: int, changed: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a file again with other values in some channels of one part; the rest of it stays to the bit.

    Args:
        source: an OpenEXR file.
        target: where to.
        part: its number.
        changed: new values (H, W) of the data window by the names of channels, which keep their types.

    Raises:
        MediaError: the package is not installed.
        ValueError: it refuses the file.
    """
    openexr = _library()
    with named(source) as before, named(target) as after:
        try:
            with openexr.File(before, separate_channels=True, num_threads=0) as file:
                for name, values in changed.items():
                    channel = file.parts[part].channels[name]
                    kind = channel.pixels.dtype
                    channel.pixels = as_half(values) if kind == _HALF else np.ascontiguousarray(values, kind)
                for each in file.parts:
                    if (tiles := each.header.get("tiles")) is not None:
                        tiles.mode = openexr.ONE_LEVEL  # further levels would be those of the input
                file.write(after)
        except (RuntimeError, TypeError) as error:
            raise ValueError(str(error)) from error


def _library() -> Any:
    try:
        return require("OpenEXR", EXTRA)
    except MissingDependency as error:
        raise MediaError(
            f"OpenEXR pictures with whole numbers beside half or float channels need OpenEXR: pip install '{EXTRA}'"
        ) from error
