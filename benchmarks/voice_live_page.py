"""A voice through the page's socket, measured from outside beside the pipe of the command: delay as heard, CPU time.

    python benchmarks/voice_live_page.py speech.flac [--model female-male] [--direction a2b] [--seconds 20]
                                         [--rate 48000] [--rounds 3] [--browser]

`unpaired web` runs on a free port of this machine, with a home folder that is removed. Speech goes into the WebSocket
/live/voice in real time, as the page sends it: a message of 20 ms when its last sample has been spoken; what comes back
is stamped. Everything else is as in `voice_live.py`, whose command takes turns with it. CPU is that of the process that
converts, and of the server beside it. `--browser` measures the page itself instead, in Chromium by Playwright, whose
microphone is the recording: the delay that the page shows, from counts of samples taken and played, and what of it
browser and sound card say that they take.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from voice_live import CHUNK, WARM_UP, Array, Input, Output, converse, cpu_of, figures
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from unpaired.domains.audio.signal.sound import Resampler

_TOKEN = "a-token-of-the-benchmark"
_COMMAND = "import sys; from unpaired.apps.main import main; sys.exit(main())"


@contextmanager
def serving() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server's process, and its address."""
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-W", "ignore", "-c", _COMMAND, "web", "--no-browser", "--port", "0", "--home", home]
        environment = os.environ | {"UNPAIRED_WEB_TOKEN": _TOKEN}
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            try:
                yield process, process.stdout.readline().split()[1].partition("/?")[0]
            finally:
                process.terminate()


def speak(voice: Array, rate: int, server: subprocess.Popen[str], address: str, do: str) -> dict[str, float]:
    """One conversation; the figures."""
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    path = f"ws{address[4:]}/live/voice?do={do}&rate={rate}"
    with connect(path, additional_headers=headers, compression=None, proxy=None) as socket:
        assert "ready" in json.loads(socket.recv()), "the server refuses"
        output, speech = Output(lambda: _received(socket)), Input(socket.send, rate)
        speech.speak(np.zeros(round(WARM_UP * rate), np.float32))
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        processes = [int(children[0]), server.pid]
        lead, before = speech.samples, [cpu_of(each) for each in processes]
        begun = speech.speak(voice)
        cpu = [cpu_of(each) - earlier for each, earlier in zip(processes, before, strict=True)]
    result = output.wait()
    seconds = len(voice) / rate
    found = figures(voice, result, output.arrivals, begun, lead, rate)
    return found | {"cpu": cpu[0] / seconds, "server": cpu[1] / seconds}


def _received(socket: ClientConnection) -> bytes:
    try:
        message = socket.recv()
    except ConnectionClosed:
        return b""
    assert isinstance(message, bytes), message
    return message


def watch(recording: Path, seconds: float, address: str, do: str) -> list[tuple[int, int]]:
    """Milliseconds that the page shows, and those of browser and sound card, twice a second."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    options = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
               f"--use-file-for-fake-audio-capture={recording}"]  # fmt: skip
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=options) as browser:
        page = browser.new_page()
        page.goto(f"{address}/live?do={do}&token={_TOKEN}")
        page.click("[data-start]")
        page.wait_for_selector("[data-delay] >> text=ms", timeout=60_000)
        shown = []
        for _ in range(round(2 * seconds)):
            page.wait_for_timeout(500)
            whole, device = re.findall(r"\d+", page.inner_text("[data-delay]"))
            shown.append((int(whole), int(device)))
        for text in filter(None, page.locator("[data-fault], [data-behind]").all_text_contents()):
            print(f"browser: the page said: {text}")
    return shown


def show_browser(voice: Array, rate: int, seconds: float, do: str) -> None:
    """Print what the page shows, once it has had five seconds to find its delay."""
    with tempfile.TemporaryDirectory() as scratch, serving() as (_, address):
        file = Path(scratch) / "voice.wav"
        soundfile.write(file, voice, rate, subtype="PCM_16")
        shown = watch(file, seconds + 5, address, do)[10:]
    whole = sorted(each for each, _ in shown)
    device = statistics.median(each for _, each in shown)
    print(
        f"browser: the page shows {statistics.median(whole):.0f} ms ({whole[0]} to {whole[-1]}), of these {device:.0f} "
        "of browser and sound card"
    )


def main() -> None:
    """Measure pipe and page by turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--model", default="female-male")
    parser.add_argument("--direction", default="a2b", choices=("a2b", "b2a"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=48_000, help="of the microphone (default: 48000, as browsers have)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--browser", action="store_true", help="what the page shows in Chromium")
    args = parser.parse_args()
    audio, rate = soundfile.read(args.recording, dtype="float32", always_2d=True)
    resampler = Resampler(rate, args.rate)
    sound = np.concatenate([resampler.push(audio[:, 0]).reshape(-1), resampler.finish().reshape(-1)])
    voice = np.resize(sound, round(args.seconds * args.rate))
    if args.browser:
        show_browser(voice, args.rate, args.seconds, f"{args.model}.{args.direction}")
        return
    found: dict[str, list[dict[str, float]]] = {"pipe": [], "page": []}
    with serving() as (server, address):
        for _ in range(args.rounds):
            found["pipe"].append(converse(voice, args.rate, args.model, args.direction, None))
            found["page"].append(speak(voice, args.rate, server, address, f"{args.model}.{args.direction}"))
    for name, rounds in found.items():
        middle = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        beside = f", server {middle['server']:.3f}" if "server" in middle else ""
        single = " ".join(f"{1000 * each['median']:.0f}" for each in rounds)
        print(
            f"{name}: heard after {1000 * middle['median']:.0f} ms (99 %: {1000 * middle['99 %']:.0f}), "
            f"{1000 * (middle['99 %'] - CHUNK):.0f} beyond the chunk; CPU {middle['cpu']:.3f} s a second{beside}; "
            f"medians of the rounds {single}"
        )


if __name__ == "__main__":
    main()
