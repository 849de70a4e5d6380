"""What becomes of jobs: in order, paused, cancelled, killed, and found again after the server was killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow
from PIL import ImageStat
from web_server import Server, serving

from unpaired.apps.web.jobs import Job, JobKind, JobProgress, JobState, Wish
from unpaired.apps.web.queue.child import NICE, Child
from unpaired.apps.web.queue.outcome import outcome, stopped

TINY = {
    "training": {"workers": 0, "log_every": 1, "preview_every": 1000, "checkpoint_every": 100_000},
    "domain": {"size": 32},
}
"""A training that saves itself only when it is asked to end, however slow the machine is."""


PICTURES = 12
"""Pictures of an album: a conversion that takes its time, and begins at once, for pictures need no torch."""


def upload_album(server: Server, assets: Path) -> str:
    """The id of a folder of pictures."""
    folder = str(server.ask("POST", "/api/uploads/folders", 201, json={"name": "album"})["id"])
    picture = (assets / "day2night" / "square.jpg").read_bytes()
    for number in range(PICTURES):
        params = {"name": f"{number:02}.jpg", "folder": folder}
        server.ask("PUT", "/api/uploads", 201, params=params, content=picture)
    return folder


@pytest.fixture(scope="module")
def album(server: Server, assets: Path) -> str:
    """The id of one."""
    return upload_album(server, assets)


@pytest.fixture(scope="module")
def photo(server: Server, assets: Path) -> str:
    """The id of a picture."""
    return server.upload(assets / "day2night" / "square.jpg")


def sides(server: Server) -> dict[str, str]:
    """Ids of the folders of day and night pictures."""
    (root,) = server.ask("GET", "/api/places")
    assets = {each["name"]: each["id"] for each in server.ask("GET", "/api/places", params={"id": root["id"]})}
    found = server.ask("GET", "/api/places", params={"id": assets["day2night"]})
    ids = {each["name"]: each["id"] for each in found}
    return {"a": ids["day"], "b": ids["night"]}


def train(server: Server, steps: int, name: str) -> dict[str, Any]:
    """Submit a tiny training."""
    settings = {**TINY, "training": {**TINY["training"], "steps": steps}}
    return server.submit("train", **sides(server), name=name, preset="tiny", settings=settings)


def begun(job: dict[str, Any]) -> bool:
    """Whether a conversion has done some, or a training is past its first steps."""
    assert job["state"] in ("queued", "running"), job
    return (job["progress"]["share"] or 0) > 0.02 or job["progress"]["step"] > 3


def process_of(home: Path, job: str) -> int:
    """The process of a job, as its command tells."""
    line = (home / "jobs" / job / "progress.jsonl").read_text().splitlines()[0]
    return int(line.removeprefix('{"pid": ').removesuffix("}"))


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_cancelled_conversion_ends_and_leaves_nothing(server: Server, album: str) -> None:
    job = server.submit("convert", input=album, model="day2night")["id"]
    server.wait(job, begun)
    pid = process_of(server.home, job)
    server.ask("POST", f"/api/jobs/{job}/cancel")
    assert server.wait(job)["state"] == "cancelled"
    assert is_gone(pid)
    assert not (server.home / "results" / job).exists()
    assert server.ask("GET", f"/api/jobs/{job}")["actions"] == ["retry", "again", "remove"]


def test_jobs_of_one_lane_run_in_order_and_a_paused_one_lets_the_next_go_first(
    server: Server, album: str, photo: str
) -> None:
    first = server.submit("convert", input=album, model="day2night")["id"]
    server.wait(first, begun)
    second = server.submit("convert", input=photo, model="day2night", settings={"strength": 0.5})["id"]
    third = server.submit("convert", input=photo, model="day2night")["id"]
    assert server.ask("GET", f"/api/jobs/{second}")["state"] == "queued"
    moved = server.ask("POST", f"/api/jobs/{third}/move", json={"before": second})
    assert moved["state"] == "queued"
    paused = server.ask("POST", f"/api/jobs/{first}/pause")
    assert paused["state"] == "paused"
    assert [job["id"] for job in server.ask("GET", "/api/jobs", params={"state": "live"})] == [first, third, second]
    ended = {job: server.wait(job) for job in (third, second)}
    assert ended[third]["ended"] < ended[second]["started"] + 0.5
    still = server.ask("GET", f"/api/jobs/{first}")
    assert still["state"] == "paused"
    assert still["progress"]["share"] < 1
    server.ask("POST", f"/api/jobs/{first}/resume")
    done = server.wait(first)
    assert done["state"] == "done"
    assert len(done["results"]) == PICTURES


def test_a_job_that_is_killed_is_told_and_the_queue_goes_on(server: Server, album: str, photo: str) -> None:
    job = server.submit("convert", input=album, model="day2night")["id"]
    after = server.submit("convert", input=photo, model="day2night")["id"]
    server.wait(job, begun)
    os.kill(process_of(server.home, job), signal.SIGKILL)
    lost = server.wait(job)
    assert lost["state"] == "lost"
    assert lost["error"].startswith("Its program was ended from outside, perhaps since memory ran out; ")
    assert "again" in lost["error"]
    assert server.wait(after)["state"] == "done"
    server.ask("POST", f"/api/jobs/{job}/retry")
    assert server.wait(job)["state"] == "done"


def test_again_is_a_new_job_with_the_same_settings_and_another(server: Server, photo: str) -> None:
    first = server.submit("convert", input=photo, model="day2night-video", settings={"strength": 0.5})
    server.wait(first["id"])
    second = server.ask("POST", f"/api/jobs/{first['id']}/again", 201, json={"settings": {"strength": 1}})
    assert second["id"] != first["id"]
    assert second["request"] == {**first["request"], "settings": {"strength": 1}}
    server.wait(second["id"])
    made = [next((server.home / "results" / job["id"]).rglob("*.jpg")) for job in (first, second)]
    dusk, night = (ImageStat.Stat(Pillow.open(file).convert("L")).mean[0] for file in made)
    assert dusk > 1.2 * night, "half of a night is brighter"
    server.ask("DELETE", f"/api/jobs/{first['id']}", 204)
    server.ask("GET", f"/api/jobs/{first['id']}", 404)
    assert not (server.home / "results" / first["id"]).exists()
    assert not (server.home / "jobs" / first["id"]).exists()


def test_a_training_runs_beside_a_conversion_is_paused_resumed_stopped_kept_and_used(
    server: Server, photo: str
) -> None:
    job = train(server, 5000, "Winter")["id"]
    server.wait(job, begun)
    other = server.submit("convert", input=photo, model="day2night")["id"]
    assert server.wait(other)["state"] == "done"
    server.ask("POST", f"/api/jobs/{job}/pause")
    paused = server.wait(job, ("paused", "done"))
    assert paused["state"] == "paused"
    step = paused["progress"]["step"]
    server.ask("POST", f"/api/jobs/{job}/resume")
    server.wait(job, lambda seen: seen["state"] == "running" and seen["progress"]["step"] > step)
    server.ask("POST", f"/api/jobs/{job}/stop")
    kept = server.wait(job)
    assert kept["state"] == "done", kept["error"]
    assert f"stopped at step {kept['progress']['step']}" in kept["notes"][0]
    assert kept["run_name"] == "Winter"
    assert kept["actions"] == ["resume", "extend", "again", "remove"]
    models = {model["name"]: model for model in server.ask("GET", "/api/models")}
    assert models["Winter"]["id"] == kept["run"]
    assert server.wait(server.submit("convert", input=photo, model=kept["run"])["id"])["state"] == "done"
    (run,) = server.ask("GET", "/api/runs")
    assert (run["run"], run["id"]) == ("Winter", kept["run"])
    log = (server.home / "runs" / "Winter" / "metrics.jsonl").read_text().splitlines()
    steps = [line.partition(",")[0] for line in log]
    assert steps == [f'{{"step": {step}' for step in range(1, kept["progress"]["step"] + 1)]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose jobs are ended with the test."""
    yield tmp_path / "home"
    for file in (tmp_path / "home" / "jobs").glob("*/progress.jsonl"):
        pid = process_of(tmp_path / "home", file.parent.name)
        if not is_gone(pid) and str(tmp_path) in Path(f"/proc/{pid}/cmdline").read_text():
            os.killpg(pid, signal.SIGKILL)


