"""Input of a conversion: a file, numbered files, or a folder with its subfolders, listed once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self, overload

from ..adapter.domain import Domain
from ..adapter.folders import is_file, walk
from ..adapter.inventory import BrokenFile
from ..adapter.patterns import Pattern
from ..errors import MissingFile


class Paths(Sequence[Path]):
    """Paths that are kept as text: each is made when it is asked for, since a million of them take half a gigabyte."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[Path]:
        return map(Path, self._texts)

    @overload
    def __getitem__(self, place: int, /) -> Path: ...
    @overload
    def __getitem__(self, place: slice, /) -> Sequence[Path]: ...
    def __getitem__(self, place: int | slice, /) -> Path | Sequence[Path]:
        return Paths(self._texts[place]) if isinstance(place, slice) else Path(self._texts[place])


class _Listed(NamedTuple):
    """What there is below a folder."""

    files: list[str]
    """Sorted as Path objects are."""
    links: list[str]
    lost: set[str]
    """Links that lead nowhere, pipes and sockets."""


class InputFiles(os.PathLike[str]):
    """A path to convert, and what it holds: a folder is listed when that is first asked for, and never again.

    A path may be the pattern of numbered files (shot_%04d.png). It stands for its path wherever one is expected. Which
    files count is said at `walk`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._recordings: dict[tuple[str, Path], Sequence[Path]] = {}
        self._parts: dict[str, Paths] = {}

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Self:
        """`path` itself where it is listed already."""
        return path if isinstance(path, cls) else cls(path)

    def __fspath__(self) -> str:
        return str(self.path)

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def pattern(self) -> Pattern | None:
        """The pattern that the path is, of numbered files."""
        return Pattern.of(self.path)

    @property
    def exists(self) -> bool:
        """Whether there is such a file or folder, or a file that the pattern names."""
        return bool(self.files) if self.pattern else self.path.exists()

    @cached_property
    def _listed(self) -> _Listed:
        broken: list[BrokenFile] = []
        found = _Listed([], [], set())
        for entry in walk(self.path, broken) if self.is_folder else ():
            text = entry.path.removeprefix(f".{os.sep}")  # as the path of one in Path(".") is spelled
            found.files.append(text)
            if entry.is_symlink():
                found.links.append(text)
            if not is_file(entry):
                found.lost.add(text)
        if broken:
            raise MissingFile(f"the folder {broken[0].path} {broken[0].reason}")
        found.files.sort(key=_in_order)
        return found

    @cached_property
    def numbers(self) -> dict[Path, int]:
        """The numbers of the files that the pattern names, in ascending order. Raises MediaError where two have one."""
        return {file: number for number, file in self.pattern.files().items()} if self.pattern else {}

    @cached_property
    def files(self) -> Sequence[Path]:
        """Every file, sorted by path or number. Raises MissingFile or MediaError for a folder that cannot be listed, or
        files that are numbered in two ways."""
        if self.pattern:
            return list(self.numbers)
        return Paths(self._listed.files) if self.is_folder else [self.path]

    @cached_property
    def by_folder(self) -> dict[Path, Sequence[Path]]:
        """Files of a folder by the subfolder they are in, without dangling links."""
        groups: dict[str, list[str]] = {}
        for text in self._listed.files:
            if text not in self._listed.lost:
                groups.setdefault(_folder_of(text), []).append(text)
        return {Path(folder): Paths(texts) for folder, texts in groups.items()}

    @cached_property
    def links_to_files(self) -> Sequence[Path]:
        """The files of a folder that are links."""
        return Paths(self._listed.links)

    @cached_property
    def links_to_folders(self) -> list[Path]:
        """The folders below this one that are links, and hold files."""
        below: set[Path] = set()
        for folder in map(Path, set(map(_folder_of, self._listed.files))):
            while folder != self.path and folder not in below:
                below.add(folder)
                folder = folder.parent
        return sorted(folder for folder in below if folder.is_symlink())

    def recording(self, domain: Domain, folder: Path) -> Sequence[Path]:
        """The files directly in a folder of this input, or those of its pattern, that are parts of one recording; see
        `Domain.recording`."""
        asked = domain.name, folder
        if asked not in self._recordings:
            listed = self.files if self.pattern else self.by_folder.get(folder, [])
            self._recordings[asked] = domain.recording(folder, listed)
        return self._recordings[asked]

    def parts(self, domain: Domain) -> Sequence[Path]:
        """Inputs that the domain converts: the file, or a folder's files and one-recording folders, sorted; numbered
        files as one recording, where they are one."""
        if self.pattern and not self.recording(domain, self.path):
            return [path for path in self.files if domain.convertible(path)]
        if not self.is_folder:
            return [self.path]
        if domain.name not in self._parts:
            self._parts[domain.name] = Paths(self._parts_of_folder(domain))
        return self._parts[domain.name]

    def _parts_of_folder(self, domain: Domain) -> list[str]:
        recordings = {folder: self.recording(domain, folder) for folder in self.by_folder}
        inside = {str(part) for parts in recordings.values() for part in parts}
        files = [text for text in self._listed.files if text not in inside and domain.convertible(Path(text))]
        whole = [str(folder) for folder, parts in recordings.items() if parts]
        return sorted([*whole, *files], key=_in_order) if whole else files

    def name(self, file: Path) -> str:
        """By which another process opens one of the files: its path from the root."""
        return str(file.absolute())

    def stamp(self, file: Path) -> str | None:
        """What changes when one of the files is written anew; None: the file itself is to be asked."""
        return None

    def size(self, file: Path) -> int:
        """Bytes of a file, or of the files that a recording is made of; 0 for what went meanwhile, which whoever opens
        it will say."""
        try:
            if pattern := Pattern.of(file):
                return sum(each.stat().st_size for each in pattern.files().values())
            if file.is_dir():
                return sum(entry.stat().st_size for entry in os.scandir(file) if entry.is_file())
            return file.stat().st_size
        except (OSError, MissingFile):
            return 0


def _in_order(path: str) -> str:
    """What sorts paths as Path objects are sorted: part by part."""
    return "" if path == os.curdir else os.path.normcase(path).replace(os.sep, "\0")


def _folder_of(path: str) -> str:
    return os.path.dirname(path)  # noqa: PTH120 (a Path takes ten times as long)
