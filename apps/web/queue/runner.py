"""The queue: which job runs, and what is asked of it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unpaired import ConfigError, UnpairedError
from unpaired.apps.web.commands import Commands
from unpaired.apps.web.errors import TooMany
from unpaired.apps.web.events import Events
from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.apps.web.lengths import extended
from unpaired.apps.web.machine import slowdown
from unpaired.apps.web.places import Places
from unpaired.apps.web.queue.child import Child
from unpaired.apps.web.queue.outcome import outcome, saved_step, stopped
from unpaired.apps.web.queue.store import NoSuchJob, Store
from unpaired.apps.web.requests import read_request
from unpaired.apps.web.settings import WebSettings

_LOG = logging.getLogger("unpaired.web")
_LOOK = 0.1
"""Seconds between two looks at a running command."""
_GRACE = 0.9
"""Seconds a cancelled command has to clean up; a cancellation is through within two."""
_TO_YIELD = 60.0
"""Seconds a training has to save itself when the server ends."""


@dataclass
class _Running:
    job: Job
    child: Child
    asked: float | None = None
    """When its end was asked for, by `time.monotonic`."""


class Queue:
    """All jobs: one at a time of each lane. Methods are called in the event loop's thread; what a page may call is
    `submit`, `job`, `live`, `newest`, the actions `cancel pause resume extend stop retry again move remove`, and
    `folder`."""

    def __init__(self, settings: WebSettings, store: Store, commands: Commands, places: Places, events: Events) -> None:
        self._settings = settings
        self._store = store
        self._commands = commands
        self._places = places
        self._events = events
        self._running: dict[str, _Running] = {}
        self._starting: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    # -- what there is ------------------------------------------------------------------------------
    def job(self, id: str) -> Job:
        """A job as it is at this moment. Raises NoSuchJob."""
        return self._running[id].job if id in self._running else self._store.get(id)

    def live(self) -> list[Job]:
        """Jobs that run, wait or are paused, in the order of their lanes."""
        found = self._store.in_states(JobState.RUNNING, JobState.PAUSED, JobState.QUEUED)
        return [self._running[job.id].job if job.id in self._running else job for job in found]

    def newest(self, limit: int = 50, before: float | None = None, states: tuple[JobState, ...] = ()) -> list[Job]:
        """The history, newest first; `before`: only jobs created before that time."""
        found = self._store.newest(limit, before, states)
        return [self._running[job.id].job if job.id in self._running else job for job in found]

    def folder(self, job: Job) -> Path:
        """Where log, output and thumbnails of a job are: below no root, so that no id leads there."""
        return self._settings.jobs / job.id

    # -- what can be asked --------------------------------------------------------------------------
    async def submit(self, kind: JobKind, request: Mapping[str, Any], run: str = "") -> Job:
        """Put a new job behind the others; `run`: the folder of a training that is there already, and goes on.

        Raises UnpairedError: the request is wrong, or too many wait.
        """
        asked = read_request(kind, request)
        if self._store.count(JobState.QUEUED) >= self._settings.waiting_limit:
            raise TooMany(f"{self._settings.waiting_limit} jobs wait already; cancel some, or come back later")
        title, folder = self._named(kind, asked, run)
        job = Job(kind, dict(request), title, device=getattr(asked, "device", "auto"), run=folder)
        await asyncio.to_thread(self._commands.check, job)  # what went away is said now, not when its turn comes
        title, folder = self._named(kind, asked, run)  # another one may have taken the name meanwhile
        job = self._store.add(replace(job, title=title, run=folder))
        self._tell(job)
        self.schedule()
        return self.job(job.id)

    def cancel(self, id: str) -> Job:
        """End a job and throw away what it made, except the run folder of a training."""
        job = self._allowed(id, "cancel")
        if id in self._running:
            self._wish(job, Wish.CANCEL)
            self._running[id].child.send(signal.SIGTERM)
            self._running[id].child.send(signal.SIGCONT)
            return self.job(id)
        job = self._keep(replace(job, state=JobState.CANCELLED, ended=time.time()))
        self.schedule()
        return job

    def pause(self, id: str) -> Job:
        """Hold a waiting job back; stop a conversion where it is; have a training save itself and end."""
        job = self._allowed(id, "pause")
        running = self._running.get(id)
        if running is None or job.state is JobState.QUEUED:
            job = self._keep(replace(job, state=JobState.PAUSED))
        elif job.kind.trains:
            self._wish(job, Wish.PAUSE)
            running.child.send(signal.SIGTERM)
            return self.job(id)
        else:
            running.child.send(signal.SIGSTOP)
            job = self._keep(replace(job, state=JobState.PAUSED, seconds=_ran(job), started=None))
        self.schedule()
        return job

    def resume(self, id: str) -> Job:
        """Put a paused job, or a training that ended before its last step, back into the queue."""
        job = self._allowed(id, "resume")
        job = self._keep(replace(job, state=JobState.QUEUED, error="", notes=(), ended=None))
        self.schedule()
        return self.job(id)

    async def extend(self, id: str, more: Mapping[str, Any]) -> Job:
        """Have a training that is through go on where it ended, for so many `minutes` or `steps` more."""
        job = self._allowed(id, "extend")
        job = extended(job, self._saved(job), more)
        await asyncio.to_thread(self._commands.check, job)
        self._allowed(id, "extend")
        self._keep(replace(job, state=JobState.QUEUED, error="", notes=(), ended=None))
        self.schedule()
        return self.job(id)

    def stop(self, id: str) -> Job:
        """End a training and keep what it has learned."""
        job = self._allowed(id, "stop")
        if id in self._running:
            self._wish(job, Wish.STOP)
            self._running[id].child.send(signal.SIGTERM)
            return self.job(id)
        return self._keep(replace(stopped(job, self._saved(job)), ended=time.time()))

    def retry(self, id: str) -> Job:
        """Carry a job out again that failed, was cancelled or lost."""
        job = self._allowed(id, "retry")
        shutil.rmtree(self._commands.result_folder(job), ignore_errors=True)
        self._keep(job.afresh())
        self.schedule()
        return self.job(id)

    async def again(self, id: str, changes: Mapping[str, Any] | None = None) -> Job:
        """A new job with the request of an earlier one, changed or not."""
        job = self.job(id)
        return await self.submit(job.kind, {**job.request, **(changes or {})})

    def move(self, id: str, before: str | None = None) -> Job:
        """Put a waiting job in front of another one of its lane, or behind all."""
        job = self._allowed(id, "move")
        waiting = [each for each in self._store.in_states(JobState.QUEUED) if each.lane == job.lane and each.id != id]
        places = [each.id for each in waiting]
        if before is not None and before not in places:
            raise ConfigError("that job does not wait in the same queue (any more)")
        at = len(waiting) if before is None else places.index(before)
        lower = waiting[at - 1].position if at else waiting[0].position - 2.0 if waiting else job.position
        upper = waiting[at].position if at < len(waiting) else lower + 2.0
        return self._keep(replace(job, position=(lower + upper) / 2))

    def remove(self, id: str) -> None:
        """Forget a job that has ended, with its results and its log. The run folder of a training stays."""
        job = self._allowed(id, "remove")
        for folder in (self._commands.result_folder(job), self.folder(job)):
            shutil.rmtree(folder, ignore_errors=True)
        self._store.remove(id)
        self._tell(job, removed=True)

    # -- carrying out -------------------------------------------------------------------------------
    def start(self) -> None:
        """Find the jobs of an earlier server again, and begin with those that wait."""
        for job in self._store.in_states(JobState.RUNNING, JobState.PAUSED, JobState.QUEUED):
            if job.state is JobState.RUNNING or job.process is not None:
                self._follow(_Running(job, Child.find(self.folder(job), job.process)))
        self.schedule()

    async def close(self) -> None:
        """End what runs, so that it goes on at the next start: a training saves itself, a conversion begins anew."""
        self._closing = True
        for running in list(self._running.values()):
            if running.job.state is JobState.RUNNING and running.job.wish is Wish.NONE:
                self._wish(running.job, Wish.YIELD)
                running.child.send(signal.SIGTERM)
            elif running.job.state is not JobState.RUNNING:  # stopped in the middle
                self._wish(running.job, Wish.PAUSE if running.job.state is JobState.PAUSED else Wish.YIELD)
                running.child.send(signal.SIGKILL)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_TO_YIELD + _GRACE)

    def schedule(self) -> None:
        """Begin with the first waiting job of every lane in which none runs."""
        if self._closing:
            return
        busy = {each.job.lane for each in self._running.values() if each.job.state is JobState.RUNNING}
        busy |= set(self._starting.values())
        for job in self._store.in_states(JobState.QUEUED):
            if job.lane not in busy and job.id not in self._starting:
                busy.add(job.lane)
                self._begin(job)

    def _begin(self, job: Job) -> None:
        """Start a job, or let a stopped one go on."""
        running = self._running.get(job.id)
        if running is not None:
            running.child.send(signal.SIGCONT)
            self._keep(replace(running.job, state=JobState.RUNNING, started=time.time()))
            return
        so_far = job.progress if job.kind.trains else JobProgress()
        job = replace(job, state=JobState.RUNNING, started=time.time(), process=None, wish=Wish.NONE, progress=so_far,
                      slowdown=slowdown())  # fmt: skip
        self._starting[job.id] = job.lane
        task = asyncio.get_running_loop().create_task(self._start(self._keep(job)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, job: Job) -> None:
        """Start the command of a job, unless something else was asked of the job meanwhile."""
        try:
            words = await asyncio.to_thread(self._commands.of, job)
            if not self._closing and self._is_as_it_was(job):
                if not job.kind.trains:
                    self._commands.result_folder(job).mkdir(parents=True, exist_ok=True)
                child = Child.start(self.folder(job), words)
                self._follow(_Running(self._keep(replace(job, process=child.pid)), child))
        except (UnpairedError, OSError) as error:
            text = str(error) if isinstance(error, UnpairedError) else f"it cannot be started: {error.strerror}"
            self._keep(replace(job, state=JobState.FAILED, ended=time.time(), error=self._places.redact(text)))
        finally:
            del self._starting[job.id]
            self.schedule()

    def _is_as_it_was(self, job: Job) -> bool:
        try:
            now = self._store.get(job.id)
        except NoSuchJob:
            return False
        return (now.state, now.started) == (job.state, job.started)

    def _follow(self, running: _Running) -> None:
        self._running[running.job.id] = running
        if running.job.kind.trains:  # what an earlier part of it has come to holds until this one tells more
            running.child.reader.progress = running.job.progress
        task = asyncio.get_running_loop().create_task(self._watch(running))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._watched(running, done))

    def _watched(self, running: _Running, task: asyncio.Task[None]) -> None:
        """No job may hang for a fault of ours."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("job %s", running.job.id, exc_info=task.exception())
            self._running.pop(running.job.id, None)
            told = "This is a fault of unpaired, please report it; the terminal says more."
            self._keep(replace(running.job, state=JobState.FAILED, wish=Wish.NONE, ended=time.time(), error=told))
            self.schedule()

    async def _watch(self, running: _Running) -> None:
        """Look at a command until it has ended."""
        while running.child.is_alive():
            if running.child.reader.read():
                running.job = running.job.advanced(running.child.reader.progress, _ran(running.job))
                self._tell(running.job)
            self._press(running)
            await asyncio.sleep(_LOOK)
        while running.child.reader.read():
            pass
        running.child.clear()
        self._finish(running)

    def _press(self, running: _Running) -> None:
        """Kill what does not end in time."""
        wish = running.job.wish
        allowed = _GRACE if wish is Wish.CANCEL or not running.job.kind.trains else _TO_YIELD
        if wish in (Wish.CANCEL, Wish.YIELD) and running.asked and time.monotonic() - running.asked > allowed:
            running.child.send(signal.SIGKILL)

    def _finish(self, running: _Running) -> None:
        job, child = running.job, running.child
        ended = outcome(job, child, self.folder(job), self._places.redact, self._saved(job))
        del self._running[job.id]
        waits = ended.state in (JobState.QUEUED, JobState.PAUSED)
        self._keep(replace(ended, seconds=_ran(job), started=None if waits else job.started,
                           ended=None if waits else time.time()))  # fmt: skip
        if ended.state not in (JobState.DONE, JobState.PAUSED):
            shutil.rmtree(self._commands.result_folder(job), ignore_errors=True)
        self.schedule()

    # -- bookkeeping --------------------------------------------------------------------------------
    def _wish(self, job: Job, wish: Wish) -> None:
        self._keep(replace(job, wish=wish))
        self._running[job.id].asked = time.monotonic()

    def _saved(self, job: Job) -> int:
        """The step of a training's newest model; 0 before the first."""
        return saved_step(self._commands.run_folder(job)) if job.kind.trains else 0

    def _allowed(self, id: str, action: str) -> Job:
        job = self.job(id)
        if action not in job.actions():
            raise ConfigError(f"a job that is {job.wish or job.state} cannot be asked to {action}")
        return job

    def _keep(self, job: Job) -> Job:
        """Take a job's new state down, and tell of it."""
        if job.id in self._running:
            self._running[job.id].job = job
        self._store.put(job)
        self._tell(job)
        return job

    def _tell(self, job: Job, removed: bool = False) -> None:
        facts = {"job": job.id, "kind": job.kind, "state": job.state, "share": job.progress.share, "run": job.run}
        self._events.publish(job.id, {**facts, "removed": removed})

    def _named(self, kind: JobKind, asked: Any, run: str) -> tuple[str, str]:
        """Title of a job, and of a training the name of its run folder, which is new unless it is given."""
        if run:
            return run, run
        if not kind.trains:
            return self._places.place(asked.a if kind is JobKind.INSPECT else asked.input).name, ""
        wanted = asked.name.strip() or f"{kind} {time.strftime('%Y-%m-%d %H-%M')}"
        taken = {each.run for each in self.live() if each.run}
        name, number = wanted, 1
        while name in taken or (self._settings.runs / name).exists():
            number += 1
            name = f"{wanted} {number}"
        return name, name


def _ran(job: Job) -> float:
    """Seconds a job has run."""
    return job.seconds + (time.time() - job.started if job.started is not None else 0.0)