def test_a_training_outlives_the_server_is_found_again_lost_and_resumed(home: Path, assets: Path) -> None:
    with serving(home, "--folder", assets) as server:
        job = train(server, 5000, "Night")["id"]
        waiting = train(server, 2, "Later")["id"]
        server.wait(job, begun)
        pid = process_of(home, job)
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
    assert not is_gone(pid)
    with serving(home, "--folder", assets) as server:
        found = server.ask("GET", f"/api/jobs/{job}")
        assert found["state"] == "running"
        assert process_of(home, job) == pid
        server.wait(job, lambda seen: seen["progress"]["step"] > found["progress"]["step"] + 2)
        assert server.ask("GET", f"/api/jobs/{waiting}")["state"] == "queued"
        server.end(signal.SIGKILL)
    os.killpg(pid, signal.SIGKILL)  # and now the machine goes down
    while not is_gone(pid):
        time.sleep(0.05)
    with serving(home, "--folder", assets) as server:
        lost = server.wait(job)
        assert lost["state"] == "lost"
        assert lost["actions"] == ["resume", "again", "remove"]
        assert server.wait(waiting)["state"] == "done"
        assert "nothing was saved yet" in lost["error"]
        assert lost["progress"]["step"] == 0
        server.ask("POST", f"/api/jobs/{job}/resume")
        server.ask("POST", f"/api/jobs/{job}/stop")  # while it starts
        stopped = server.wait(job)
        assert stopped["state"] == "cancelled"
        assert "nothing is kept" in stopped["error"]
        assert "Night" not in [model["name"] for model in server.ask("GET", "/api/models")]
        server.ask("POST", f"/api/jobs/{job}/resume")
        server.wait(job, begun)
        server.ask("POST", f"/api/jobs/{job}/cancel")
        assert server.wait(job)["state"] == "cancelled"
        assert (home / "runs" / "Night" / "config.yaml").is_file()  # a training is not thrown away


