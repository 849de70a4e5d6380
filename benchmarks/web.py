"""The page: how soon it is there, what memory it takes, and how fast it answers while a training runs.

python benchmarks/web.py            all but the memory of many jobs, in a minute; needs Chromium and playwright
python benchmarks/web.py --jobs 200 the memory of the server before and after so many jobs

A real server with a home folder of its own, real jobs, and a real browser for what a browser does. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

ASSETS = Path(__file__).resolve().parents[1] / "tests/assets"
TOKEN = "a-token-of-the-benchmark"
STARTS, PREVIEWS = 7, 5
RATE, SECONDS = 50, 10
"""Requests a second, and for how long."""


@dataclass
class Server:
    """`unpaired web`, running."""

    process: subprocess.Popen[str]
    address: str

    def client(self) -> httpx.Client:
        """A program that has the token."""
        return httpx.Client(base_url=self.address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)

    @property
    def memory(self) -> float:
        """Resident memory of the server itself, in MB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """A server whose page has answered."""
    words = [sys.executable, "-m", "unpaired.apps.main", "web", "--no-browser", "--port", "0", "--home", str(home),
             "--folder", str(ASSETS)]  # fmt: skip
    environment = {**os.environ, "UNPAIRED_WEB_TOKEN": TOKEN}
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1].partition("/?")[0]
        server = Server(process, address)
        with server.client() as client:
            client.get("/").raise_for_status()
        yield server
    finally:
        process.terminate()
        process.wait(90)


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, metavar="N", help="measure the memory after so many jobs, and end")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        found = _memory(folder / "home", args.jobs) if args.jobs else _all(folder)
    print(json.dumps(found, indent=2))


def _all(folder: Path) -> dict[str, Any]:
    starts = [_start(folder / f"start-{number}") for number in range(STARTS)]
    found: dict[str, Any] = {"seconds until the page answers": _spread(starts)}
    with serving(folder / "home") as server:
        found["memory when idle, MB"] = round(server.memory)
        found |= _in_a_browser(server, folder)
        found |= _beside_a_training(server)
    return found


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 3), "most": round(max(values), 3)}


def _start(home: Path) -> float:
    """Seconds from the command to the first page."""
    began = time.perf_counter()
    with serving(home):
        return time.perf_counter() - began


