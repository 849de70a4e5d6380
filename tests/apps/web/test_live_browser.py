"""A voice through a real browser: a recording stands in for the microphone, and for what is lacking a script does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import soundfile
from browsing import Browsing
from kept import row
from live_place import GIVES_BACK, SLEEPS, Place
from web_server import TOKEN, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
_PLAYS = """async ([stalled, loud]) => {
  // A tone in pieces of 20 ms that arrive up to 10 ms late, or `stalled` ms late for that long; what is played of it.
  const { Playout } = await import("/static/live-playout.js"), rate = 48000, piece = 960, seconds = 20;
  const playout = new Playout(rate), output = new Float32Array(128), delays = [];
  let sent = 0, arrived = 0, step = 0, before = 0, played = 0;
  for (let now = 0; now < seconds * rate; now += 128) {
    const late = (sent % 7) * 80, end = 3 * rate + (rate * stalled) / 1000;
    for (; (sent + 1) * piece + late <= now && !(now > 3 * rate && now < end); sent++)
      playout.push(Int16Array.from({ length: piece }, (_, at) =>
        (loud ? 16000 : 30) * Math.sin((2 * Math.PI * 200 * (sent * piece + at)) / rate)), now);
    playout.play(output, now);
    for (const each of output) [step, before] = [Math.max(step, Math.abs(each - before)), each];
    delays.push(playout.playing ? (1000 * (now - playout.position)) / rate : null);
  }
  const at = (second) => delays[Math.round((second * rate) / 128)];
  return { before: at(2.9), after: at(4), end: at(19.9), step, underruns: playout.underruns, skipped: playout.skipped };
}"""


_NO_MICROPHONE = """(name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("broken", name));
}"""


@pytest.fixture(scope="module")
def opened(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsing]:
    """A browser whose microphone is a recording, which it gives to every page."""
    voice, rate = soundfile.read(assets / "speech/female-1.flac", dtype="int16")
    file = tmp_path_factory.mktemp("microphone") / "voice.wav"
    soundfile.write(file, voice, rate)
    with Browsing("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                  f"--use-file-for-fake-audio-capture={file}") as browsing:  # fmt: skip
        yield browsing


def _open(browsing: Browsing, address: str, script: str = "") -> Page:
    page = browsing.open(f"{address}/login")
    if script:
        page.add_init_script(script)
    page.goto(f"{address}/?token={TOKEN}")
    page.goto(f"{address}/live")
    return page


def _until(page: Page, true: str) -> Any:
    """Wait for a JavaScript expression to be true."""
    for _ in range(2000):
        if found := page.evaluate(true):
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"{true}: {page.inner_text('.panel')}")


def _converse(browsing: Browsing, page: Page) -> None:
    """Begin by the keyboard, until the voice comes back, and stop."""
    page.focus("[data-start]")
    page.keyboard.press("Enter")
    _until(page, "document.querySelector('[data-live]').dataset.live === 'live'")
    _until(page, "document.querySelectorAll('[data-level]')[1].ariaValueNow > 50")
    delay = _until(page, "parseInt(document.querySelector('[data-delay]').textContent)")
    assert 20 < delay < 5000
    assert "Fake Audio Input 1" in page.inner_text("#microphone")
    assert page.is_disabled("#strength")
    browsing.look(page, "live-on")
    page.keyboard.press("Enter")
    assert page.inner_text("[data-start]") == "Start"
    assert page.is_enabled("#strength")


@pytest.mark.slow  # a real process, 10 s; the next test has one that stands in
def test_who_speaks_is_heard_with_another_voice(browsing: Browsing, server: Server) -> None:
    _converse(browsing, _open(browsing, server.address))
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    while children.read_text():
        time.sleep(0.05)


def test_what_the_microphone_hears_goes_to_a_process_and_back(
    browsing: Browsing, place: Place, stands_in: Callable
) -> None:
    asked = stands_in(GIVES_BACK)
    page = _open(browsing, f"http://{place.host}")
    browsing.look(page, "live-idle")
    browsing.check_accessible(page)
    page.fill("#strength", "35")
    page.select_option("#pitch", "keep")
    _converse(browsing, page)
    assert {"--conversion.strength=0.35", "--conversion.pitch=keep"} <= set(asked[0])
    page.click("[data-start]")
    _until(page, "document.querySelector('[data-live]').dataset.live === 'live'")
    page.close()
    place.rest()


@row("live voice (the page)", "a machine that does not keep up")
def test_who_is_not_kept_up_with_is_told_so_and_two_others_leave_no_room(
    browsing: Browsing, place: Place, stands_in: Callable
) -> None:
    """A process that gives nothing back: what is spoken is left out, rather than heard ever later."""
    stands_in(SLEEPS)
    with place.open(), place.open() as other:
        page = _open(browsing, f"http://{place.host}")
        page.click("[data-start]")
        page.wait_for_selector("[data-fault] >> text=2 voices are live already")
        other.close()
        _until(page, "!document.querySelector('[data-fault]').hidden")
        place.rest(1)
        page.click("[data-start]")
        page.wait_for_selector("[data-behind] >> text=This machine does not keep up")
        page.click("[data-start]")
        assert page.inner_text("[data-start]") == "Start"


@pytest.mark.parametrize(
    ("script", "said"),
    [("Object.defineProperty(window, 'isSecureContext', { value: false })", "only to pages that come from its own"),
     ("delete window.AudioWorkletNode", "it has no AudioWorklet")],
)  # fmt: skip
def test_a_browser_that_cannot_says_so_at_once(browsing: Browsing, place: Place, script: str, said: str) -> None:
    page = _open(browsing, f"http://{place.host}", script)
    page.wait_for_selector(f"[data-fault] >> text={said}")
    assert page.is_disabled("[data-start]")


def test_without_a_microphone_it_is_said_why(browsing: Browsing, place: Place) -> None:
    page = _open(browsing, f"http://{place.host}")
    for name, said in (("NotAllowedError", "did not let this page have the microphone"),
                       ("NotFoundError", "There is no microphone"), ("NotReadableError", "another program has it"),
                       ("AbortError", "does not start: broken")):  # fmt: skip
        page.evaluate(_NO_MICROPHONE, name)
        page.click("[data-start]")
        page.wait_for_selector(f"[data-fault] >> text={said}")
        assert page.inner_text("[data-start]") == "Start"


@row("live voice (the page)", "sound that came late once")
def test_sound_is_played_as_soon_as_its_arrivals_allow(browsing: Browsing, place: Place) -> None:
    """The jitter buffer by itself. A piece of 20 ms that arrives 10 ms late leads to 30 ms, and 5 to be safe; what
    waits longer after a stall is left out in silence, and played faster or left out elsewhere."""
    page = _open(browsing, f"http://{place.host}")
    for stalled, loud in ((0, True), (0, False), (200, True), (200, False), (1000, True), (1000, False)):
        played = page.evaluate(_PLAYS, [stalled, loud])
        assert 30 <= played["before"] <= 52
        assert 30 <= played["end"] <= 52
        assert played["underruns"] == (stalled > 0)
        assert (played["skipped"] > 0) == (stalled == 1000 or not loud)
        if loud and stalled == 200:
            assert played["after"] > 200, "as long as another stall is likely"
        if not stalled:
            assert played["step"] < 0.0135, "no click: a tone's own step, a fiftieth faster"
