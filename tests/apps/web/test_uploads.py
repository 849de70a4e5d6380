"""Uploads: streamed, capped, and gone when they break off."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from web_server import TOKEN, Server, serving

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes 5 MB at most."""
    with serving(tmp_path_factory.mktemp("web") / "home", "--upload-limit", "0.005") as running:
        yield running


def pieces(size: int, piece: int = 100_000) -> Iterator[bytes]:
    """So many bytes, which are not announced."""
    for _ in range(size // piece):
        yield bytes(piece)


def parts(server: Server) -> list[Path]:
    """What lies in the folder of uploads and is not whole, and folders without a file."""
    found = list((server.home / "uploads").rglob("*"))
    return [path for path in found if path.name.endswith(".part") or (path.is_dir() and not any(path.iterdir()))]


def settled(server: Server) -> bool:
    """Whether nothing is left of what broke off, within some seconds."""
    give_up = time.monotonic() + 20
    while parts(server) and time.monotonic() < give_up:
        time.sleep(0.05)
    return not parts(server)


def test_the_bytes_arrive_under_their_name(server: Server) -> None:
    data = os.urandom(3 * MEGABYTE)
    place = server.ask("PUT", "/api/uploads", 201, params={"name": "Übung 練習.bin"}, content=data)
    assert (place["name"], place["bytes"], place["in"]) == ("Übung 練習.bin", len(data), "uploads")
    with server.client as client:
        answer = client.get(place["url"])
    assert answer.content == data
    assert answer.headers["content-disposition"].startswith("attachment")


def test_two_of_one_name_are_two(server: Server) -> None:
    first, second = (server.ask("PUT", "/api/uploads", 201, params={"name": "a.png"}, content=data)
                     for data in (b"one", b"two"))  # fmt: skip
    assert first["id"] != second["id"]
    assert server.ask_text(first["url"]) == "one"


@pytest.mark.parametrize("announced", [True, False])
def test_too_much_is_refused_and_leaves_nothing(server: Server, announced: bool) -> None:
    content = bytes(6 * MEGABYTE) if announced else pieces(6 * MEGABYTE)
    with server.client as client:
        answer = client.put("/api/uploads", params={"name": "big.mp4"}, content=content)
    assert answer.status_code == 413
    assert re.search(r"'?big\.mp4'? has [56].* at most 5.0 MB .* --folder", answer.json()["error"])
    assert settled(server)


def test_one_that_breaks_off_leaves_nothing(server: Server) -> None:
    place = urlsplit(server.address)
    with socket.create_connection((place.hostname, place.port)) as line:
        head = f"PUT /api/uploads?name=half.mp4 HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
        line.sendall(f"{head}Content-Length: 4000000\r\n\r\n".encode() + bytes(2 * MEGABYTE))
        give_up = time.monotonic() + 20
        while not parts(server) and time.monotonic() < give_up:
            time.sleep(0.02)
        assert parts(server)
    assert settled(server)
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("name", ["", "..", "../up.png", "a/b.png", "a\\b.png", "a\x00.png", "a\n.png", "x" * 300])
def test_a_name_that_leads_elsewhere_is_refused(server: Server, name: str) -> None:
    before = sorted((server.home / "uploads").iterdir())
    answer = server.ask("PUT", "/api/uploads", 400, params={"name": name}, content=b"x")
    assert "name" in answer["error"]
    assert sorted((server.home / "uploads").iterdir()) == before
    assert not (server.home / "up.png").exists()


def test_several_go_into_one_folder_to_be_trained_on(server: Server) -> None:
    folder = server.ask("POST", "/api/uploads/folders", 201, json={"name": "Tage"})
    for name in ("one.png", "two.png"):
        server.ask("PUT", "/api/uploads", 201, params={"name": name, "folder": folder["id"]}, content=name.encode())
    listed = server.ask("GET", "/api/places", params={"id": folder["id"]})
    assert [each["name"] for each in listed] == ["one.png", "two.png"]
    file = listed[0]["id"]
    for wrong, status in {file: 400, "0" * 24: 404}.items():
        server.ask("PUT", "/api/uploads", status, params={"name": "x.png", "folder": wrong}, content=b"x")


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        with serving(disk / "home") as server:
            told = server.ask("PUT", "/api/uploads", 507, params={"name": "big.mp4"}, content=bytes(9 * MEGABYTE))
            assert re.search(r"no room for '?big\.mp4'?: 9.0 MB", told["error"])
            with server.client as client:  # not announced: the disk fills up on the way
                answer = client.put("/api/uploads", params={"name": "big.mp4"}, content=pieces(9 * MEGABYTE))
            assert answer.status_code == 507
            assert "big.mp4" in answer.json()["error"]
            assert str(disk) not in answer.text
            assert settled(server)
            server.ask("PUT", "/api/uploads", 201, params={"name": "small.png"}, content=b"small")
            (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free))
            photo = server.ask("GET", "/api/models")  # it answers all the same
            assert photo
            (disk / "filler").unlink()
            server.ask("PUT", "/api/uploads", 201, params={"name": "small.png"}, content=b"small")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_what_no_job_waits_for_is_removed_in_time(tmp_path: Path, assets: Path) -> None:
    with serving(tmp_path / "home") as server:
        old = server.upload(assets / "day2night" / "square.jpg", "old.jpg")
        waiting = server.upload(assets / "day2night" / "square.jpg", "waiting.jpg")
        new = server.upload(assets / "day2night" / "square.jpg", "new.jpg")
        job = server.submit("convert", input=waiting, model="day2night")["id"]
        server.ask("POST", f"/api/jobs/{job}/pause")
        server.end(signal.SIGKILL)
    for file in (tmp_path / "home" / "uploads").glob("*/*.jpg"):
        if file.name != "new.jpg":
            os.utime(file.parent, (0, time.time() - 8 * 86400))
    with serving(tmp_path / "home") as server, server.client as client:
        deadline = time.monotonic() + 60  # it is looked for once the server answers
        while (status := client.get(f"/files/{old}").status_code) != 404:
            assert status == 200
            assert time.monotonic() < deadline
        assert [client.get(f"/files/{id}").status_code for id in (waiting, new)] == [200, 200]


@pytest.mark.slow
def test_two_gigabytes_under_a_limit_of_memory(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 4 * 10**9:
        pytest.skip("there are not 4 GB free")
    limit = ["prlimit", f"--as={1500 * MEGABYTE}"]
    if shutil.which("prlimit") is None:
        pytest.skip("there is no prlimit here")
    with serving(tmp_path / "home", before=limit) as server:
        size = 2 * 10**9
        place = server.ask("PUT", "/api/uploads", 201, params={"name": "film.mp4"}, content=pieces(size, 10**6))
        assert place["bytes"] == size
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{server.process.pid}/status").read_text())
        assert peak is not None
        assert int(peak[1]) < 150_000  # what is streamed is not held
        server.ask("GET", "/api/jobs")
