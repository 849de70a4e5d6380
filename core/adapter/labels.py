"""Labels of the files of a folder: its sub-folders, or a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ConfigError, MissingFile, counted, show, some

_LISTED = 5


@dataclass(frozen=True)
class Labels:
    """What the files of a folder are labelled as."""

    folder: Path
    names: tuple[str, ...]
    by_file: Mapping[str, int] = field(default_factory=dict)
    """Number of the label by the file's name below the folder; empty: the sub-folder it lies in is its label."""

    def of(self, file: Path) -> int | None:
        """The number of a file's label; None where it has none."""
        name = file.relative_to(self.folder)
        if self.by_file:
            return self.by_file.get(name.as_posix())
        return self.names.index(name.parts[0]) if len(name.parts) > 1 and name.parts[0] in self.names else None

    def check(self, files: Sequence[Path]) -> None:
        """Raise ConfigError unless each of the usable files has a label, and each label a file."""
        found = {file: self.of(file) for file in files}
        bare = [file.relative_to(self.folder).as_posix() for file, label in found.items() if label is None]
        if bare:
            which = "row in the file of labels" if self.by_file else "sub-folder, and so no label"
            raise ConfigError(f"{counted(len(bare), 'file', 'files')} of {self.folder} "
                              f"{'has' if len(bare) == 1 else 'have'} no {which}: {some(bare, _LISTED)}")  # fmt: skip
        empty = [name for number, name in enumerate(self.names) if number not in set(found.values())]
        if empty:
            what = "label" if len(empty) == 1 else "labels"
            raise ConfigError(f"{what} without usable files in {self.folder}: {some(empty, _LISTED)}; add some, or "
                              f"remove the {what}")  # fmt: skip


def find_labels(folder: Path, file: str) -> Labels:
    """The labels of a folder: those of the CSV file `file` where that is not empty, else its sub-folders.

    Raises:
        MissingFile: there is no such folder or file.
        ConfigError: there are not two labels, or the file is no table of names and labels.
    """
    if not folder.is_dir():
        raise MissingFile(f"there is no folder {folder}")
    if file:
        return _of_csv(folder, Path(file))
    names = sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    _require_two(names, f"{folder} has {counted(len(names), 'sub-folder', 'sub-folders')}",
                 "make a sub-folder for each label, or name a CSV file by objective.labels")  # fmt: skip
    return Labels(folder, tuple(names))


def _of_csv(folder: Path, file: Path) -> Labels:
    if not file.is_file():
        raise MissingFile(f"objective.labels: there is no file {file}")
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            rows = [row for row in csv.reader(text) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"objective.labels: {file} is no CSV file in UTF-8 ({error})") from None
    if not rows or [cell.strip() for cell in rows[0]] != ["file", "label"]:
        came = show(",".join(rows[0])) if rows else "nothing"
        raise ConfigError(f"objective.labels: {file} begins with {came}; expected the line file,label and then a row "
                          "for each file, by its name below B")  # fmt: skip
    odd = next((number for number, row in enumerate(rows, 1) if len(row) != 2 or not all(map(str.strip, row))), None)
    if odd:
        raise ConfigError(f"objective.labels: row {odd} of {file} is {show(','.join(rows[odd - 1]))}; expected a file "
                          "and its label")  # fmt: skip
    given = {Path(name.strip()).as_posix(): label.strip() for name, label in rows[1:]}
    names = sorted(set(given.values()))
    _require_two(names, f"objective.labels: {file} has {counted(len(names), 'label', 'labels')}",
                 "give each file the label of its class")  # fmt: skip
    return Labels(folder, tuple(names), {name: names.index(label) for name, label in given.items()})


def _require_two(names: Sequence[str], found: str, advice: str) -> None:
    if len(names) < 2:
        only = f" ({names[0]})" if names else ""
        raise ConfigError(f"{found}{only}; labels need two or more: {advice}, or train without labels (gan, dcgan)")
