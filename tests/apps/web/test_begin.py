"""How jobs begin: beside whatever else the server does, and one at a time of a lane."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from unpaired.apps.web import machine
from unpaired.apps.web.commands import Commands
from unpaired.apps.web.database import open_database
from unpaired.apps.web.events import Events
from unpaired.apps.web.jobs import Job, JobKind, JobState
from unpaired.apps.web.looks import Looks
from unpaired.apps.web.models import Models
from unpaired.apps.web.places import Places
from unpaired.apps.web.queue.runner import Queue
from unpaired.apps.web.queue.store import Store
from unpaired.apps.web.settings import WebSettings


class Slow(Commands):
    """Looks through folders for as long as it is told to."""

    go_on = threading.Event()

    def of(self, job: Job) -> list[str]:
        """Any short command, after a while."""
        assert self.go_on.wait(60)
        return ["domains"]


@pytest.fixture
def queue(tmp_path: Path) -> tuple[Queue, str]:
    """A queue whose folders are slow to look through, and the id of a file."""
    settings = WebSettings(home=tmp_path / "home")
    for folder in (settings.uploads / "one", settings.jobs, settings.runs, settings.results):
        folder.mkdir(parents=True)
    (settings.uploads / "one" / "a.png").write_bytes(b"no picture")
    database = open_database(settings.database)
    places = Places(settings, database)
    models = Models(settings, places)
    commands = Slow(settings, places, models, Looks(settings, models))
    made = Queue(settings, Store(database), commands, places, Events())
    return made, places.id_of(settings.uploads / "one" / "a.png")


@contextmanager
def walking() -> Iterator[None]:
    """Meanwhile folders are being looked through, and it takes long."""
    Slow.go_on.clear()
    try:
        yield
    finally:
        Slow.go_on.set()


async def until(queue: Queue, id: str, *states: JobState) -> Job:
    while queue.job(id).state not in states:
        await asyncio.sleep(0.02)
    return queue.job(id)


def test_the_server_goes_on_while_folders_are_looked_through(queue: tuple[Queue, str]) -> None:
    async def story() -> None:
        made, id = queue
        with walking():
            asked = asyncio.create_task(made.submit(JobKind.INSPECT, {"a": id}))
            for _ in range(20):
                await asyncio.sleep(0)
            assert (made.live(), asked.done()) == ([], False)
        job = await asked
        assert (await until(made, job.id, JobState.DONE, JobState.FAILED)).state is JobState.DONE

    asyncio.run(asyncio.wait_for(story(), 120))


@pytest.mark.parametrize("asked", ["cancel", "pause"])
def test_what_is_asked_of_a_job_that_is_about_to_begin_holds(queue: tuple[Queue, str], asked: str) -> None:
    async def story() -> None:
        made, id = queue
        Slow.go_on.set()
        first = await made.submit(JobKind.INSPECT, {"a": id})
        second = await made.submit(JobKind.INSPECT, {"a": id})
        assert second.state is JobState.QUEUED
        while made.job(first.id).process is None:  # else it is the first one that folders are looked through for
            await asyncio.sleep(0.005)
        with walking():
            await until(made, second.id, JobState.RUNNING)
            await until(made, first.id, JobState.DONE)
            state = getattr(made, asked)(second.id).state
            assert state in (JobState.CANCELLED, JobState.PAUSED)
            made.remove(second.id) if asked == "cancel" else made.resume(second.id)
        if asked == "pause":
            assert (await until(made, second.id, JobState.DONE, JobState.FAILED)).state is JobState.DONE
        else:
            third = await made.submit(JobKind.INSPECT, {"a": id})
            await until(made, third.id, JobState.DONE)
            assert [job.id for job in made.newest()] == [third.id, first.id]
        assert not (made.folder(second) / "alive").exists() or asked == "pause"

    asyncio.run(asyncio.wait_for(story(), 120))


def test_what_could_not_be_converted_is_forgotten_when_it_is_tried_again(queue: tuple[Queue, str]) -> None:
    async def story() -> None:
        made, id = queue
        Slow.go_on.set()
        job = await made.submit(JobKind.INSPECT, {"a": id})
        done = await until(made, job.id, JobState.DONE)
        made._store.put(replace(done, state=JobState.FAILED, refused=("a.png: no picture",)))
        again = made.retry(job.id)
        assert (again.state, again.refused) == (JobState.RUNNING, ())
        await until(made, job.id, JobState.DONE)

    asyncio.run(asyncio.wait_for(story(), 120))


@pytest.mark.parametrize(
    ("usual", "alike", "other"),
    [("cuda:0", ("auto", "cuda", "cuda:0"), ("cpu", "cuda:1")), ("cpu", ("auto", "cpu"), ("cuda:0", "mps")),
     ("mps", ("auto", "mps"), ("cpu",))],
)  # fmt: skip
def test_names_of_one_device_are_one_lane(
    usual: str, alike: tuple[str, ...], other: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "usual_device", lambda: usual)

    def lane(device: str) -> str:
        return Job(JobKind.CONVERT, {}, "a.png", device=device).lane

    assert {lane(device) for device in alike} == {f"{usual}/converting"}
    assert f"{usual}/converting" not in {lane(device) for device in other}


def test_a_busy_machine_is_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = len(machine.os.sched_getaffinity(0))
    for load, times in {0.0: max(1.0, 1 / cores), 0.5: max(1.0, 1.5 / cores), 6.0 * cores: 6 + 1 / cores}.items():
        monkeypatch.setattr(machine.os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert machine.slowdown() == pytest.approx(times)
