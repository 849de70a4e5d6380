"""Tensors and plain values on disk: written with the rights that others have, read without executing anything."""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from safetensors import SafetensorError, safe_open

from ..errors import shortened
from ..settings.plain import is_unicode

if TYPE_CHECKING:
    from torch import Tensor

CHECKSUMS = "checksums.json"
"""Beside the files of a checkpoint: size and checksum of each."""
_NUMBER = re.compile(r"os error (\d+)")
_NAMED = re.compile(r"(?:GLOBAL|class|global) ([A-Za-z_][\w.]*)")


class Unreadable(ValueError):
    """A file holds something else than was expected; the message is a few words for the reader's own error."""


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file that others may read as far as the umask lets them. Raises OSError."""
    from safetensors.torch import save, save_file

    path.touch()
    mode = path.stat().st_mode
    try:
        if is_unicode(str(path)):
            save_file(dict(tensors), path, metadata)
        else:  # safetensors takes no such path
            path.write_bytes(save(dict(tensors), metadata))
    except SafetensorError as error:  # wraps what the system said
        raise _of_the_system(error) from error
    path.chmod(mode)  # safetensors makes files for their owner alone


def save_plain(content: Any, path: Path) -> None:
    """Write tensors and plain values for `load_plain`. Raises OSError."""
    import torch

    with path.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            raise _of_the_system(error) from error


def _of_the_system(error: Exception) -> OSError:
    """The system's error for a write, which libraries reword or lose."""
    said: BaseException | None = error
    while said is not None:
        if isinstance(said, OSError):
            return said
        said = said.__context__
    number = _NUMBER.search(str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(first_line(error))


@contextmanager
def open_tensors(path: Path, framework: Literal["pt", "np"] = "pt") -> Iterator[Any]:
    """`safetensors.safe_open`, by any path: it takes none that is not UTF-8. It gives tensors of torch, which it
    imports, or arrays of numpy. Raises SafetensorError or OSError."""
    with ExitStack() as stack:
        if not is_unicode(str(path)):
            place = Path(stack.enter_context(TemporaryDirectory()), "link.safetensors")
            place.symlink_to(path.absolute())
            path = place
        yield stack.enter_context(safe_open(path, framework=framework))


def load_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file. Raises Unreadable, or OSError."""
    try:
        with open_tensors(path) as handle:
            return {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise Unreadable(first_line(error)) from error


def load_plain(path: Path) -> Any:
    """Load a file of `torch.save`: tensors, numbers, texts, lists and dictionaries of them. Nothing in it is executed.

    Raises Unreadable, or OSError.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # The restricted unpickler raises whatever a damaged file makes it stumble over.
        # Not torch's own words: they advise to switch the restriction off.
        text = str(error)
        named = _NAMED.search(text)
        if "TorchScript" in text:
            reason = "it is a TorchScript archive, which holds code"
        elif named and "Weights only load failed" in text:
            reason = f"Weights only load failed: it names {named[1][:80]}, which is code"
        else:
            reason = "Weights only load failed: it is damaged, or holds more than tensors and plain values"
        raise Unreadable(reason) from error


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor, by name."""
    return {name: tuple(value.shape) for name, value in tensors.items()}


def first_difference(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> str:
    """The first name whose shapes differ, in words; empty where all agree."""
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            wanted, got = expected.get(name, "nothing"), found.get(name, "nothing")
            return f"{name[:100]} is {got}, expected {wanted}"
    return ""


def checksum(value: Tensor) -> str:
    """CRC-32 of a tensor's bytes as they are stored, in hexadecimal."""
    import torch

    data: Any = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    return f"{zlib.crc32(data):08x}"


def file_checksum(path: Path) -> str:
    """CRC-32 of a file's bytes, in hexadecimal. Raises OSError."""
    found = 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            found = zlib.crc32(block, found)
    return f"{found:08x}"


def file_facts(file: Path) -> dict[str, Any]:
    """Size and CRC-32 of a file, as a checkpoint records them. Raises OSError."""
    return {"bytes": file.stat().st_size, "crc32": file_checksum(file)}


def is_recorded(folder: Path, name: str) -> bool:
    """Whether a checkpoint was written with a file of that name; earlier versions recorded none."""
    try:
        return name in json.loads((folder / CHECKSUMS).read_text())
    except (OSError, ValueError, RecursionError, TypeError):
        return False


def compare_with_recorded(folder: Path, names: Sequence[str]) -> None:
    """Raise Unreadable for a file that is not as it was written; earlier versions recorded no checksums."""
    try:
        recorded = json.loads((folder / CHECKSUMS).read_text())
    except FileNotFoundError:
        return
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{CHECKSUMS} cannot be read") from error
    for name in names:
        if not isinstance(recorded, Mapping) or recorded.get(name) != file_facts(folder / name):
            raise Unreadable(f"{name} is not as it was written: size or checksum differ")


def first_line(error: Exception, longest: int = 160) -> str:
    """The first line of what an error says, cut short."""
    return shortened(str(error).strip().split("\n")[0], longest)
