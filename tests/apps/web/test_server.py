"""Starting and what it takes, and everything that can be wrong with what people ask for."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_server import TOKEN, Server, serving

from unpaired.apps.web.server import listening
from unpaired.apps.web.settings import WebSettings

HEAVY = {"torch", "torchvision", "torchaudio", "lightning_fabric", "cv2", "av", "openvino", "onnx", "onnxruntime",
         "scipy", "librosa", "soundfile", "PIL", "skimage", "pandas", "tensorboard"}  # fmt: skip
"""What a job imports, and the server never: neither at its start nor for a request."""


def test_the_server_decodes_nothing_and_computes_nothing_itself(tmp_path: Path, assets: Path) -> None:
    """Every request that a program can make, in a process whose modules are then looked at."""
    script = f"""
import asyncio, json, sys
import httpx
from pathlib import Path
from unpaired.apps.web.application import make_app
from unpaired.apps.web.settings import WebSettings

home, assets = Path(sys.argv[1]), Path(sys.argv[2])
app = make_app(WebSettings(home=home, roots=(assets,), token={TOKEN!r}))

async def main():
    transport = httpx.ASGITransport(app)
    headers = {{"Authorization": "Bearer " + {TOKEN!r}}}
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            for path in ("/", "/live", "/train", "/queue", "/api/jobs", "/api/models", "/api/runs", "/api/places",
                         "/api/openapi.json", "/login", "/nowhere"):
                print(path, (await client.get(path)).status_code, file=sys.stderr)
            photo = (await client.put("/api/uploads?name=a.png", content=b"no picture")).json()["id"]
            asked = {{"convert": {{"input": photo, "model": "day2night"}}, "inspect": {{"a": photo}}}}
            for kind, request in asked.items():
                job = (await client.post("/api/jobs", json={{"kind": kind, "request": request}})).json()["id"]
                while (await client.get("/api/jobs/" + job)).json()["state"] in ("queued", "running"):
                    await asyncio.sleep(0.1)
                (await client.get("/api/jobs/" + job + "/report")).raise_for_status()

asyncio.run(main())
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, str(tmp_path / "home"), str(assets)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) & HEAVY == set()


def test_an_idle_server_is_small(server: Server) -> None:
    server.ask("GET", "/api/models")
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident is not None
    assert int(resident[1]) < 120_000


def test_a_port_in_use_is_named(server: Server, program: Callable, tmp_path: Path) -> None:
    port = server.address.rpartition(":")[2]
    words = ["-m", "unpaired.apps.main", "web", "--no-browser", "--home", tmp_path / "other", "--port", port]
    done = program(*words)
    assert done.code == 2
    assert done.err == f"unpaired: port {port} is in use; name another with --port, or --port 0 for any that is free\n"


def test_one_home_has_one_server(server: Server, program: Callable) -> None:
    done = program("-m", "unpaired.apps.main", "web", "--no-browser", "--home", server.home, "--port", "0")
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert f"another unpaired web (process {server.process.pid}) uses" in done.err
    server.ask("GET", "/api/jobs")


def test_a_home_that_cannot_be_is_named(program: Callable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = program(
        "-m", "unpaired.apps.main", "web", "--no-browser", "--home", tmp_path / "file" / "home", "--port", "0"
    )
    assert done.code == 2
    assert len(done.err.splitlines()) == 1
    assert "home" in done.err


WITHOUT_STARLETTE = (
    "import sys\nsys.modules['starlette'] = None\nfrom unpaired.apps.main import main\nsys.exit(main(sys.argv[1:]))"
)


def test_without_the_extra_it_says_what_to_install(program: Callable, tmp_path: Path) -> None:
    done = program("-c", WITHOUT_STARLETTE, "web", "--no-browser", "--home", tmp_path / "home")
    assert done.code == 2
    assert "pip install unpaired[web]" in done.err


def test_help_needs_no_extra(program: Callable) -> None:
    done = program("-c", WITHOUT_STARLETTE, "web", "--help")
    assert done.code == 0
    for option in ("--host", "--port", "--folder", "--home", "--password", "--token", "--no-browser", "not encrypted"):
        assert option in done.out


# -- bad input --------------------------------------------------------------------------------------
@pytest.fixture
def made(server: Server, tmp_path: Path) -> Callable[[str, bytes], str]:
    """Uploads a file of these bytes and returns its id."""

    def upload(name: str, data: bytes) -> str:
        return str(server.ask("PUT", "/api/uploads", 201, params={"name": name}, content=data)["id"])

    return upload


def told(server: Server, **request: Any) -> str:
    """The sentence that a conversion fails with; the queue goes on."""
    job = server.wait(server.submit("convert", **request)["id"])
    assert job["state"] == "failed", job
    assert job["results"] == []
    assert job["actions"] == ["retry", "again", "remove"]
    assert str(server.home) not in job["error"]
    assert str(server.home) not in server.ask_text(f"/api/jobs/{job['id']}/log")
    return str(job["error"])


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_files_that_are_not_what_they_are_called(server: Server, made: Callable, assets: Path) -> None:
    picture = (assets / "day2night" / "square.jpg").read_bytes()
    assert "broken.jpg" in told(server, input=made("broken.jpg", picture[:4000]), model="day2night")
    assert "text.png" in told(server, input=made("text.png", b"Dear all,\n"), model="day2night")
    assert "empty.png" in told(server, input=made("empty.png", b""), model="day2night")
    assert "letter.docx" in told(server, input=made("letter.docx", b"PK"), model="day2night")
    claims = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in (
        (b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b"")))  # fmt: skip
    assert "claims more pixels" in told(server, input=made("vast.png", claims), model="day2night")
    for name, value in (("crf", 20), ("strength", 7)):
        asked = {"input": made("a.jpg", picture), "model": "day2night", "settings": {name: value}}
        assert name in server.ask("POST", "/api/jobs", 400, json={"kind": "convert", "request": asked})["error"]
    assert (
        server.wait(server.submit("convert", input=made("a.jpg", picture), model="day2night")["id"])["state"] == "done"
    )