# -- a browser ----------------------------------------------------------------------------------------
def _in_a_browser(server: Server, folder: Path) -> dict[str, Any]:
    """Bytes of the first page, and seconds from choosing a photo of 12 megapixels to its first preview."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        sizes: list[float] = []
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(f"{server.address}/?token={TOKEN}")
        page.wait_for_load_state("networkidle")
        first_page, requests = sum(sizes), len(sizes)
        previews = []
        for number in range(PREVIEWS + 1):
            photo = _photo(folder / f"photo-{number}.jpg", number)
            page.goto(f"{server.address}/?do=day2night.a2b")
            page.wait_for_load_state("networkidle")
            began = time.perf_counter()
            page.set_input_files("input[type=file]", photo)
            page.wait_for_function(_SHOWN, timeout=60_000)
            previews.append(time.perf_counter() - began)
        browser.close()
    return {
        "kB of the first page with all that it loads": round(first_page / 1000, 1),
        "requests of the first page": requests,
        "seconds from a photo of 12 megapixels to its first preview": {"first": round(previews[0], 2)}
        | _spread(previews[1:]),
    }


_SHOWN = """() => [...document.querySelectorAll('img[src*="/preview/"]')]
    .some((each) => each.complete && each.naturalWidth)"""


def _photo(file: Path, number: int) -> Path:
    """A photo of 4000x3000 pixels, each another one."""
    source = sorted((ASSETS / "day2night/day").glob("*.jpg"))[number]
    Image.open(source).resize((4000, 3000), Image.Resampling.BICUBIC).save(file, quality=90)
    return file


# -- beside a job -------------------------------------------------------------------------------------
def _beside_a_training(server: Server) -> dict[str, Any]:
    """How long answers take while a training runs."""
    with server.client() as client:
        sides = {name: _folder(client, "day2night", name) for name in ("day", "night")}
        settings = {"domain": {"size": 64}, "training": {"minutes": 5, "log_every": 5, "held_out": 0}}
        request = {"a": sides["day"], "b": sides["night"], "preset": "tiny", "settings": settings}
        job = client.post("/api/jobs", json={"kind": "train", "request": request}).raise_for_status().json()["id"]
        while not client.get(f"/api/jobs/{job}").json()["progress"]["step"]:
            time.sleep(0.2)
        took = asyncio.run(_ask(server, ["/", "/train", f"/train/{job}", f"/train/{job}/status", "/api/jobs"]))
        client.post(f"/api/jobs/{job}/cancel")
        while client.get(f"/api/jobs/{job}").json()["state"] == "running":
            time.sleep(0.2)
    took.sort()
    return {
        f"milliseconds of an answer, {RATE} a second beside a training": {
            "requests": len(took),
            "median": round(1000 * statistics.median(took), 1),
            "99 of 100": round(1000 * took[len(took) * 99 // 100], 1),
            "most": round(1000 * took[-1], 1),
        }
    }


def _folder(client: httpx.Client, *names: str) -> str:
    """The id of a folder below the declared one."""
    (root,) = client.get("/api/places").json()
    id = root["id"]
    for name in names:
        id = next(each["id"] for each in client.get("/api/places", params={"id": id}).json() if each["name"] == name)
    return str(id)


async def _ask(server: Server, paths: Sequence[str]) -> list[float]:
    """Seconds of each answer to so many requests a second, each sent when it is due, whether or not others are open."""
    took = []

    async def one(client: httpx.AsyncClient, path: str) -> None:
        began = time.perf_counter()
        (await client.get(path)).raise_for_status()
        took.append(time.perf_counter() - began)

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(base_url=server.address, headers=headers, timeout=60) as client:
        began, asked = time.perf_counter(), []
        for number in range(RATE * SECONDS):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            asked.append(asyncio.create_task(one(client, paths[number % len(paths)])))
        await asyncio.gather(*asked)
    return took


# -- many jobs ----------------------------------------------------------------------------------------
def _memory(home: Path, jobs: int) -> dict[str, Any]:
    """Memory of the server idle, after a tenth of the jobs, and after all: conversions that are refused, inspections,
    and every twentieth a real conversion, while somebody looks at the queue."""
    with serving(home) as server, server.client() as client:
        found: dict[str, Any] = {"memory when idle, MB": round(server.memory, 1)}
        picture = ASSETS / "day2night/square.jpg"
        photo = client.put("/api/uploads", params={"name": "photo.jpg"}, content=picture.read_bytes()).json()["id"]
        broken = client.put("/api/uploads", params={"name": "broken.png"}, content=b"text").json()["id"]
        day = _folder(client, "day2night", "day")
        for number in range(1, jobs + 1):
            if number % 20 == 0:
                kind, request = "convert", {"input": photo, "model": "day2night"}
            elif number % 2:
                kind, request = "convert", {"input": broken, "model": "day2night"}
            else:
                kind, request = "inspect", {"a": day, "medium": "image"}
            job = client.post("/api/jobs", json={"kind": kind, "request": request}).raise_for_status().json()["id"]
            while client.get(f"/api/jobs/{job}").json()["state"] in ("queued", "running"):
                time.sleep(0.05)
            client.get("/queue")
            if number in (jobs // 10, jobs // 2, jobs):
                found[f"memory after {number} jobs, MB"] = round(server.memory, 1)
        states = [job["state"] for job in client.get("/api/jobs", params={"limit": 200}).json()]
        found["states"] = {state: states.count(state) for state in sorted(set(states))}
    return found


if __name__ == "__main__":
    main()
