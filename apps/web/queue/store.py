"""Jobs in the database."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from unpaired import MissingFile
from unpaired.apps.web.database import Database
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.core.settings import to_mapping

_LOG = logging.getLogger("unpaired.web")


class NoSuchJob(MissingFile):
    """An id of no job."""


class Store:
    """Every job there was, also after a restart.

    What a full disk does not take is remembered, and written down as soon as there is room.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unwritten: dict[str, Job] = {}

    def add(self, job: Job) -> Job:
        """Keep a new job, behind all others of its lane, and return it as kept."""
        ((last,),) = self._database.read("SELECT max(position) FROM jobs WHERE lane = ?", (job.lane,))
        return self.put(replace(job, position=(last or 0.0) + 1.0))

    def put(self, job: Job) -> Job:
        """Keep a job as it is now."""
        self._unwritten[job.id] = job
        rows = [(each.id, each.state, each.lane, each.position, each.created, json.dumps(to_mapping(each)))
                for each in self._unwritten.values()]  # fmt: skip
        try:
            self._database.write("INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._unwritten.clear()
        except sqlite3.OperationalError as error:
            _LOG.warning("the queue cannot be written down: %s", error)
        return job

    def get(self, id: str) -> Job:
        """The job of that id. Raises NoSuchJob."""
        if id in self._unwritten:
            return self._unwritten[id]
        for job in self._read("SELECT facts FROM jobs WHERE id = ?", (id,)):
            return job
        raise NoSuchJob("there is no such job (any more)")

    def remove(self, id: str) -> None:
        """Forget a job."""
        self._unwritten.pop(id, None)
        self._database.write("DELETE FROM jobs WHERE id = ?", [(id,)])

    def in_states(self, *states: JobState) -> list[Job]:
        """The jobs in any of these states, in the order of their lanes."""
        marks = ", ".join("?" * len(states))
        found = self._read(f"SELECT facts FROM jobs WHERE state IN ({marks})", states)
        return sorted(self._as_now(found, states), key=lambda job: (job.position, job.created))

    def newest(self, limit: int = 50, before: float | None = None, states: Iterable[JobState] = ()) -> list[Job]:
        """The newest jobs, newest first; `before`: only those created before that time."""
        wanted = list(states) or list(JobState)
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT facts FROM jobs WHERE created < ? AND state IN ({marks}) ORDER BY created DESC LIMIT ?"
        return self._as_now(self._read(query, (1e18 if before is None else before, *wanted, limit)), wanted)

    def count(self, *states: JobState) -> int:
        """Number of jobs in any of these states."""
        return len(self.in_states(*states))

    def _as_now(self, found: list[Job], states: Sequence[JobState]) -> list[Job]:
        """Jobs read from the disk, with what could not be written there."""
        if not self._unwritten:
            return found
        now = {job.id: job for job in found} | self._unwritten
        return [job for job in now.values() if job.state in states]

    def _read(self, query: str, values: Sequence[Any]) -> list[Job]:
        return [_job(json.loads(facts)) for (facts,) in self._database.read(query, values)]


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
        "refused": tuple(known.get("refused", ())),
    })  # fmt: skip
