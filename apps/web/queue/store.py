"""Jobs in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from unpaired import MissingFile
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.core.settings import to_mapping


class NoSuchJob(MissingFile):
    """An id of no job."""


class Store:
    """Every job there was, also after a restart."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, job: Job) -> Job:
        """Keep a new job, behind all others of its lane, and return it as kept."""
        (last,) = self._database.execute("SELECT max(position) FROM jobs WHERE lane = ?", (job.lane,)).fetchone()
        return self.put(replace(job, position=(last or 0.0) + 1.0))

    def put(self, job: Job) -> Job:
        """Keep a job as it is now."""
        row = (job.id, job.state, job.lane, job.position, job.created, json.dumps(to_mapping(job)))
        self._database.execute("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?)", row)
        return job

    def get(self, id: str) -> Job:
        """The job of that id. Raises NoSuchJob."""
        for job in self._read("SELECT facts FROM jobs WHERE id = ?", (id,)):
            return job
        raise NoSuchJob("there is no such job (any more)")

    def remove(self, id: str) -> None:
        """Forget a job."""
        self._database.execute("DELETE FROM jobs WHERE id = ?", (id,))

    def in_states(self, *states: JobState) -> list[Job]:
        """The jobs in any of these states, in the order of their lanes."""
        marks = ", ".join("?" * len(states))
        return self._read(f"SELECT facts FROM jobs WHERE state IN ({marks}) ORDER BY position, created", states)

    def newest(self, limit: int = 50, before: float | None = None, states: Iterable[JobState] = ()) -> list[Job]:
        """The newest jobs, newest first; `before`: only those created before that time."""
        wanted = list(states) or list(JobState)
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT facts FROM jobs WHERE created < ? AND state IN ({marks}) ORDER BY created DESC LIMIT ?"
        return self._read(query, (1e18 if before is None else before, *wanted, limit))

    def count(self, *states: JobState) -> int:
        """Number of jobs in any of these states."""
        marks = ", ".join("?" * len(states))
        return int(self._database.execute(f"SELECT count(*) FROM jobs WHERE state IN ({marks})", states).fetchone()[0])

    def _read(self, query: str, values: Sequence[Any]) -> list[Job]:
        return [_job(json.loads(facts)) for (facts,) in self._database.execute(query, values).fetchall()]


def _job(facts: dict[str, Any]) -> Job:
    known = {name: value for name, value in facts.items() if name in Job.__dataclass_fields__}
    progress = {name: value for name, value in known["progress"].items() if name in JobProgress.__dataclass_fields__}
    return Job(**{
        **known,
        "kind": JobKind(known["kind"]),
        "state": JobState(known["state"]),
        "wish": Wish(known["wish"]),
        "progress": JobProgress(**progress),
        "notes": tuple(known["notes"]),
    })  # fmt: skip
