"""A file on its way through a conversion: read as a stream of tensors, translated, written as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from torch import Tensor

    from ..values import Array


class Translate(Protocol):
    """One direction of a trained model, as `Domain.convert` sees it. Any spatial size goes in and comes out."""

    def __call__(self, x: Tensor) -> Tensor:
        """Translate a batch (B, C, *space) in [-1, 1]; each sample is normalised by its own statistics."""

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        """Translate one sample (1, C, *space) under given instance-norm statistics.

        `statistics` is the flat float32 vector an earlier call returned (None: take the sample's own).
        Each norm layer uses (1 - momentum) * statistics + momentum * the sample's own; what was used is
        returned. momentum 0 freezes them (tiles of one picture), 1 ignores what was given.
        """


class ArrayTranslate(Protocol):
    """The same of numpy arrays in float32, for media that convert without torch."""

    def __call__(self, x: Array) -> Array:
        """Translate a batch (B, C, *space); see `Translate`."""

    def with_statistics(self, x: Array, statistics: Array | None, momentum: float) -> tuple[Array, Array]:
        """Translate one sample under given instance-norm statistics; see `Translate`."""


AnyTranslate = Translate | ArrayTranslate
"""What is only handed on, with samples of its kind."""


class Reader(ABC):
    """A file opened for conversion: a stream of chunks, with everything needed to write its counterpart."""

    path: Path
    beside: int = 0
    """Bytes that are kept beside each chunk until it is written: they count where chunks wait for one another."""

    @property
    def warnings(self) -> Sequence[str]:
        """Notes on anything unusual in the file, one sentence each; complete after the last chunk."""
        return ()

    @property
    def opened(self) -> Reader:
        """The reader that `Domain.open` gave: this one itself, unless it stands for another, as that of
        `Domain.convert` does, whose chunks were read ahead. What a medium keeps in readers of its own is found here."""
        return self

    @abstractmethod
    def __iter__(self) -> Iterator[Tensor]:
        """Chunks (C, *space), float32 in [-1, 1], in order; of other axes where `Domain.chunk_axes` says so. Raises
        MediaError for damaged content."""

    def arrays(self) -> Iterator[Array]:
        """The same chunks as numpy arrays; asked for where `Domain.arrays` is set."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the file. Called once, also after an error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Writer(ABC):
    """A file being written. Its name appears when it is complete: `finish` renames, `discard` leaves nothing."""

    @property
    def warnings(self) -> Sequence[str]:
        """Notes on differences from the input, one sentence each; complete after `finish`."""
        return ()

    @abstractmethod
    def write(self, chunk: Tensor) -> None:
        """Append one translated chunk (C, *space) in [-1, 1]; an array where `Domain.arrays` is set."""

    @abstractmethod
    def finish(self) -> None:
        """Complete the file and give it its name. Raises OutputError when it cannot be written."""

    @abstractmethod
    def discard(self) -> None:
        """Remove everything written so far."""
