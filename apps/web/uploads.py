"""Files that people send: streamed to the disk, never held in memory."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from pathlib import Path

from unpaired import ConfigError
from unpaired.apps.web.errors import NoRoom, TooLarge
from unpaired.apps.web.places import Place, Places
from unpaired.apps.web.settings import WebSettings
from unpaired.core import output_error, show

_REFUSED = re.compile(r"[\x00-\x1f\x7f/\\]")
_PIECE = 1 << 20


class Uploads:
    """Uploads, each in a folder of its own; several can be sent into one folder, to be trained on."""

    def __init__(self, settings: WebSettings, places: Places) -> None:
        self._settings = settings
        self._places = places

    def make_folder(self, name: str) -> Place:
        """A new folder that files can be uploaded into. Raises ConfigError: the name cannot be one."""
        folder = self._settings.uploads / secrets.token_hex(8) / _file_name(name)
        folder.mkdir(parents=True)
        return self._places.at(folder)

    async def receive(self, name: str, size: int | None, pieces: AsyncIterator[bytes], folder: str = "") -> Place:
        """Write an upload to the disk as it comes; `size`: bytes that are announced, `folder`: id of a folder made by
        `make_folder`. Nothing is left of one that breaks off.

        Raises:
            ConfigError: the name cannot be one.
            TooLarge, NoRoom: it is too large, or the disk too full.
        """
        name = _file_name(name)
        target = self._folder(folder) / name
        self._check_room(name, size or 0)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            await self._write(part, name, pieces)
            part.replace(target)
        except OSError as error:
            raise output_error(Path(name), error) from error
        finally:
            part.unlink(missing_ok=True)
            if not folder:
                with suppress(OSError):  # there is a file in it
                    target.parent.rmdir()
        return self._places.at(target)

    def age_out(self, needed: Collection[Path]) -> None:
        """Remove uploads that are older than the settings allow, and the rest of those that broke off, except what
        `needed` names."""
        before = time.time() - 86400 * self._settings.uploads_kept
        folders = self._settings.uploads.iterdir() if self._settings.uploads.is_dir() else ()
        for folder in list(folders):
            if any(path.is_relative_to(folder) for path in needed):
                continue
            with suppress(OSError):
                if folder.stat().st_mtime < before:
                    shutil.rmtree(folder, ignore_errors=True)
                    continue
                for part in folder.rglob(".*.part"):
                    if part.stat().st_mtime < time.time() - 3600:
                        part.unlink()

    def _folder(self, id: str) -> Path:
        if not id:
            return self._settings.uploads / secrets.token_hex(8)
        place = self._places.place(id)
        if not place.is_folder or place.root != "uploads" or place.path.parent.parent != self._settings.uploads:
            raise ConfigError("that is no folder for uploads; make one first")
        return place.path

    def _check_room(self, name: str, size: int) -> None:
        limit = self._settings.upload_limit
        if size > limit:
            raise TooLarge(f"{show(name)} has {_size(size)}; at most {_size(limit)} can be uploaded. Start "
                                "unpaired web with --folder to use it where it is")  # fmt: skip
        self._settings.uploads.mkdir(parents=True, exist_ok=True)
        disk = shutil.disk_usage(self._settings.uploads)
        free = disk.free - min(self._settings.disk_reserve, disk.total // 20)
        if size > free:
            raise NoRoom(f"there is no room for {show(name)}: {_size(size)} are needed and {_size(max(free, 0))} "
                                "free; remove results that are no longer needed")  # fmt: skip

    async def _write(self, part: Path, name: str, pieces: AsyncIterator[bytes]) -> None:
        written, held, pending = 0, 0, bytearray()
        with part.open("xb") as opened:
            async for piece in pieces:
                held += len(piece)
                pending += piece
                if held > self._settings.upload_limit:
                    self._check_room(name, held)
                if len(pending) >= _PIECE:
                    await asyncio.to_thread(opened.write, bytes(pending))
                    written += len(pending)
                    pending.clear()
                    if written % (64 * _PIECE) < _PIECE:
                        self._check_room(name, 0)
            await asyncio.to_thread(opened.write, bytes(pending))


def _file_name(name: str) -> str:
    """A name as a file gets it. Raises ConfigError: it leads elsewhere, or is none."""
    if not name.strip():
        raise ConfigError("the file has no name; give one: PUT /api/uploads?name=NAME")
    plain = name.strip().lstrip(".")
    if not plain or _REFUSED.search(plain) or len(plain.encode(errors="replace")) > 200:
        raise ConfigError(f"{show(name)} cannot be the name of a file here; rename it")
    try:
        plain.encode()
    except UnicodeError:
        raise ConfigError(f"{show(name)} cannot be the name of a file here; rename it") from None
    return plain


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
