"""Numbered files that one pattern names: shot_%04d.exr, shot_####.png, shot_*.png."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import MediaError

_NUMBER = re.compile(r"%(?:0?(?P<digits>\d+))?d|(?P<hashes>#+)|\*")


@dataclass(frozen=True)
class Pattern:
    """The place of a number in the names of files of one folder."""

    folder: Path
    before: str
    """What the names begin with."""
    after: str
    """What they end with."""
    digits: int | None
    """Digits of a number at least, filled up by zeros; None (a star) for any number of them."""

    @classmethod
    def of(cls, path: Path) -> Self | None:
        """The pattern that a path is, by its last part; None for the name of a single file.

        %04d and #### stand for four digits or more, %d for a number without zeros before it, and * for any digits. A
        name with several such places, or of a file that exists, is no pattern.
        """
        places = list(_NUMBER.finditer(path.name))
        if len(places) != 1 or path.exists():
            return None
        (place,) = places
        digits = len(place["hashes"] or "") or (None if place[0] == "*" else int(place["digits"] or 1))
        return cls(path.parent, path.name[: place.start()], path.name[place.end() :], digits)

    def path(self, number: int, like: str = "") -> Path:
        """The file of that number; a star stands for as many digits as there are in `like`, four by default."""
        width = self.digits or len(like) or 4
        return self.folder / f"{self.before}{number:0{width}d}{self.after}"

    def files(self) -> dict[int, Path]:
        """The files that are there, by their numbers in ascending order. Raises MediaError where two have one."""
        found: dict[int, Path] = {}
        if not self.folder.is_dir():
            return found
        name = re.compile(re.escape(self.before) + r"(\d+)" + re.escape(self.after))
        for file in sorted(self.folder.iterdir()):
            number = name.fullmatch(file.name)
            if number is None or not file.is_file() or not self._fits(number[1]):
                continue
            other = found.setdefault(int(number[1]), file)
            if other is not file:
                digits = sorted(len(each.name) - len(self.before) - len(self.after) for each in (other, file))
                names = (f"{self.before}%{f'0{count}' if count > 1 else ''}d{self.after}" for count in digits)
                raise MediaError(
                    f"{self.folder} is numbered in two ways ({other.name} and {file.name}); name one of them: "
                    f"{' or '.join(names)}"
                )
        return dict(sorted(found.items()))

    def _fits(self, number: str) -> bool:
        # Beyond its digits a number goes on without zeros before it.
        return self.digits is None or len(number) == self.digits or (len(number) > self.digits and number[0] != "0")

    @property
    def stem(self) -> str:
        """What the files are called without number and ending: night for night_%04d.png."""
        return self.before.rstrip("_-. ") or self.folder.absolute().name


def missing_files(path: Path) -> str:
    """That no file is named by a pattern, or that there is no file or folder of that name, as a sentence."""
    pattern = Pattern.of(path)
    if pattern is None:
        return f"there is no file or folder {path}"
    if not pattern.folder.is_dir():
        return f"there is no folder {pattern.folder} with files that are called {path.name}"
    shown = sorted(file.name for file in pattern.folder.iterdir() if not file.name.startswith("."))[:3]
    there = f"it holds {', '.join(shown)} ..." if shown else "it is empty"
    return f"no file in {pattern.folder} is called {path.name}; {there}"