def test_what_ended_while_no_server_ran_is_taken_down(home: Path, assets: Path) -> None:
    with serving(home, "--folder", assets) as server:
        job = server.submit("convert", input=upload_album(server, assets), model="day2night")["id"]
        broken = server.upload(assets / "README.md", "broken.png")
        server.wait(job, begun)
        failing = server.submit("inspect", a=broken)["id"]
        pid = process_of(home, job)
        server.end(signal.SIGKILL)
    while not is_gone(pid):
        time.sleep(0.05)
    with serving(home, "--folder", assets) as server:
        done = server.wait(job)
        assert done["state"] == "done"
        assert len(done["results"]) == PICTURES
        assert server.wait(failing)["state"] in ("failed", "done")


def test_a_server_that_is_ended_puts_its_jobs_back(home: Path, assets: Path) -> None:
    with serving(home, "--folder", assets) as server:
        job = train(server, 30, "Spring")["id"]
        server.wait(job, begun)
        held = server.submit("convert", input=upload_album(server, assets), model="day2night")["id"]
        server.wait(held, begun)
        server.ask("POST", f"/api/jobs/{held}/pause")
        pids = [process_of(home, job), process_of(home, held)]
        assert server.end(signal.SIGINT) == 0
    assert all(map(is_gone, pids))
    with serving(home, "--folder", assets) as server:
        done = server.wait(job)
        assert done["state"] == "done", done["error"]
        assert done["progress"]["step"] == 30
        assert server.ask("GET", f"/api/jobs/{held}")["state"] == "paused"
        server.ask("POST", f"/api/jobs/{held}/resume")
        assert done["actions"] == ["extend", "again", "remove"]
        assert "Train on" in server.ask_text(f"/train/{job}")
        server.ask("POST", f"/api/jobs/{job}/extend", json={"steps": 5})
        assert server.wait(held)["state"] == "done"
        longer = server.wait(job)
        assert (longer["state"], longer["progress"]["step"]) == ("done", 35), longer["error"]
        assert longer["request"]["settings"]["training"]["steps"] == 35
    log = (home / "runs" / "Spring" / "metrics.jsonl").read_text().splitlines()
    assert [line.partition(",")[0] for line in log] == [f'{{"step": {step}' for step in range(1, 36)]


