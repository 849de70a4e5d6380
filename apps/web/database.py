"""The SQLite file below the home folder: jobs, and the ids of files."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from unpaired import OutputError, ResourceError

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, lane TEXT NOT NULL, position REAL NOT NULL, created REAL NOT NULL,
    facts TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, position);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created);
CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, path BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class Database:
    """An open database in autocommit, for several threads, which take turns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = Lock()

    def read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows that a query finds."""
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    def write(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out a statement for each of some rows. Raises sqlite3.OperationalError: the disk is full."""
        with self._turn, self._connection:
            self._connection.executemany(statement, rows)


def open_database(file: Path) -> Database:
    """Open the database, made if need be.

    Raises:
        OutputError: it cannot be written.
        ResourceError: it is damaged, or of a newer version.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        made = sqlite3.connect(file, isolation_level=None, timeout=5.0, check_same_thread=False)
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("PRAGMA synchronous = NORMAL")
        (version,) = made.execute("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise ResourceError(f"{file} was made by a newer version of unpaired; update it, or name another --home")
        made.executescript(_TABLES)
        made.execute(f"PRAGMA user_version = {FORMAT}")
    except OSError as error:
        raise OutputError(f"cannot write {file}: {error.strerror or error}; name another --home") from error
    except sqlite3.OperationalError as error:
        raise OutputError(f"cannot write {file}: {error}; free some space or name another --home") from error
    except sqlite3.DatabaseError as error:
        raise ResourceError(f"{file} is damaged ({error}); move it away to begin with an empty queue") from error
    return Database(made)


def secret(database: Database, name: str) -> bytes:
    """Random bytes that stay the same from start to start."""
    database.write("INSERT OR IGNORE INTO secrets VALUES (?, ?)", [(name, secrets.token_bytes(32))])
    ((value,),) = database.read("SELECT value FROM secrets WHERE name = ?", (name,))
    return bytes(value)
