"""The page /live: a voice that goes from the microphone of the browser through a model to its loudspeaker.

The socket /live/voice?do=MODEL.DIRECTION&rate=HZ takes raw samples (16 bits, little-endian, one channel) in messages of
any length, and sends them back converted, as many and in order. Its messages of text are JSON: `ready`, once samples
are taken; `error`, a sentence, before it is closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from unpaired import ConfigError, UnpairedError
from unpaired.apps.web.choices import Choice, all_choices, choice_of, choice_or_none
from unpaired.apps.web.live import VoiceProcess
from unpaired.apps.web.rendering import render
from unpaired.apps.web.security import WITH_MICROPHONE
from unpaired.apps.web.site import Site, site_of
from unpaired.core import show
from unpaired.domains.audio import LIVE_RATES

MEDIUM = "audio"
_PITCHES = ("auto", "keep", "octave")
_SETTINGS = ("do", "rate", "strength", "pitch")
_SILENT = 30.0
"""Seconds without a message after which nobody is taken to be there: microphones send silence too."""
_REFUSED = 4000
"""Code that a socket is closed with, once it was said why."""


async def page(request: Request) -> Response:
    """Choose a voice, and speak."""
    site, do = site_of(request), request.query_params.get("do", "")
    voices = [choice for choice in all_choices(site.models) if choice.medium == MEDIUM]
    wanted = choice_or_none(site.models, do) if do else None
    if wanted is not None and wanted.medium == MEDIUM and wanted.do not in {each.do for each in voices}:
        voices.insert(0, wanted)  # a checkpoint that is tried
    chosen = next((each for each in voices if each.do == do), None) or next(iter(voices), None)
    answer = render(request, "live.html", page="live", voices=voices, chosen=chosen)
    answer.headers["permissions-policy"] = WITH_MICROPHONE
    return answer


async def speak(socket: WebSocket) -> None:
    """One voice, until the browser closes the socket or the process ends."""
    site = site_of(socket)
    await socket.accept()
    try:
        async with site.live.open(list(words(site, socket.query_params))) as process:
            await _converse(socket, process)
    except WebSocketDisconnect:
        return
    except UnpairedError as error:
        await _refuse(socket, site.places.redact("; ".join(error.faults)))
    except OSError as error:
        await _refuse(socket, f"the process that converts cannot be started: {error.strerror}")


def words(site: Site, asked: Mapping[str, str]) -> Iterator[str]:
    """The words behind `unpaired` for what the address of a socket asks for. Raises ConfigError or MissingFile."""
    do = asked.get("do", "")
    if do.rpartition(".")[2] not in ("a2b", "b2a"):
        raise ConfigError(f"do is {show(do)}; expected a model of voices and a direction, such as female-male.a2b")
    choice = choice_of(site.models, do)
    rate, strength, pitch = asked.get("rate", ""), asked.get("strength", "100"), asked.get("pitch", "auto")
    yield from ("convert", site.models.word(choice.model), "-", "-", "--live", "--direction", choice.direction)
    yield from ("--rate", rate)
    faults = [f"{show(name)} is no setting of a live voice" for name in asked if name not in _SETTINGS]
    faults += _faults(choice, rate, strength, pitch)
    if faults:
        raise ConfigError(*faults)
    if strength != "100":
        yield f"--conversion.strength={int(strength) / 100}"
    if pitch != "auto":
        yield f"--conversion.pitch={pitch}"


def _faults(choice: Choice, rate: str, strength: str, pitch: str) -> Iterator[str]:
    if choice.medium != MEDIUM:
        yield f"{choice.words} is not for voices; choose a model of voices"
    lowest, highest = LIVE_RATES
    if not (rate.isascii() and rate.isdigit() and len(rate) < 9 and lowest <= int(rate) <= highest):
        yield f"rate is {show(rate)}; expected {lowest} to {highest} samples a second"
    if not (strength.isascii() and strength.isdigit() and len(strength) < 9 and int(strength) <= 100):
        yield f"strength is {show(strength)}; expected 0 to 100"
    if pitch not in _PITCHES:
        yield f"pitch is {show(pitch)}; expected one of {', '.join(_PITCHES)}"


async def _converse(socket: WebSocket, process: VoiceProcess) -> None:
    """Carry samples both ways until one of them ends. Raises WebSocketDisconnect or UnpairedError."""
    tasks = [asyncio.create_task(each(socket, process)) for each in (_hear, _answer, _tell)]
    try:
        done, _ = await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hear(socket: WebSocket, process: VoiceProcess) -> None:
    """From the browser. The next message is not taken before the process has taken this one."""
    while True:
        try:
            samples = await asyncio.wait_for(socket.receive_bytes(), _SILENT)
        except TimeoutError:
            raise ConfigError(f"no sound has come for {_SILENT:.0f} s; start again") from None
        except KeyError:
            raise ConfigError("a voice comes as messages of bytes, not of text") from None
        if len(samples) % 2:
            raise ConfigError(f"a message has {len(samples)} bytes; a sample has two")
        await process.feed(samples)


async def _answer(socket: WebSocket, process: VoiceProcess) -> None:
    while True:
        await socket.send_bytes(await process.read())


async def _tell(socket: WebSocket, process: VoiceProcess) -> None:
    """Say when it is ready; all that it says later is read, so that its pipe does not fill."""
    ready = False
    async for fact in process.facts():
        if "live" in fact and not ready:
            ready = True
            await socket.send_json({"ready": True})


async def _refuse(socket: WebSocket, sentence: str) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # it has closed meanwhile
        await socket.send_json({"error": sentence})
        await socket.close(_REFUSED)


ROUTES: list[Any] = [
    Route("/live", page, methods=["GET"]),
    WebSocketRoute("/live/voice", speak),
]
