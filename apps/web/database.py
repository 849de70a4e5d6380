"""The SQLite file below the home folder: jobs, and the ids of files."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path

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


def open_database(file: Path) -> sqlite3.Connection:
    """Open the database, made if need be. It is used by one thread, in autocommit.

    Raises:
        OutputError: it cannot be written.
        ResourceError: it is damaged, or of a newer version.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        made = sqlite3.connect(file, isolation_level=None, timeout=5.0)
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
    return made


def secret(database: sqlite3.Connection, name: str) -> bytes:
    """Random bytes that stay the same from start to start."""
    database.execute("INSERT OR IGNORE INTO secrets VALUES (?, ?)", (name, secrets.token_bytes(32)))
    (value,) = database.execute("SELECT value FROM secrets WHERE name = ?", (name,)).fetchone()
    return bytes(value)
