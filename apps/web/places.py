"""Files and folders by id. This is the only place where an id becomes a path.

An id is a keyed hash of a path that this server has listed, uploaded or made itself, so that no request can name
another one. A path counts only while it lies, all links followed, below a root: a declared folder, the uploads, the
results or the runs.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unpaired import MissingFile
from unpaired.apps.web.database import Database, secret
from unpaired.apps.web.settings import WebSettings

_ID = re.compile(r"[0-9a-f]{24}")
_PATH = re.compile(r"(?<![\w.:/])/(?:[^\s:;,'\"()]+/)*[^\s:;,'\"()]+")
_OWN_FOLDER = r"(?:[0-9a-f]{16}/)?"
"""What the server calls the folder of an upload, or of a job's results."""
_PLAYLISTS = (".m3u8", ".m3u", ".mpd")
_PLAYLIST_BEGINS = (b"#EXTM3U", b"ffconcat")
LISTED = 2000
"""Most entries of a folder that are listed."""


class NoSuchPlace(MissingFile):
    """An id that stands for nothing (any more), or for something that may not be read."""


@dataclass(frozen=True)
class Place:
    """A file or a folder below a root."""

    id: str
    name: str
    root: str
    """What it lies below: `uploads`, `results`, `runs`, or the name of a declared folder."""
    path: Path
    """For the server alone: no page and no answer shows it."""
    is_folder: bool
    size: int
    """Bytes; 0 of a folder."""
    changed: float
    """Seconds since 1970."""


class Places:
    """Ids of files below the roots, kept in the database so that they outlast a restart."""

    def __init__(self, settings: WebSettings, database: Database) -> None:
        self._database = database
        self._unwritten: dict[str, bytes] = {}
        self._key = secret(database, "places")
        own = {settings.uploads: "uploads", settings.results: "results", settings.runs: "runs"}
        self._roots = {**{root: root.name or str(root) for root in settings.roots}, **own}
        self._declared = settings.roots

    def id_of(self, path: Path) -> str:
        """The id of a file or folder. Raises NoSuchPlace: it lies below no root."""
        self._checked(path)
        return self._register([path])[0]

    def place(self, id: str) -> Place:
        """What an id stands for. Raises NoSuchPlace."""
        path = self._unwritten.get(id)
        if path is None and _ID.fullmatch(id):
            path = next((path for (path,) in self._database.read("SELECT path FROM files WHERE id = ?", (id,))), None)
        if path is None:
            raise NoSuchPlace("there is no such file here (any more); choose or upload it again")
        found = self._place(id, Path(os.fsdecode(path)))
        if _is_playlist(found.path):  # a reader would follow it to any file
            raise NoSuchPlace(f"{found.name} is a playlist, which only names other files; choose one of those")
        return found

    def source(self, id: str) -> Place:
        """What an id stands for, for a command that the server starts, which follows the links in a folder.

        Raises NoSuchPlace, also for a folder in which a link leads out of the roots.
        """
        place = self.place(id)
        if place.is_folder:
            self._refuse_links_out(place.path)
        return place

    def path_of(self, id: str) -> Path:
        """The path of a `source`."""
        return self.source(id).path

    def at(self, path: Path) -> Place:
        """The place of a path of the server's own. Raises NoSuchPlace."""
        return self._place(self.id_of(path), path)

    def below(self, id: str = "") -> list[Place]:
        """What a folder holds, folders first, hidden files left out; without an id the declared folders themselves.
        Raises NoSuchPlace."""
        if not id:
            return [self.at(root) for root in self._declared]
        folder = self.place(id)
        if not folder.is_folder:
            raise NoSuchPlace(f"{folder.name} is a file, not a folder")
        with os.scandir(folder.path) as entries:
            paths = sorted((folder.path / entry.name for entry in entries if not entry.name.startswith(".")),
                           key=lambda path: path.name.casefold())[:LISTED]  # fmt: skip
        found = list(self._readable(paths))
        return sorted(found, key=lambda place: not place.is_folder)

    def parent(self, place: Place) -> Place | None:
        """The folder that holds a place; None above a root."""
        return None if place.path in self._roots else self.at(place.path.parent)

    def redact(self, text: str) -> str:
        """A message without the paths that lead to the roots, or that lie below none."""
        for root, name in sorted(self._roots.items(), key=lambda each: -len(str(each[0]))):
            if root != Path(root.anchor):
                own = name in ("uploads", "results")
                found = re.escape(f"{root}/") + (_OWN_FOLDER if own else "")
                text = re.sub(found, "" if own else f"{name}/".replace("\\", r"\\"), text)
        return _PATH.sub(lambda found: found[0].rpartition("/")[2], text)

    def _refuse_links_out(self, folder: Path) -> None:
        """Refuse a folder with a link out, its own or one in a folder that its links lead to; hidden folders, which no
        command reads, may hold some."""
        folders, seen = [Path(os.path.realpath(folder))], set[Path]()
        while folders:
            current = folders.pop()
            if current in seen:
                continue
            seen.add(current)
            try:
                entries = list(os.scandir(current))
            except OSError:  # the command will say so
                continue
            for entry in entries:
                if entry.is_symlink():
                    real = self._followed(Path(entry.path))
                    folders += [real] if real.is_dir() else []
                elif entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    folders.append(Path(entry.path))

    def _followed(self, link: Path) -> Path:
        """Where a link leads. Raises NoSuchPlace: out of the roots."""
        real = Path(os.path.realpath(link))
        try:
            self._checked(real)
        except NoSuchPlace:
            raise NoSuchPlace(f"{link.parent.name}/{link.name} is a link that leads out of the folders that this page "
                              "may read; remove it, or put the file itself there") from None  # fmt: skip
        return real

    def _readable(self, paths: Sequence[Path]) -> Iterator[Place]:
        for id, path in zip(self._register(paths), paths, strict=True):
            try:
                yield self._place(id, path)
            except NoSuchPlace:  # a link that leads out, or nowhere
                continue

    def _register(self, paths: Sequence[Path]) -> list[str]:
        encoded = [os.fsencode(path) for path in paths]
        ids = [hashlib.blake2b(each, key=self._key, digest_size=12).hexdigest() for each in encoded]
        rows = list(zip(ids, encoded, strict=True))
        try:
            self._database.write("INSERT OR IGNORE INTO files VALUES (?, ?)", rows)
        except sqlite3.OperationalError:  # the disk is full
            self._unwritten.update(rows)
        return ids

    def _place(self, id: str, path: Path) -> Place:
        root = self._checked(path)
        try:
            status = path.stat()
        except OSError:
            raise NoSuchPlace(f"{path.name} is no longer there; choose or upload it again") from None
        is_folder = path.is_dir()
        return Place(id, path.name, root, path, is_folder, 0 if is_folder else status.st_size, status.st_mtime)

    def _checked(self, path: Path) -> str:
        """The name of the root that a path lies below, in fact and by name."""
        real = Path(os.path.realpath(path))
        for root, name in self._roots.items():
            if real.is_relative_to(root) and path.is_relative_to(root):
                if any(part.startswith(".") for part in (*real.relative_to(root).parts, *path.relative_to(root).parts)):
                    break
                return name
        raise NoSuchPlace(f"{path.name} lies outside the folders that this page may read")


def _is_playlist(path: Path) -> bool:
    if path.suffix.lower() in _PLAYLISTS:
        return True
    try:
        if not path.is_file():
            return False
        with path.open("rb") as opened:
            return opened.read(8).startswith(_PLAYLIST_BEGINS)
    except OSError:  # whoever reads it will say so
        return False
