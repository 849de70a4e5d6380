"""OpenImageIO, of the extra `vfx`: imported when a picture needs it, and its errors in one line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import ConfigError, MediaError, MissingDependency, MissingFile, one_line
from ...core.runtimes.packages import require
from .scene import ColourSpace, Light

EXTRA = "unpaired[vfx]"
_BUILT_IN = "ocio://default"
_LINEAR = (
    "lin_rec709_scene", "lin_rec709", "Linear Rec.709 (sRGB)", "lin_srgb", "Utility - Linear - sRGB",
    "Utility - Linear - Rec.709", "Linear sRGB",
)  # fmt: skip
"""Names that configurations have for linear light in Rec. 709 primaries."""


@cache
def library() -> Any:
    """The module. Raises MediaError where it is not installed."""
    try:
        oiio = require("OpenImageIO", EXTRA)
    except MissingDependency as error:
        raise MediaError(f"OpenEXR and DPX pictures need OpenImageIO: pip install '{EXTRA}'") from error
    # Its threads would be missing in the processes that load samples, which are forks of this one; and with them
    # a picture of 1920x1080 takes as long, since reading and writing are threads already.
    oiio.attribute("threads", 1)
    oiio.attribute("exr_threads", -1)
    return oiio


def last_error(source: Any) -> str:
    """What went wrong last, in one line without the file's name."""
    first = (source.geterror() or library().geterror() or "it is damaged").strip().splitlines()[0]
    return one_line(RuntimeError(first.partition("): ")[2] or first))


@contextmanager
def named(path: Path) -> Iterator[str]:
    """A name that the library takes: itself, or of one that is not UTF-8 a link to it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            link = Path(folder, f"picture{path.suffix}")
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield str(path)


def named_space(name: str) -> ColourSpace:
    """A colour space of an OpenColorIO configuration: of $OCIO as it is now, or the one that comes with the library.

    Args:
        name: of the colour space; CONFIG.ocio:NAME names the configuration too.

    Raises:
        MissingFile: there is no such configuration.
        ConfigError: it is damaged, or has no such colour space.
    """
    file, colon, own = name.rpartition(".ocio:")
    place = f"{file}.ocio" if colon else os.environ.get("OCIO") or _BUILT_IN
    if not place.startswith("ocio://") and not Path(place).is_file():
        said = "" if colon else " (the environment variable OCIO names it)"
        raise MissingFile(f"there is no OpenColorIO configuration {place}{said}")
    return _space_of(place, own)


@lru_cache(maxsize=4)
def _space_of(place: str, name: str) -> ColourSpace:
    return Ocio(place, name)


class Ocio(ColourSpace):
    """A colour space of the OpenColorIO configuration at a place. Raises ConfigError as `named_space`."""

    pixels_at_once = 1 << 20  # every call reads the configuration again, which takes as long as a few hundred rows

    def __init__(self, place: str, name: str) -> None:
        self._name, self._place = name, place
        config = library().ColorConfig(place)
        if fault := config.geterror():
            raise ConfigError(f"the OpenColorIO configuration {place} cannot be read: {one_line(RuntimeError(fault))}")
        known = list(config.getColorSpaceNames())
        if self._name not in known and config.resolve(self._name) not in known:
            raise ConfigError(f"{place} has no colour space {self._name!r}; it has {', '.join(known)}")
        names = (each for each in _LINEAR if each in known or config.resolve(each) in known)
        self._linear = next(names, None)
        if self._linear is None:
            raise ConfigError(f"{place} has no colour space of linear light in Rec. 709 primaries ({_LINEAR[2]})")

    def to_linear(self, values: Light) -> Light:
        """See `ColourSpace`."""
        return self._converted(values, self._name, str(self._linear))

    def from_linear(self, light: Light) -> Light:
        """See `ColourSpace`."""
        return self._converted(light, str(self._linear), self._name)

    def _converted(self, values: Light, source: str, target: str) -> Light:
        oiio = library()
        colour = np.ascontiguousarray(np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values, np.float32)
        buffer = oiio.ImageBufAlgo.colorconvert(oiio.ImageBuf(colour), source, target, False, "", "", self._place)
        if buffer.has_error:
            raise ConfigError(f"{self._place} cannot convert {source} to {target}: {buffer.geterror()}")
        found = np.asarray(buffer.get_pixels("float"), np.float32)
        return found[..., : values.shape[2]]