def test_folders_that_cannot_be_trained_on(server: Server) -> None:
    empty = server.ask("POST", "/api/uploads/folders", 201, json={"name": "empty"})["id"]
    settings = {"training": {"steps": 2, "workers": 0}}
    asked = {"a": empty, "b": empty, "name": "Nothing", "settings": settings}
    refused = server.ask("POST", "/api/jobs", 400, json={"kind": "train", "request": asked})
    assert "A: what was sent is empty" in refused["error"]
    assert "A and B are the same folder" in refused["error"]
    assert not (server.home / "runs" / "Nothing").exists()
    inspected = server.wait(server.submit("inspect", a=empty, b=empty, medium="image")["id"])
    assert inspected["state"] == "done"
    report = server.ask("GET", f"/api/jobs/{inspected['id']}/report")
    assert report["verdict"].startswith("cannot train")
    assert str(server.home) not in json.dumps(report)


def test_what_went_away_is_said_when_its_turn_comes(server: Server, made: Callable, assets: Path) -> None:
    run = server.home / "runs" / "Gone"
    run.mkdir()
    shutil.copy(assets.parents[1] / "models" / "day2night.safetensors",
                run / "model.safetensors")  # fmt: skip
    model = next(each["id"] for each in server.ask("GET", "/api/models") if each["name"] == "Gone")
    photo = made("photo.jpg", (assets / "day2night" / "square.jpg").read_bytes())
    clip = server.upload(assets / "video" / "road.mp4")
    front = server.submit("convert", input=clip, model="day2night-video-mobile", settings={"end": 0.2})["id"]
    without_model = server.submit("convert", input=photo, model=model)["id"]
    without_file = server.submit("convert", input=made("b.jpg", b"x"), model="day2night")["id"]
    shutil.rmtree(run)
    for file in (server.home / "uploads").glob("*/b.jpg"):
        file.unlink()
    assert server.wait(front)["state"] == "done"
    assert "no longer there" in server.wait(without_model)["error"]
    assert "no longer there" in server.wait(without_file)["error"]
    server.ask("POST", "/api/jobs", 404, json={"kind": "convert", "request": {"input": photo, "model": model}})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "no JSON"),
        (b"[1]", "expected an object"),
        (b"{}", "kind is"),
        (b'{"kind": "paint", "request": {}}', "convert, train"),
        (b'{"kind": "convert", "request": {}}', "input is missing"),
        (b'{"kind": "convert", "request": {"input": "x", "model": "y", "file": "/etc/passwd"}}', "file is unknown"),
        (b'{"kind": "convert", "request": {"input": 3, "model": "y"}}', "input is 3"),
        (b'{"kind": "convert", "request": {"input": "x", "model": "y", "direction": "up"}}', "direction is"),
        (b'{"kind": "convert", "request": {"input": "x", "model": "y", "device": "tpu; rm"}}', "device is"),
        (b'{"kind": "train", "request": {"a": "x", "b": "y", "settings": {"cloud": {}}}}', "settings has"),
        (b'{"kind": "train", "request": {"a": "x", "b": "y", "medium": "../x"}}', "medium is"),
        (b'{"kind": "compare", "request": {"input": "x", "models": []}}', "models names 0"),
        (b'{"kind": "convert", "request": {}, "words": ["rm"]}', "words"),
        (b"[" * 100_000, "no JSON"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_is_told_in_a_sentence(server: Server, body: bytes, said: str) -> None:
    assert said in server.ask("POST", "/api/jobs", 400, content=body)["error"]


def test_a_request_of_many_megabytes_is_not_read(server: Server) -> None:
    server.ask("POST", "/api/jobs", 413, content=b" " * 2_000_000)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/jobs/0", 404), ("POST", "/api/jobs/0/cancel", 404), ("DELETE", "/api/jobs/0", 404),
     ("GET", "/api/jobs/0/log", 404), ("GET", "/api/nothing", 404), ("PUT", "/api/jobs", 405),
     ("GET", "/api/jobs?state=tired", 400), ("GET", "/api/jobs?limit=many", 400), ("GET", "/api/jobs?before=", 400)],
)  # fmt: skip
def test_what_is_not_there(server: Server, method: str, path: str, status: int) -> None:
    assert server.ask(method, path, status)["error"]


