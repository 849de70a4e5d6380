"""Files of generated samples: a folder with one each, or one file with all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError

if TYPE_CHECKING:
    from torch import Tensor

DIGITS = 4
"""Digits at least in the name of a sample."""


def check_folder(out: Path) -> None:
    """Raise OutputError for what is no folder, and so cannot take the files."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder for the samples")


def earlier_samples(out: Path, folders: Iterable[str], suffix: str) -> list[Path]:
    """What an earlier generation left where this one writes: `out` itself where it is a file, else the numbered files
    ("0007.png") of the folders "NAME/" in `out` ("" for `out` itself)."""
    if out.is_file():
        return [out]
    return [
        file
        for folder in dict.fromkeys(folders)
        for file in sorted((out / folder).glob(f"*{suffix}"))
        if file.is_file() and file.stem.isdecimal() and len(file.stem) >= DIGITS
    ]


def check_unused(out: Path, earlier: Sequence[Path]) -> None:
    """Raise OutputError where an earlier generation left samples: numbers do not tell whose a sample is."""
    if not earlier:
        return
    if earlier[0] == out:
        raise OutputError(f"{out} exists: name another file, or replace it with --overwrite (in Python overwrite=True)")
    raise OutputError(
        f"{out} holds {len(earlier):,} samples of an earlier generation, such as {earlier[0].relative_to(out)}: name "
        "another folder, or replace all of them with --overwrite (in Python overwrite=True)"
    )


def in_place_of(earlier: Sequence[Path], samples: Iterable[Tensor]) -> Iterator[Tensor]:
    """The samples; those files are removed when the first one is there, so that no fault before costs any."""
    for place, sample in enumerate(samples):
        if place == 0:
            for file in earlier:
                try:
                    file.unlink(missing_ok=True)
                except OSError as error:
                    raise OutputError(f"{file} cannot be removed: {error.strerror or error}") from error
        yield sample


def write_each(
    write: Callable[[Path, Tensor], None], samples: Iterable[Tensor], names: Sequence[str], out: Path
) -> list[Path]:
    """Write each sample (C, *space) into the folder `out` under its name by `write`. Raises OutputError."""
    written = []
    for name, sample in zip(names, samples, strict=True):
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path.parent} cannot be made: {error.strerror or error}") from error
        write(path, sample)
        written.append(path)
    return written
