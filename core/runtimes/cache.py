"""What this machine keeps for itself between runs: measurements, in the user's cache folder.

An entry is a JSON file, found by what it is about (its key). Nothing depends on one being there: what cannot be read is
measured anew, and what cannot be kept is measured again next time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..files import atomic_text

FORMAT = 1
"""Version of the entries; those of another are as good as none."""
CONVERSIONS, TRAININGS = "runtimes", "training"
"""The kinds of entries that hold what was measured: races of ways to run a generator, and to train one."""
_NOWHERE = Path(os.devnull)
"""In place of a folder: below a file nothing can be made."""


def cache_folder() -> Path:
    """The folder for what can be made again: `$UNPAIRED_CACHE`, else the user's by the customs of the system.

    It need not exist, and where the user has none it can't.
    """
    if named := os.environ.get("UNPAIRED_CACHE"):
        return Path(named).absolute()
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA", ""))
    elif sys.platform == "darwin":
        place = _home() / "Library/Caches"
    else:
        place = Path(os.environ.get("XDG_CACHE_HOME", ""))
        place = place if place.is_absolute() else _home() / ".cache"
    return (place if place.is_absolute() else _NOWHERE) / "unpaired"


def read_entry(kind: str, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """The value kept under `key`; None where there is none that can be read, or one of another version."""
    found = _read(_file(kind, key))
    return None if found is None or found["key"] != _plain(key) else found["value"]


def keep_entry(kind: str, key: Mapping[str, Any], value: Mapping[str, Any]) -> str | None:
    """Keep a value under `key`, in place of what was there; returns why it could not be kept, never raises for that."""
    try:
        atomic_text(_file(kind, key), json.dumps({"format": FORMAT, "key": key, "value": value}, indent=1) + "\n")
    except (OutputError, OSError) as error:
        return f"{error}; it is measured again next time (UNPAIRED_CACHE names another folder)"
    return None


def kept_entries(kind: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Key and value of every entry of a kind."""
    with suppress(OSError):
        for file in sorted((cache_folder() / kind).glob("*.json")):
            if found := _read(file):
                yield found["key"], found["value"]


def damaged_entries(kind: str) -> int:
    """How many entries of a kind cannot be read, or are of another version."""
    with suppress(OSError):
        return sum(_read(file) is None for file in (cache_folder() / kind).glob("*.json"))
    return 0


def cache_bytes() -> int:
    """Bytes of all files in the cache folder."""
    total = 0
    for folder, _, names in os.walk(cache_folder()):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user whom the system does not know
        return _NOWHERE


def _file(kind: str, key: Mapping[str, Any]) -> Path:
    text = json.dumps(key, sort_keys=True)
    return cache_folder() / kind / f"{hashlib.blake2b(text.encode(), digest_size=10).hexdigest()}.json"


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and found.get("format") == FORMAT
    return found if whole and isinstance(found.get("key"), dict) and isinstance(found.get("value"), dict) else None


def _plain(key: Mapping[str, Any]) -> Any:
    """A key as it comes back from JSON."""
    return json.loads(json.dumps(key))
