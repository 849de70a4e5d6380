"""A voice through the page's socket: the real server, a real client, and processes that really convert or stand in."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from asked import BEARER, HOST, Asked
from kept import row
from live_place import FAILS, GIVES_BACK, SLEEPS, VOICE, Place
from web_server import TOKEN, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

import unpaired
from unpaired.apps.web.live import LiveVoices
from unpaired.core.model import shipped_file
from unpaired.domains.audio.conversion.live import LiveConversion, convert_pipe
from unpaired.domains.audio.settings import AudioConversion


def _ready(socket: ClientConnection) -> int:
    """The process that stands in, once it is ready."""
    got = [socket.recv(10), socket.recv(10)]
    assert '{"ready":true}' in got
    return int.from_bytes(next(each for each in got if isinstance(each, bytes)), "little")


def _is_gone(pid: int) -> bool:
    """Whether a process has ended, within some seconds, and nothing of it is left."""
    for _ in range(1000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def _refusal(socket: ClientConnection) -> str:
    """The sentence that a socket is closed with."""
    said: list[str] = []
    with suppress(ConnectionClosed):
        while True:
            said += [each for each in (socket.recv(10),) if isinstance(each, str) and "error" in each]
    assert socket.close_code == 4000
    return str(json.loads(said[0])["error"])


@row("live voice (the page)", "the sound, before and after")
def test_a_voice_comes_back_to_the_byte_as_the_command_converts_it(tmp_path: Path, assets: Path) -> None:
    """And neither the server, killed, leaves a process behind, nor anything of the voice on the disk."""
    voice, rate = soundfile.read(assets / "speech/female-1.flac", dtype="int16", frames=22050)
    samples = voice.astype("<i2").tobytes()
    with serving(tmp_path / "home") as server:
        headers = {"Cookie": f"unpaired-{server.address.rpartition(':')[2]}={TOKEN}", "Origin": server.address}
        files = _files(server.home)
        address = f"ws{server.address[4:]}{VOICE}&strength=80&pitch=keep"
        with connect(address, additional_headers=headers, compression=None, proxy=None) as socket:
            expected = _converted(samples, rate, AudioConversion(strength=0.8, pitch="keep"))
            assert json.loads(socket.recv(60)) == {"ready": True}
            for at in range(0, len(samples), 3000):  # of no length that the command reads
                socket.send(samples[at : at + 3000])
            got = b""
            while len(got) < 0.85 * len(samples):
                got += socket.recv(10)  # type: ignore[operator]
            (child,) = _children(server.process.pid)
            server.process.send_signal(signal.SIGKILL)
            assert _is_gone(child)
            assert _files(server.home) == files
    difference = np.frombuffer(got, "<i2").astype(int) - np.frombuffer(expected[: len(got)], "<i2")
    assert np.abs(difference).max() <= 1  # where another number of threads rounds otherwise; else none


def _converted(samples: bytes, rate: int, options: AudioConversion) -> bytes:
    """The same in this process, without a pipe."""
    translator: Any = unpaired.load("female-male")
    live = LiveConversion(rate, 1, "a", translator.for_direction("a2b"), options, translator.domain.settings)
    convert_pipe(live, io.BytesIO(samples), target := io.BytesIO(), rate, 1)
    return target.getvalue()


def _files(home: Path) -> set[Path]:
    return {path for path in home.rglob("*") if path.is_file() and "sqlite" not in path.name}


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_page_is_let_in_and_what_it_asks_for_reaches_the_command(place: Place, stands_in: Callable) -> None:
    asked = stands_in(GIVES_BACK)
    headers = {"Cookie": place.cookie, "Origin": f"http://{place.host}", "Sec-Fetch-Site": "same-origin"}
    with place.open(f"{VOICE}&strength=45&pitch=octave", headers) as socket:
        _ready(socket)
        socket.send(b"abcd")
        assert socket.recv(10) == b"abcd"
    words = ["convert", "female-male", "-", "-", "--live", "--direction", "a2b", "--rate", "22050",
             "--conversion.strength=0.45", "--conversion.pitch=octave"]  # fmt: skip
    assert asked == [words]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Cookie": "COOKIE"}, {"Cookie": "COOKIE", "Origin": "http://evil.example"},
     {"Cookie": "COOKIE", "Origin": "null"}, {"Cookie": "COOKIE", "Origin": f"http://{HOST}"},
     {"Cookie": f"unpaired-1={TOKEN}", "Origin": "OURS"},
     {**BEARER, "Origin": "http://evil.example"}, {**BEARER, "Sec-Fetch-Site": "same-site"},
     {**BEARER, "Sec-Fetch-Site": "cross-site"}],
)  # fmt: skip
def test_other_sites_and_strangers_are_refused(place: Place, stands_in: Callable, headers: dict[str, str]) -> None:
    """A browser sends its cookies along with every socket, and no CORS stands before it."""
    asked = stands_in(GIVES_BACK)
    ours = {"COOKIE": place.cookie, "OURS": f"http://{place.host}"}
    # An address with the token is for pages, and files that everybody gets are for requests.
    for path in (VOICE, f"{VOICE}&token={TOKEN}", "/static/page.css", "/nowhere"):
        with pytest.raises(InvalidStatus) as refused:
            place.open(path, {name: ours.get(value, value) for name, value in headers.items()})
        assert refused.value.response.status_code == 403
    assert asked == []


def test_other_names_of_the_machine_are_refused(place: Place) -> None:
    """As a site has whose name was made to point here."""
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Cookie": place.cookie}  # fmt: skip
    elsewhere = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert httpx.get(f"http://{place.host}{VOICE}", headers={**upgrade, **elsewhere}).status_code == 403


def test_a_third_voice_is_told_to_wait_and_one_that_goes_makes_room(place: Place, stands_in: Callable) -> None:
    stands_in(GIVES_BACK)
    with place.open() as first, place.open() as second:
        pid, _ = _ready(first), _ready(second)
        with place.open() as third:
            assert _refusal(third).startswith("2 voices are live already")
        first.close()
        with place.open() as third:  # at once, while the process of the first still ends
            _ready(third)
            assert _is_gone(pid)
            place.rest(2)
            second.send(b"ab")
            assert second.recv(10) == b"ab"


def test_a_voice_waits_for_one_whose_end_has_not_been_read(stands_in: Callable) -> None:
    stands_in(GIVES_BACK)

    async def first(voices: LiveVoices, opened: asyncio.Event) -> None:
        async with voices.open([]):
            opened.set()
            await asyncio.sleep(0.2)

    async def both() -> None:
        voices, opened = LiveVoices(), [asyncio.Event() for _ in range(2)]
        tasks = [asyncio.create_task(first(voices, each)) for each in opened]
        for each in opened:
            await each.wait()
        async with voices.open([]):
            assert any(task.done() for task in tasks)
        await asyncio.gather(*tasks)

    asyncio.run(both())


@pytest.mark.parametrize("script", [GIVES_BACK, SLEEPS])
def test_a_socket_that_closes_ends_its_process(place: Place, stands_in: Callable, script: str) -> None:
    """Also one that does not listen, and a socket that is cut off without a word."""
    stands_in(script)
    with place.open() as socket:
        pid = _ready(socket)
        socket.socket.shutdown(2)
        assert _is_gone(pid)


def test_a_server_that_ends_ends_its_voices(tmp_path: Path, stands_in: Callable) -> None:
    stands_in(SLEEPS)
    place = Place(tmp_path / "home")
    with place.open() as socket:
        pid = _ready(socket)
        place.end()
        assert _is_gone(pid)
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
    assert socket.close_code == 1012


def test_who_speaks_faster_than_it_is_converted_has_to_wait(place: Place, stands_in: Callable) -> None:
    stands_in(SLEEPS)
    taken = [0, -1]

    def speak() -> None:
        with suppress(ConnectionClosed):
            while taken[0] < 100e6:
                socket.send(bytes(60_000))
                taken[0] += 60_000

    with place.open() as socket:
        _ready(socket)
        thread = threading.Thread(target=speak)
        thread.start()
        while taken[0] != taken[1]:
            taken[1] = taken[0]
            time.sleep(0.3)
        assert httpx.get(f"http://{place.host}/api/jobs", headers=BEARER).status_code == 200
        assert taken[0] < 30e6, "as much as the system keeps for sockets"
        assert "has stood still for" in _refusal(socket)
        thread.join()


@pytest.mark.parametrize(
    ("query", "said"),
    [("do=day2night.a2b&rate=48000", "make it night is not for voices; choose a model of voices"),
     ("do=female-male.a2b&rate=100", "rate is '100'; expected 8000 to 192000"),
     ("do=female-male.a2b&rate=-1", "rate is '-1'"),
     ("do=female-male.a2b", "rate is ''"),
     ("do=female-male.a2b&rate=48000&strength=101&pitch=up", "strength is '101'; expected 0 to 100; pitch is 'up'"),
     ("do=female-male.a2b&rate=48000&strength=000000000999", "strength is '000000000999'; expected 0 to 100"),
     ("do=female-male.a2b&rate=48000&strenght=50", "'strenght' is no setting of a live voice"),
     ("do=female-male.c2d&rate=48000", "do is 'female-male.c2d'; expected a model of voices and a direction"),
     ("do=..%2Fsecret.a2b&rate=48000", "no longer there"), ("", "do is ''; expected a model of voices")],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_starts(
    place: Place, stands_in: Callable, query: str, said: str
) -> None:
    asked = stands_in(GIVES_BACK)
    with place.open(f"/live/voice?{query}") as socket:
        assert said in _refusal(socket)
    assert asked == []


def test_what_is_no_sound_is_refused(place: Place, stands_in: Callable) -> None:
    stands_in(GIVES_BACK)
    for message, said in ((b"abc", "a message has 3 bytes"), ("hello", "messages of bytes, not of text")):
        with place.open() as socket:
            socket.send(message)
            assert said in _refusal(socket)
        place.rest()
    with place.open() as socket:
        socket.send(bytes(70_000))
        with suppress(ConnectionClosed):
            while True:
                socket.recv(10)
    assert socket.close_code == 1009


def test_a_process_that_ends_says_why_without_paths(place: Place, stands_in: Callable) -> None:
    stands_in(FAILS)
    with place.open() as socket:
        said = _refusal(socket)
    assert said.startswith("no room at")
    assert "/secret" not in said


def test_the_page_lists_voices_alone_and_only_it_may_have_the_microphone(asked: Asked) -> None:
    answer = asked("GET", "/live?do=female-male.b2a", BEARER)
    assert "microphone=(self)" in answer.headers["permissions-policy"]
    assert 'value="female-male.b2a" checked' in answer.text
    assert 'value="female-male.a2b">' in answer.text
    assert "day2night" not in answer.text
    run = asked.site.settings.runs / "my voice"
    run.mkdir(parents=True)
    shutil.copy(shipped_file("female-male"), run / "model.safetensors")
    (run / "config.yaml").write_text("domain: {name: audio}\ntraining: {steps: 9}\n")
    assert "my voice" in asked("GET", "/live", BEARER).text
    id = asked.site.places.id_of(run)
    assert f'href="/live?do={id}%40latest.a2b"' in asked("GET", f"/train/{id}", BEARER).text
    assert f'value="{id}@latest.a2b" checked' in asked("GET", f"/live?do={id}%40latest.a2b", BEARER).text
    assert 'href="/live?do=female-male.a2b"' in asked("GET", "/?do=female-male.a2b", BEARER).text
    assert 'href="/live?do' not in asked("GET", "/?do=day2night.a2b", BEARER).text
    assert "microphone=()" in asked("GET", "/", BEARER).headers["permissions-policy"]
