"""Files of generated samples: a folder with one each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OutputError

if TYPE_CHECKING:
    from torch import Tensor


def check_folder(out: Path) -> None:
    """Raise OutputError for what is no folder, and so cannot take the files."""
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out} is a file; name a folder for the samples")


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
