"""Inventory of a folder for a medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

from ..errors import UnpairedError, one_line


@dataclass(frozen=True)
class BrokenFile:
    """A file that cannot be used, and the reason, in words for the user."""

    path: Path
    reason: str

    @classmethod
    def of(cls, path: Path, error: Exception) -> BrokenFile:
        """By the error that says why; without the name of the file, which messages put before the reason."""
        said = str(error) if isinstance(error, UnpairedError) else one_line(error)
        return cls(path, said.removeprefix(str(path)).lstrip(": "))


class NumberedFiles(Sequence[Path]):
    """Files that go by their places, a[0] to a[9999999]: each path is made when it is asked for."""

    def __init__(self, name: str, count: int) -> None:
        self.name, self._count = name, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int, /) -> Path: ...
    @overload
    def __getitem__(self, place: slice, /) -> Sequence[Path]: ...
    def __getitem__(self, place: int | slice, /) -> Path | Sequence[Path]:
        if isinstance(place, slice):
            return [self[each] for each in range(self._count)[place]]
        return numbered(self.name, range(self._count)[place])


def numbered(name: str, place: int) -> Path:
    """The path that a sample goes by which is no file of its own: name[place], as Python indexes it."""
    return Path(f"{name}[{place}]")


@dataclass(frozen=True)
class Inventory:
    """Inventory of a folder for a domain."""

    folder: Path
    files: Sequence[Path]
    """Usable files, sorted by path. A folder counts as one file where it holds one recording (frames of a clip)."""
    broken: tuple[BrokenFile, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able summary: counts, sizes, and whatever else the medium reports."""
    warnings: tuple[str, ...] = ()
    """Notes on what the facts mean for training, one sentence each."""
    draws: tuple[int, ...] = ()
    """Number of samples an epoch draws from each file, if some hold more than others (a long recording and a short
    one); empty: one from each."""

    digest: str = ""
    """Hash of the contents, where names and sizes of files do not tell them from others; empty: they do."""

    @property
    def drawn(self) -> Sequence[Path]:
        """The files as an epoch goes through them: each as often as `draws` says."""
        if not self.draws:
            return self.files
        return tuple(file for file, times in zip(self.files, self.draws, strict=True) for _ in range(times))