def test_what_cannot_be_done_with_a_job_now_is_refused(server: Server, made: Callable) -> None:
    job = server.submit("inspect", a=made("a.png", b"x"))["id"]
    server.wait(job)
    for action in ("pause", "resume", "cancel", "stop", "move"):
        assert action in server.ask("POST", f"/api/jobs/{job}/{action}", 400)["error"]
    assert "expected one of pause" in server.ask("POST", f"/api/jobs/{job}/paint", 400)["error"]


def test_too_many_waiting_jobs_are_refused(tmp_path: Path) -> None:
    from unpaired.apps.web.errors import TooMany, status_of
    from unpaired.apps.web.jobs import JobKind
    from unpaired.apps.web.settings import WebSettings
    from unpaired.apps.web.site import make_site

    site = make_site(WebSettings(home=tmp_path / "home", waiting_limit=0))
    file = site.settings.uploads / "a.png"
    file.write_bytes(b"x")
    with pytest.raises(TooMany, match="0 jobs wait already") as refused:
        asyncio.run(site.queue.submit(JobKind.INSPECT, {"a": site.places.id_of(file)}))
    assert status_of(refused.value) == 429


def test_a_disk_that_fills_up_in_the_middle_of_a_job(tmp_path: Path, assets: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        with serving(disk / "home", "--folder", assets) as server:
            clip = server.upload(assets / "video" / "road.mp4")
            photo = server.upload(assets / "day2night" / "square.jpg")
            (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - 40_000))
            request = {"input": clip, "model": "day2night-video-mobile", "settings": {"crf": 0}}
            job = server.wait(server.submit("convert", **request)["id"])
            assert job["state"] == "failed", job
            assert re.search(r"space|disk", job["error"]), job
            assert str(disk) not in job["error"]
            (disk / "filler").unlink()
            assert server.wait(server.submit("convert", input=photo, model="day2night")["id"])["state"] == "done"
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_address_stays_from_start_to_start_and_streams_end_with_the_server(tmp_path: Path) -> None:
    home, none = tmp_path / "home", {"UNPAIRED_WEB_TOKEN": ""}
    addresses = []
    for _ in range(2):
        with serving(home, env=none) as server:
            token = (home / ".token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.stream("GET", f"{server.address}/api/events", headers=headers, timeout=60) as stream:
                assert stream.status_code == 200
                assert next(stream.iter_lines()) == "retry: 2000"
                assert server.end() == 0
            addresses.append(token)
            assert server.log.read_text() == ""
    assert addresses[0] == addresses[1]
    for path in (home, home / ".token"):
        assert path.stat().st_mode & 0o077 == 0  # nobody else on the machine
    (home / ".token").write_text("")
    with serving(home, env=none) as server:
        assert httpx.get(f"{server.address}/api/jobs", headers=headers).status_code == 401


def test_files_of_the_page_are_sent_compressed_and_once(server: Server) -> None:
    with server.client as client:
        answer = client.get("/static/page.css")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["cache-control"] == "no-cache"
        again = client.get("/static/page.css", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        assert ".button" in answer.text


def test_answers_do_not_wait_for_the_other_sides_receipt(tmp_path: Path) -> None:
    """asyncio switches Nagle's algorithm off only for sockets that say they are TCP; others take 40 ms an answer."""
    seen = []

    async def connect() -> None:
        with listening(WebSettings(home=tmp_path, port=0)) as listener:
            done = asyncio.Event()

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                accepted = writer.get_extra_info("socket")
                seen.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                writer.close()
                done.set()

            async with await asyncio.start_server(answer, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                await done.wait()
                writer.close()

    asyncio.run(connect())
    assert seen == [1]
