"""Results of a folder as one archive."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tracemalloc
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZIP_STORED, ZipFile

import pytest
from web_server import Server

from unpaired.apps.web.archive import inside, zipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files with names of several languages, one of more than a piece, one empty, some hidden, and a link."""
    made = tmp_path / "results"
    (made / "Größe" / "夜").mkdir(parents=True)
    (made / ".hidden").mkdir()
    for name, data in {"Größe/夜/街.jpg": os.urandom(3_000_000), "a b.txt": b"", "Größe/ß.png": b"x",
                       ".hidden/x": b"", ".part": b""}.items():  # fmt: skip
        (made / name).write_bytes(data)
    (made / "link").symlink_to("/etc/passwd")
    return made


def named(path: Path) -> str:
    """What a result is called."""
    return f"{path.stem} night{path.suffix}"


def test_everything_is_in_it_under_its_name(folder: Path) -> None:
    files = inside(folder)
    assert [str(path.relative_to(folder)) for path in files] == ["Größe/ß.png", "Größe/夜/街.jpg", "a b.txt"]
    with ZipFile(io.BytesIO(b"".join(zipped(folder, files, named)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["Größe/ß night.png", "Größe/夜/街 night.jpg", "a b night.txt"]
        for path, entry in zip(files, archive.infolist(), strict=True):
            assert (entry.compress_type, archive.read(entry)) == (ZIP_STORED, path.read_bytes())
            assert entry.date_time[0] >= 2024


def test_other_programs_read_it(folder: Path, tmp_path: Path) -> None:
    if shutil.which("unzip") is None:
        pytest.skip("there is no unzip here")
    (tmp_path / "all.zip").write_bytes(b"".join(zipped(folder, inside(folder), named)))
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["unzip", "-q", "all.zip", "-d", "out"], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "out/Größe/夜/街 night.jpg").read_bytes() == (folder / "Größe/夜/街.jpg").read_bytes()


def test_no_more_than_a_piece_is_held(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(60_000_000)
    tracemalloc.start()
    sent = sum(map(len, zipped(tmp_path, [tmp_path / "large"], named)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 60_000_000 < sent < 60_001_000
    assert peak < 8_000_000


def test_results_of_a_folder_are_saved_as_one(server: Server, assets: Path) -> None:
    folder = server.ask("POST", "/api/uploads/folders", 201, json={"name": "Ferien 夏"})["id"]
    picture = (assets / "day2night" / "square.jpg").read_bytes()
    for name in ("Übung.jpg", "街.jpg"):
        server.ask("PUT", "/api/uploads", 201, params={"name": name, "folder": folder}, content=picture)
    job = server.wait(server.submit("convert", input=folder, model="day2night-video-mobile")["id"])
    assert job["state"] == "done", job["error"]
    assert f'href="/files/of/{job["id"]}"' in server.ask_text(f"/jobs/{job['id']}")
    assert f'href="/files/of/{job["id"]}"' in server.ask_text("/queue")
    with server.client as client:
        answer = client.get(f"/files/of/{job['id']}")
        assert client.get(f"/files/of/{16 * '0'}").status_code == 404
    assert answer.headers["content-type"] == "application/zip"
    assert unquote(answer.headers["content-disposition"]) == "attachment; filename*=utf-8''Ferien 夏 night.zip"
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["Ferien 夏/Übung night.jpg", "Ferien 夏/街 night.jpg"]
        for name, result in zip(archive.namelist(), job["results"], strict=True):
            with server.client as client:
                assert archive.read(name) == client.get(result["url"]).content
    server.ask("DELETE", f"/api/jobs/{job['id']}", 204)
    server.ask("GET", f"/files/of/{job['id']}", 404)
