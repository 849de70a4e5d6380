"""Input of a conversion: a file, numbered files, or a folder with its subfolders, listed once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Self

from ..adapter.domain import Domain
from ..adapter.folders import is_file, walk
from ..adapter.inventory import BrokenFile
from ..adapter.patterns import Pattern
from ..errors import MissingFile


class InputFiles(os.PathLike[str]):
    """A path to convert, and what it holds: a folder is listed when that is first asked for, and never again.

    A path may be the pattern of numbered files (shot_%04d.png). It stands for its path wherever one is expected. Which
    files count is said at `walk`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._recordings: dict[tuple[str, Path], Sequence[Path]] = {}

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
    def _listed(self) -> dict[Path, os.DirEntry[str]]:
        broken: list[BrokenFile] = []
        found = {Path(entry.path): entry for entry in walk(self.path, broken)} if self.is_folder else {}
        if broken:
            raise MissingFile(f"the folder {broken[0].path} {broken[0].reason}")
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
        return sorted(self._listed) if self.is_folder else [self.path]

    @cached_property
    def by_folder(self) -> dict[Path, list[Path]]:
        """Files of a folder by the subfolder they are in, without dangling links."""
        groups: dict[Path, list[Path]] = {}
        for path in self.files:
            if path in self._listed and is_file(self._listed[path]):
                groups.setdefault(path.parent, []).append(path)
        return groups

    @cached_property
    def links_to_files(self) -> list[Path]:
        """The files of a folder that are links."""
        return [path for path, entry in self._listed.items() if entry.is_symlink()]

    @cached_property
    def links_to_folders(self) -> list[Path]:
        """The folders below this one that are links, and hold files."""
        below: set[Path] = set()
        for folder in {path.parent for path in self._listed}:
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

    def parts(self, domain: Domain) -> list[Path]:
        """Inputs that the domain converts: the file, or a folder's files and one-recording folders, sorted; numbered
        files as one recording, where they are one."""
        if self.pattern and not self.recording(domain, self.path):
            return [path for path in self.files if domain.convertible(path)]
        if not self.is_folder:
            return [self.path]
        recordings = {folder: self.recording(domain, folder) for folder in self.by_folder}
        inside = {part for parts in recordings.values() for part in parts}
        whole = [folder for folder, parts in recordings.items() if parts]
        return sorted([*whole, *(path for path in self.files if path not in inside and domain.convertible(path))])
