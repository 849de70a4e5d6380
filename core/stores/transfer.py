"""Whole files of a store: which there are, fetched from it, and sent to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError, MediaError, UnpairedError
from ..files import output_error
from .access import facts_in, facts_of, filesystem, is_address, pieces, trying

_PIECE = 8 * 1024**2
"""Bytes that are fetched at once."""
_WRITTEN_WHOLE = ("s3", "s3a", "gs", "gcs", "abfs", "az", "memory")
"""Stores in which a file appears when it is complete."""
_ASKED_AT_ONCE = 16


class Stored(NamedTuple):
    """A file in a store."""

    bytes: int
    stamp: str
    """Its bytes, and what changes when it is written anew."""


def stored_at(address: str) -> Stored:
    """What is at an address now. Raises as `facts_of`."""
    filesystem(address).invalidate_cache()  # of listings: others may have written since
    return _stored(*facts_of(address))


def listed(address: str) -> dict[str, Stored] | None:
    """The files below an address, each by its path there; None where the address is a file.

    Hidden ones are left out, and names that would lead out of a folder. A web server's folder ends in a slash, and
    must have a page that lists it. Raises as `facts_of`.
    """
    filesystem(address).invalidate_cache()
    if not address.endswith("/") and trying(address, lambda fs: fs.info(address))["type"] != "directory":
        return None
    root = filesystem(address)._strip_protocol(address).rstrip("/") + "/"
    strict = {"on_error": "raise"} if address.startswith("http") else {}  # it would leave out what did not answer
    found: dict[str, Any] = trying(address, lambda fs: fs.find(address, detail=True, **strict))
    names = {name.removeprefix(root): facts for name, facts in found.items() if name.startswith(root)}
    kept = {name: facts for name, facts in names.items() if _is_plain(name)}
    where = address.rstrip("/")
    unknown = [name for name, facts in kept.items() if facts.get("size") is None]
    if unknown:  # a page says no more than names
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as asking:
            answers = asking.map(lambda name: trying(address, lambda fs: fs.info(f"{where}/{name}")), unknown)
            kept |= dict(zip(unknown, answers, strict=True))
    return {name: _stored(*facts_in(f"{where}/{name}", facts)) for name, facts in kept.items()}


def _stored(size: int, changes: str) -> Stored:
    return Stored(size, f"{size}-{changes}")


def _is_plain(name: str) -> bool:
    """Whether a name in a store can be that of a file below a folder, and is not hidden."""
    parts = name.split("/")
    return all(part and part[0] != "." and part != "__MACOSX" and Path(part).name == part for part in parts)


def fetch(address: str, file: Path) -> str:
    """Copy what is at an address into a file; its stamp. What a connection lost is asked for again.

    Raises:
        MediaError: it changed meanwhile.
        OutputError: the file cannot be written.
        MissingFile, ResourceError, ConfigError: as `facts_of`.
    """
    size, stamp = stored_at(address)
    parts = _fetch_parts(address, size, file)
    if parts is None:  # its server gives no parts
        trying(address, lambda fs: fs.get_file(address, str(file)))
    if file.stat().st_size != size or (parts != 1 and stored_at(address).stamp != stamp):
        raise MediaError(f"{address} changed while it was read")
    return stamp


def _fetch_parts(address: str, size: int, file: Path) -> int | None:
    """Copy a file part by part, and count these; None where there are none to be had."""
    count = 0
    try:
        with file.open("wb") as opened:
            for offset in range(0, size, _PIECE):
                for piece in pieces(address, offset, min(_PIECE, size - offset), lambda: size):
                    opened.write(piece)
                    count += 1
    except ConfigError:
        return None
    except UnpairedError:
        raise
    except OSError as error:
        raise output_error(file, error) from error
    return count


def send(file: Path, address: str) -> str:
    """Copy a file to an address, where it appears when it is complete; its stamp there. Raises OutputError, and
    ResourceError where the store does not answer."""
    trying(address, lambda fs: fs.put_file(str(file), address), writing=True)
    return stored_at(address).stamp


def write(address: str, data: bytes) -> None:
    """Put a small file at an address. Raises as `send`."""
    trying(address, lambda fs: fs.pipe_file(address, data), writing=True)


def check_destination(address: str) -> None:
    """Refuse an address to which no file can be sent whole. Raises ConfigError, or MissingDependency."""
    filesystem(address)
    protocol = address.partition("://")[0]
    if not is_address(address) or protocol not in _WRITTEN_WHOLE:
        raise ConfigError(f"{address}: files cannot be written there whole or not at all; expected a folder, s3://, "
                          "gs:// or abfs://")  # fmt: skip
