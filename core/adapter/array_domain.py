"""A domain for media whose files each hold one array: a recording, a raster, a volume.

An adapter for such a medium defines how a file is read and how it is written; everything else follows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..errors import AdapterError, ConfigError, MediaError, MissingFile, UnpairedError, one_line, show
from ..files import atomic
from ..settings.arguments import settle_types
from ..sides import Side
from .checks import check
from .domain import ConversionSettings, Domain, DomainSettings
from .streams import Reader, Writer
from .tensors import raised

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ArraySettings(DomainSettings):
    """Settings of a sample of an array."""

    size: int = 256
    """Values of a training sample along each axis; a multiple of what the generator requires, 4 by default."""

    def __post_init__(self) -> None:
        settle_types(self, "domain")
        if not 4 <= self.size <= 2**24:
            raise ConfigError(f"domain.size is {show(self.size)}; expected 4 to {2**24} values")


class ArrayDomain(Domain):
    """A medium whose files each hold one array (C, *space).

    A subclass sets `name`, `dimensions` and `suffixes` and defines `channels`, `read` and `write`. Samples are
    windows of `settings.size` values along each axis, at random positions; a shorter file is extended by reflection. A
    file is converted whole, in one chunk.
    """

    settings_type: ClassVar[type[DomainSettings]] = ArraySettings
    settings: ArraySettings

    @abstractmethod
    def read(self, path: Path, side: Side) -> Tensor:
        """Read a file of side `side` as an array, float32 (C, *space) in [-1, 1].

        Any exception counts as a fault of the file and is reported in one line: raise ValueError for a file that
        does not contain what it should (values that are not finite, another number of channels).
        """

    @abstractmethod
    def write(self, path: Path, values: Tensor, source: Path) -> None:
        """Write an array (C, *space) in [-1, 1], the translation of the file `source`, to `path`.

        `path` is a temporary file with the ending of the final one, and is renamed on success. Raises
        OSError when it cannot be written.
        """

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        """A window (C, size, ...) at a random position: the same one for arrays of one shape and a generator in one
        state, whatever the side. Raises MissingFile or MediaError."""
        places = rng.random(self.dimensions)
        return _window(self._array(file, side), self.settings.size, [float(place) for place in places])

    def load(self, file: Path, side: Side) -> Tensor:
        """The window (C, size, ...) in the middle. Raises MissingFile or MediaError."""
        return _window(self._array(file, side), self.settings.size, [0.5] * self.dimensions)

    def open(self, path: Path, side: Side, options: ConversionSettings) -> Reader:
        """The file as one chunk. Raises MissingFile; reading it, MediaError."""
        if not path.exists():
            raise MissingFile(f"there is no file {path}")
        return _ArrayReader(self, path, side)

    def check_target(self, path: Path, source: Path, options: ConversionSettings) -> None:
        """Raise MediaError for a name without an ending of this medium."""
        self._ending(path)

    def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
        """Start writing a translation. Raises MediaError for a name without an ending of this medium."""
        return _ArrayWriter(self, path, self._ending(path), like.path)

    def write_sample(self, path: Path, sample: Tensor) -> None:
        """By `write`, with the file itself, which does not exist yet, as its source."""
        writer = _ArrayWriter(self, path, self.generated_suffix, path)
        writer.write(sample)
        writer.finish()

    def _ending(self, path: Path) -> str:
        endings = [suffix for suffix in self.suffixes if path.name.lower().endswith(suffix)]
        if self.suffixes and not endings:
            raise MediaError(f"{path} cannot be written: files of {self.name} end in {', '.join(self.suffixes)}")
        ending = max(map(len, endings), default=len(path.suffix))
        return path.name[len(path.name) - ending :]

    def _array(self, path: Path, side: Side) -> Tensor:
        """Call `read` and check its result."""
        if not path.exists():
            raise MissingFile(f"there is no file {path}")
        try:
            values = self.read(path, side)
        except UnpairedError:
            raise
        except (NameError, ImportError) as error:  # no content of a file brings these about
            raise raised(type(self).__name__, "read", error, path) from error
        except Exception as error:
            said = one_line(error)
            plain = isinstance(error, OSError | ValueError | RuntimeError)
            raise MediaError(
                f"{path} cannot be read: {said if plain else f'{type(error).__name__}: {said}'}"
            ) from error
        from torch import Tensor

        if isinstance(values, Tensor) and values.numel() == 0:
            raise MediaError(f"{path} cannot be read: it holds no values")
        check(self, "read", values, side, path)
        return values


class _ArrayReader(Reader):
    def __init__(self, domain: ArrayDomain, path: Path, side: Side) -> None:
        self.path = path
        self._domain, self._side = domain, side

    def __iter__(self) -> Iterator[Tensor]:
        # Read here, and not kept: in a folder readers live until the last file is converted.
        yield self._domain._array(self.path, self._side)

    def __length_hint__(self) -> int:
        return 1


class _ArrayWriter(Writer):
    def __init__(self, domain: ArrayDomain, path: Path, ending: str, source: Path) -> None:
        self._domain, self._path, self._ending, self._source = domain, path, ending, source
        self._chunks: list[Tensor] = []

    def write(self, chunk: Tensor) -> None:
        self._chunks.append(chunk.detach().cpu())

    def finish(self) -> None:
        (values,) = self._chunks
        name = f"{type(self._domain).__name__}.write"
        with atomic(self._path, self._ending) as temporary:
            try:
                self._domain.write(temporary, values, self._source)
            except (UnpairedError, OSError):
                raise
            except Exception as error:
                raise AdapterError(
                    f"{name} raised {type(error).__name__}: {one_line(error)} for {self._path}; "
                    "expected OSError for a file that cannot be written, and nothing else"
                ) from error
            if temporary.stat().st_size == 0:
                raise AdapterError(f"{name} wrote nothing for {self._path}; expected a file of the name it was given")

    def discard(self) -> None:
        self._chunks.clear()


def _window(values: Tensor, size: int, places: Sequence[float]) -> Tensor:
    """`size` values along each axis of (C, *space), at `places` from 0 (the start of an axis) to 1 (its end); where
    there are fewer they are continued by reflection."""
    import torch

    for axis, place in enumerate(places, start=1):
        length = values.shape[axis]
        if length >= size:
            values = values.narrow(axis, min(int(place * (length - size + 1)), length - size), size)
        else:
            values = values.index_select(axis, _reflected(length, size))
    return values.clone(memory_format=torch.contiguous_format)  # a view would keep the whole file


def _reflected(length: int, size: int) -> Tensor:
    """Indices 0 to length - 1, back and forth without repeating the ends, `size` in all."""
    import torch

    period = max(1, 2 * (length - 1))
    index = torch.arange(size) % period
    return torch.minimum(index, period - index)