def test_a_database_that_is_damaged_is_named(home: Path, program: Any) -> None:
    home.mkdir()
    (home / "queue.sqlite").write_bytes(b"no database" * 1000)
    done = program("-m", "unpaired.apps.main", "web", "--no-browser", "--port", "0", "--home", home)
    assert done.code == 2
    assert "queue.sqlite is damaged" in done.err
    newer = sqlite3.connect(home / "newer.sqlite")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    (home / "newer.sqlite").rename(home / "queue.sqlite")
    done = program("-m", "unpaired.apps.main", "web", "--no-browser", "--port", "0", "--home", home)
    assert done.code == 2
    assert "newer version" in done.err


def test_a_job_leaves_the_cores_to_the_page(tmp_path: Path) -> None:
    child = Child.start(tmp_path, ["models"])
    assert child.pid is not None
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
    while child.is_alive():
        time.sleep(0.1)
    assert child.code == 0


@pytest.mark.parametrize(
    ("wish", "code", "saved", "state"),
    [("pause", 130, 7, "paused"), ("pause", None, 5, "paused"), ("pause", None, 0, "paused"), ("stop", 130, 7, "done"),
     ("stop", None, 5, "done"), ("stop", None, 0, "cancelled"), ("stop", 130, 0, "cancelled"),
     ("yield", None, 0, "queued"), ("yield", 130, 7, "queued"), ("cancel", None, 7, "cancelled"),
     ("", 130, 7, "paused"), ("", None, 5, "lost"), ("", None, 0, "lost"), ("stop", 0, 9, "done"),
     ("stop", 2, 7, "failed"), ("", 1, 7, "failed")],
)  # fmt: skip
def test_a_training_that_is_asked_to_end_at_any_moment(
    tmp_path: Path, wish: str, code: int | None, saved: int, state: str
) -> None:
    """Also while its command is still starting, and a signal ends it without a word; `saved`: step of its model."""
    step = 9 if code == 0 else 7
    lines = [{"pid": 1}, {"step": step, "steps": 9}, *([{"error": "no", "code": code}] if code is not None else [])]
    (tmp_path / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    child = Child.find(tmp_path, 1)
    child.reader.read()
    job = Job(JobKind.TRAIN, {}, "Winter", state=JobState.RUNNING, wish=Wish(wish), run="Winter")
    ended = outcome(job, child, tmp_path, str, saved)
    assert ended.state == state
    assert ended.wish is Wish.NONE
    assert (ended.progress.step, ended.progress.steps) == (saved, 9)
    kept = [note for note in ended.notes if "what it has learned so far is kept" in note]
    assert bool(kept) == (state == "done" and code != 0)
    assert ("resume" in ended.actions()) == (state in ("paused", "cancelled", "lost", "failed") or bool(kept))


@pytest.mark.parametrize(("saved", "state"), [(0, "cancelled"), (5, "done")])
def test_a_paused_training_that_is_stopped_is_kept_as_far_as_it_was_saved(saved: int, state: str) -> None:
    job = Job(JobKind.TRAIN, {}, "Winter", state=JobState.PAUSED, progress=JobProgress(step=7, steps=9), run="Winter")
    ended = stopped(job, saved)
    assert (ended.state, ended.progress.step, ended.progress.steps) == (state, saved, 9)
    assert ("nothing is kept" in ended.error) == (not saved)
