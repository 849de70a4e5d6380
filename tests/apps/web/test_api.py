"""Jobs by the API, with a real server and real commands."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from web_server import TOKEN, Server

from unpaired.apps.web import files
from unpaired.apps.web.api import ACTIONS, ROUTES


def test_a_picture_goes_in_and_a_picture_comes_out(server: Server, assets: Path) -> None:
    photo = server.upload(assets / "day2night" / "square.jpg", "Straße 街.jpg")
    job = server.submit("convert", input=photo, model="day2night", settings={"strength": 1})
    assert job["title"] == "Straße 街.jpg"
    done = server.wait(job["id"])
    assert done["state"] == "done", done["error"]
    assert done["progress"]["share"] == 1
    (result,) = done["results"]
    assert result["name"] == "Straße 街.jpg"
    with server.client as client:
        made = np.asarray(Pillow.open(io.BytesIO(client.get(result["url"]).content)))
    source = np.asarray(Pillow.open(assets / "day2night" / "square.jpg"))
    assert made.shape == source.shape
    assert made.mean() < 0.7 * source.mean()  # night


def test_several_models_are_compared(server: Server, assets: Path) -> None:
    photo = server.upload(assets / "day2night" / "square.jpg")
    job = server.submit("compare", input=photo, models=["day2night", "day2night"])
    done = server.wait(job["id"])
    assert done["state"] == "done", done["error"]
    assert [result["name"] for result in done["results"]] == ["comparison.png"]


def test_a_folder_is_converted_and_what_is_broken_in_it_is_told(server: Server, assets: Path) -> None:
    folder = server.ask("POST", "/api/uploads/folders", 201, json={"name": "Ferien"})["id"]
    picture = (assets / "day2night" / "square.jpg").read_bytes()
    for name, data in {"one.jpg": picture, "two.jpg": picture, "text.png": b"Dear all"}.items():
        server.ask("PUT", "/api/uploads", 201, params={"name": name, "folder": folder}, content=data)
    job = server.wait(server.submit("convert", input=folder, model="day2night")["id"])
    assert job["state"] == "done", job["error"]
    assert [result["name"] for result in job["results"]] == ["one.jpg", "two.jpg"]
    assert job["notes"] == []
    assert job["error"] == "2 of the files were converted; 1 could not be."
    (refused,) = job["refused"]
    assert refused.count("text.png") == 1
    page = server.ask_text(f"/jobs/{job['id']}")
    assert f">{refused}<" in page, "named as it is called, and not among what was changed"
    assert "What had to be changed" not in page
    assert job["left_out"] == 1
    for told in (page, server.ask_text("/queue")):
        assert '<span class="badge partly">done, 1 left out</span>' in told


def test_a_file_that_a_model_is_not_for_is_refused_at_once(server: Server, assets: Path) -> None:
    photo = {"input": server.upload(assets / "day2night/square.jpg"), "models": ["day2night", "female-male"]}
    answer = server.ask("POST", "/api/jobs", 400, json={"kind": "compare", "request": photo})
    assert answer["error"] == "square.jpg is a picture, but the model is for voices and other sound"
    folder = server.ask("POST", "/api/uploads/folders", 201, json={"name": "leer"})["id"]
    asked = {"kind": "convert", "request": {"input": folder, "model": "day2night"}}
    assert "is empty" in server.ask("POST", "/api/jobs", 400, json=asked)["error"]
    recording = (assets / "speech/female-1.flac").read_bytes()
    server.ask("PUT", "/api/uploads", 201, params={"name": "a.flac", "folder": folder}, content=recording)
    assert "holds recordings alone, but" in server.ask("POST", "/api/jobs", 400, json=asked)["error"]
    for name, model in (("day2night/square.jpg", "female-male"), ("speech/female-1.flac", "day2night")):
        asked = {"input": server.upload(assets / name), "model": model}
        answer = server.ask("POST", "/api/jobs", 400, json={"kind": "convert", "request": asked})
        assert "but the model is for" in answer["error"]


FAULTY: list[tuple[str, dict[str, Any], list[str]]] = [
    ("convert", {"settings": {"strength": 7}}, ["strength is 7"]),
    ("convert", {"settings": {"strenth": 1, "strength": "much"}}, ["strenth", "settings.strength is 'much'"]),
    ("compare", {"settings": {"strength": -1}}, ["strength is -1"]),
    ("train", {"preset": "huge", "medium": "smell"}, ["preset is 'huge'", "medium is 'smell'", "same folder"]),
    ("train", {"recipe": "mapz"}, ["recipe is 'mapz'", "did you mean maps?"]),
    ("train", {"settings": {"training": {"minutes": -4, "step": 1}, "domain": {"size": "x"}}},
     ["training.minutes is -4", "settings.training.step is unknown", "settings.domain.size is 'x'"]),
    ("inspect", {"medium": "image", "settings": {"size": "x"}}, ["settings.size is 'x'"]),
    ("train", {"objective": "cut", "settings": {"objective": {"nce": "x"}, "training": {"minutes": -4}}},
     ["training.minutes is -4", "settings.objective.nce is unknown"]),
    ("inspect", {"medium": "tensors", "settings": {"size": "x"}}, ["settings.size is 'x'"]),
    ("distill", {"preset": "huge", "settings": {"training": {"steps": -1}}}, ["preset is", "training.steps is -1"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "request_", "said"), FAULTY)
def test_what_cannot_be_is_refused_at_once_with_all_its_faults(
    server: Server, assets: Path, kind: str, request_: dict[str, Any], said: list[str]
) -> None:
    input = server.upload(assets / "day2night" / "square.jpg")
    folder = server.ask("POST", "/api/uploads/folders", 201, json={"name": "leer"})["id"]
    needed = {
        "convert": {"input": input, "model": "day2night"},
        "compare": {"input": input, "models": ["day2night"]},
        "train": {"a": folder, "b": folder},
        "inspect": {"a": input},
        "distill": {"model": "day2night"},
    }[kind]
    answer = server.ask("POST", "/api/jobs", 400, json={"kind": kind, "request": {**needed, **request_}})
    for words in said:
        assert words in answer["error"]
    assert "--" not in answer["error"]
    assert str(server.home) not in answer["error"]


def test_a_training_needs_files_on_both_sides(server: Server) -> None:
    folders = [server.ask("POST", "/api/uploads/folders", 201, json={"name": name})["id"] for name in ("eins", "zwei")]
    request = {"a": folders[0], "b": folders[1]}
    answer = server.ask("POST", "/api/jobs", 400, json={"kind": "train", "request": request})
    assert answer["error"].startswith("A: what was sent is empty; choose a folder")
    assert "; B: what was sent is empty" in answer["error"]


def test_an_inspection_gives_its_findings(server: Server) -> None:
    (root,) = server.ask("GET", "/api/places")
    names = {each["name"]: each["id"] for each in server.ask("GET", "/api/places", params={"id": root["id"]})}
    sides = {each["name"]: each["id"] for each in server.ask("GET", "/api/places", params={"id": names["day2night"]})}
    job = server.wait(server.submit("inspect", a=sides["day"], b=sides["night"])["id"])
    assert job["state"] == "done", job["error"]
    report = server.ask("GET", f"/api/jobs/{job['id']}/report")
    assert [folder["folder"] for folder in report["folders"]] == ["assets/day2night/day", "assets/day2night/night"]
    assert report["verdict"]


def test_events_tell_what_changes(server: Server, assets: Path) -> None:
    photo = server.upload(assets / "day2night" / "square.jpg")
    seen = []
    with server.client as client, client.stream("GET", "/api/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        next(lines)
        job = server.submit("convert", input=photo, model="day2night")["id"]
        for line in lines:
            if line.startswith("data: "):
                told = json.loads(line.removeprefix("data: "))
                seen += [told["state"]] if told["job"] == job else []
            if seen and seen[-1] == "done":
                break
    assert seen[0] in ("queued", "running")
    assert sorted(set(seen), key=seen.index)[-2:] == ["running", "done"]


def test_the_history_comes_in_pages(server: Server, assets: Path) -> None:
    photo = server.upload(assets / "day2night" / "square.jpg")
    ids = [server.submit("inspect", a=photo)["id"] for _ in range(3)]
    for id in ids:
        server.wait(id)
    newest = server.ask("GET", "/api/jobs", params={"limit": 2})
    assert [job["id"] for job in newest] == ids[:0:-1]
    older = server.ask("GET", "/api/jobs", params={"limit": 1, "before": newest[-1]["created"]})
    assert [job["id"] for job in older] == ids[:1]
    failed = server.ask("GET", "/api/jobs", params={"state": "failed"})
    assert all(job["state"] == "failed" for job in failed)


def test_the_document_describes_every_route_and_every_answer(server: Server, assets: Path) -> None:
    document = server.ask("GET", "/api/openapi.json")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods
                 if method != "parameters"}  # fmt: skip
    served = {(method, path) for route in (*ROUTES, *files.ROUTES) for method in route.methods or ()
              for path in _paths(route.path) if method != "HEAD"}  # fmt: skip
    assert described == served
    schemas = document["components"]["schemas"]
    photo = server.upload(assets / "day2night" / "square.jpg")
    job = server.wait(server.submit("convert", input=photo, model="day2night")["id"])
    assert set(job) == set(schemas["Job"]["properties"])
    assert set(job["progress"]) == set(schemas["JobProgress"]["properties"])
    assert set(job["results"][0]) == set(schemas["Place"]["properties"])
    assert set(server.ask("GET", "/api/models")[0]) == set(schemas["Model"]["properties"])
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert references <= set(schemas)
    assert all(each.get("description") for each in schemas["TrainRequest"]["properties"].values())


def _paths(path: str) -> list[str]:
    if path == "/files/{id}/{name}":
        return []
    return [path.replace("{action}", action) for action in ACTIONS] if "{action}" in path else [path]


@pytest.mark.parametrize("language", ["bash", "python"])
def test_the_examples_of_the_reference(server: Server, repository: Path, tmp_path: Path, language: str) -> None:
    if language == "bash" and not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("there is no curl here")
    page = (repository / "docs" / "reference" / "web-api.md").read_text()
    (example,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    shutil.copy(repository / "tests" / "assets" / "day2night" / "square.jpg", tmp_path / "photo.jpg")
    command = ["bash", "-euc", example] if language == "bash" else [sys.executable, "-c", example]
    environment = {**os.environ, "SERVER": server.address, "TOKEN": TOKEN}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    with Pillow.open(tmp_path / "night.jpg") as night, Pillow.open(tmp_path / "photo.jpg") as photo:
        assert night.size == photo.size
