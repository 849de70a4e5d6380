"""Pictures, footage and voices converted on the page, by a real browser, a real server and the shipped models."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from browsing import Browsing
from PIL import Image
from web_server import TOKEN, Server

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
SLOWEST = 100_000
"""Milliseconds that anything here may take on a busy machine."""
_DROP = """([name, content]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
  for (const kind of ["dragenter", "dragover", "drop"])
    document.querySelector("[data-drop]").dispatchEvent(
      new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def opened() -> Iterator[Browsing]:
    """One browser for all of them."""
    with Browsing() as browsing:
        yield browsing


def _open(browsing: Browsing, server: Server) -> Page:
    page = browsing.open(f"{server.address}/?token={TOKEN}")
    page.set_default_timeout(SLOWEST)
    return page


def _choose(page: Page, server: Server, *files: Path) -> None:
    page.goto(f"{server.address}/")
    page.set_input_files("input[type=file]", files)
    page.wait_for_url("**/?file=*")


def _convert(page: Page) -> str:
    """Press the button; the id of the job that it leads to."""
    page.click("button[type=submit]")
    page.wait_for_url("**/jobs/*")
    return page.url.rpartition("/")[2].partition("?")[0]


def _until(page: Page, true: str) -> None:
    """Wait for a JavaScript expression to be true; Playwright's own wait is forbidden by the page's policy."""
    for _ in range(SLOWEST // 50):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(true)


def _accessible(page: Page) -> None:
    """Nothing that axe calls serious."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    serious = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found
               if each["impact"] in ("serious", "critical")]  # fmt: skip
    assert serious == [], page.url


def test_a_picture_is_dropped_and_its_strength_moved(browsing: Browsing, server: Server, assets: Path) -> None:
    page = _open(browsing, server)
    _accessible(page)
    browsing.look(page, "convert-start")
    source = (assets / "day2night/square.jpg").read_bytes()
    page.evaluate(_DROP, ["夜の Straße.jpg", base64.b64encode(source).decode()])
    page.wait_for_url("**/?file=*")
    page.wait_for_selector("[data-look][data-preview=there]")
    page.fill("#strength", "40")
    assert page.eval_on_selector(".over", "each => getComputedStyle(each).getPropertyValue('--strength')") == "0.4"
    browsing.look(page, "convert-picture")
    _accessible(page)
    page.reload()
    assert page.input_value("#strength") == "40", "the address follows the form"

    first = server.wait(_convert(page))
    assert first["request"]["settings"] == {"strength": 0.4}
    page.wait_for_selector("[data-ended=yes]")
    with page.expect_download() as download:
        page.click("text=Save the result")
    assert download.value.suggested_filename == "夜の Straße night.jpg"
    with Image.open(BytesIO(source)) as before, Image.open(download.value.path()) as after:
        assert after.size == before.size
        assert np.abs(np.asarray(after).astype(int) - np.asarray(before)).mean() > 5
    browsing.look(page, "result-picture")
    _accessible(page)

    # Another model on the same picture, beside the first.
    page.click("text=Compare another model")
    assert page.input_value("#strength") == "40"
    page.check("input[name=do][value='day2night-video-mobile.a2b']", force=True)
    second = server.wait(_convert(page))
    page.wait_for_selector("[data-ended=yes]")
    left = page.locator("select[data-version=left]")
    offered = [name.partition(" (")[0] for name in left.locator("option").all_inner_texts()]
    assert offered == ["Before", "make it night", "make it night"]
    assert left.input_value().startswith("make it night"), "it is compared with what was there"
    page.check("[data-view-choice][value=side]", force=True)
    _until(page, "document.querySelector('.left img').naturalWidth > 0")
    assert first["results"][0]["id"] in str(page.get_attribute(".left img", "src"))
    assert second["results"][0]["id"] in str(page.get_attribute(".right img", "src"))
    browsing.look(page, "result-two-models")

    page.click("text=Again with these settings")
    assert page.is_checked("input[name=do][value='day2night-video-mobile.a2b']")


def test_a_clip_is_cut_converted_and_stepped_through(
    browsing: Browsing, server: Server, assets: Path, tmp_path: Path
) -> None:
    page = _open(browsing, server)
    _choose(page, server, assets / "video/traffic.mp4")
    page.wait_for_selector("[data-look][data-preview=there]")
    page.check("input[name=do][value='female-male.a2b']", force=True)  # of its voice, and with all of its picture
    assert (page.is_visible("[data-strip]"), page.is_visible(".over")) == (False, False)
    page.check("input[name=do][value='day2night-video-mobile.a2b']", force=True)
    page.wait_for_selector("[data-look][data-preview=there]")
    assert (page.is_visible("[data-strip]"), page.is_visible(".over")) == (True, True)
    page.focus("input[name=start]")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.inner_text(".strip output").startswith("0:00.40 to 0:02.0")
    page.wait_for_selector("[data-look][data-preview=there]")
    browsing.look(page, "convert-clip")
    (tmp_path / "known cuts.txt").write_text("0.8\n")
    page.click("summary >> text=More settings")
    page.set_input_files("[aria-label='Known cuts']", tmp_path / "known cuts.txt")
    page.wait_for_selector("[data-one-name] >> text=known cuts.txt")
    page.select_option("[name='more.contact_sheet']", "yes")
    _accessible(page)
    other = page.context.new_page()
    other.goto(f"{server.address}/queue")
    job = _convert(page)
    page.reload()  # in the middle
    other.wait_for_selector(f"#job-{job}")
    browsing.look(page, "job-clip")
    assert server.wait(job)["state"] == "done"
    page.wait_for_selector("[data-ended=yes]")
    other.wait_for_selector(f"#job-{job} .badge.done")  # without loading it again
    names = page.locator(".jobs .what a").all_inner_texts()
    assert [name.partition(" ")[0] for name in names] == ["traffic", "contact"], "the clip is what is looked at"

    _until(page, "[...document.querySelectorAll('video')].every((each) => each.readyState >= 2)")
    for _ in range(3):
        page.click("[data-step='1']")
    assert "frame 4 of 20" in page.inner_text("[data-time]")
    _until(page, "[...document.querySelectorAll('video')].every((each) => !each.seeking)")
    left, right = page.eval_on_selector_all("video", "all => all.map((each) => each.currentTime)")
    assert left - right == pytest.approx(0.4), "the source is shown from where the part begins"
    assert right == pytest.approx(3.5 / 12.5, abs=0.001), "the middle of the fourth frame"
    page.click("[data-play]")
    _until(page, "document.querySelectorAll('video')[1].currentTime > 0.6")
    page.click("[data-play]")
    left, right = page.eval_on_selector_all("video", "all => all.map((each) => each.currentTime)")
    assert left - right == pytest.approx(0.4, abs=0.01), "one clock"
    page.focus(".look-wipe")
    page.keyboard.press("ArrowLeft")
    assert page.eval_on_selector(".look-stage", "each => each.style.getPropertyValue('--at')") == "49%"
    browsing.look(page, "result-clip")
    _accessible(page)


def test_a_voice_and_its_translation_are_heard_with_one_clock(browsing: Browsing, server: Server, assets: Path) -> None:
    page = _open(browsing, server)
    _choose(page, server, assets / "speech/female-1.flac")
    browsing.look(page, "convert-voice")
    _accessible(page)
    page.fill("input[name=start]", "0.4")
    assert page.inner_text("[data-strip] output").startswith("0:00.40 to 0:01.67")
    job = server.wait(_convert(page))
    assert job["request"]["settings"] == {"start": 0.4}
    page.wait_for_selector("[data-ended=yes]")
    _until(page, "[...document.querySelectorAll('.spectrum img')].every((each) => each.naturalWidth > 0)")
    _until(page, "[...document.querySelectorAll('audio')].every((each) => each.readyState >= 2)")
    muted = "all => all.map((each) => each.muted)"
    assert page.eval_on_selector_all("audio", muted) == [True, False]
    page.check("[data-heard][value='0']", force=True)
    assert page.eval_on_selector_all("audio", muted) == [False, True]
    page.eval_on_selector("[data-seek]", "each => { each.value = 500; each.dispatchEvent(new Event('input')); }")
    first, second = page.eval_on_selector_all("audio", "all => all.map((each) => each.currentTime)")
    assert first - second == pytest.approx(0.4, abs=0.002), "the source is heard from where the part begins"
    assert second == pytest.approx(0.64, abs=0.01)
    page.uncheck("[data-pitch]")
    assert not page.is_visible(".pitch >> nth=0")
    page.check("[data-pitch]")
    browsing.look(page, "result-voice")
    _accessible(page)


def test_jobs_wait_are_moved_cancelled_and_tried_again(browsing: Browsing, server: Server, assets: Path) -> None:
    page = _open(browsing, server)
    _choose(page, server, *(assets / "video" / name for name in ("road.mp4", "traffic.mp4", "animation.webm")))
    assert page.locator(".tray a").count() == 3
    browsing.look(page, "convert-several")
    page.click("text=Convert 3 files")
    page.wait_for_url("**/queue")
    live = page.locator("section[aria-labelledby=open] .job")
    assert page.inner_text("#open-jobs .count").startswith("3")
    assert live.locator(".what a").all_inner_texts() == ["road.mp4", "traffic.mp4", "animation.webm"]
    page.focus("button[aria-label='Later: traffic.mp4']")
    page.keyboard.press("Enter")
    _until(page, "document.querySelectorAll('.job .what a')[1].textContent === 'animation.webm'")
    _until(page, "document.activeElement.ariaLabel === 'Earlier: traffic.mp4'")  # it cannot go later than last
    page.keyboard.press("Enter")
    _until(page, "document.querySelectorAll('.job .what a')[1].textContent === 'traffic.mp4'")
    _until(page, "document.activeElement.ariaLabel === 'Later: traffic.mp4'")
    page.keyboard.press("Enter")
    _until(page, "document.querySelectorAll('.job .what a')[1].textContent === 'animation.webm'")
    browsing.look(page, "queue")
    _accessible(page)
    for name in ("traffic.mp4", "animation.webm", "road.mp4"):
        page.click(f"button[aria-label='Cancel: {name}']")
    page.wait_for_selector("text=Nothing runs and nothing waits")
    assert page.inner_text("#open-jobs") == ""
    badges = page.locator("section[aria-labelledby=past] .badge").all_inner_texts()
    assert badges[:3] == 3 * ["cancelled"]
    page.click("button[aria-label='Try again: traffic.mp4']")
    page.click("section[aria-labelledby=open] .what a")
    page.wait_for_url("**/jobs/*")  # the page that is left has a Pause as well
    page.focus("text=Pause")
    page.keyboard.press("Enter")
    page.wait_for_selector(".badge.paused")
    assert page.evaluate("document.activeElement.closest('.panel') !== null")
    browsing.look(page, "job-paused")
    page.click("text=Go on")
    page.click("text=Cancel")
    page.wait_for_selector("[data-ended=yes] .badge.cancelled")
    browsing.look(page, "job-cancelled")
    _accessible(page)


def test_two_tabs_and_three_people_see_the_same_job(browsing: Browsing, server: Server, assets: Path) -> None:
    page = _open(browsing, server)
    _choose(page, server, assets / "video/road.mp4")
    page.check("input[name=do][value='day2night-video-mobile.a2b']", force=True)
    _convert(page)
    tab, *others = page.context.new_page(), _open(browsing, server), _open(browsing, server)
    everybody = [page, tab, *others]
    for each in everybody[1:]:
        each.goto(page.url)

    def see(state: str) -> None:
        for each in everybody:
            each.wait_for_selector(f".panel .badge.{state}")

    others[0].click("text=Pause")
    see("paused")
    page.reload()
    see("paused")
    tab.click("text=Go on")
    see("running")
    others[1].click("text=Cancel")
    see("cancelled")


def test_what_a_browser_cannot_show_is_shown_with_its_notes(browsing: Browsing, server: Server, tmp_path: Path) -> None:
    Image.new("CMYK", (64, 48), (0, 90, 200, 20)).save(tmp_path / "print.tif")
    with av.open(str(tmp_path / "old.avi"), "w") as clip:
        stream = clip.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in range(0, 200, 20):
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), "rgb24")))
        clip.mux(stream.encode(None))
    model = {"model": "day2night-video-mobile", "direction": "a2b"}
    jobs = [
        server.submit("convert", input=server.upload(tmp_path / name), **model) for name in ("print.tif", "old.avi")
    ]
    page = _open(browsing, server)
    page.goto(f"{server.address}/jobs/{server.wait(jobs[0]['id'])['id']}")
    _until(page, "[...document.querySelectorAll('.look-side img')].every((each) => each.naturalWidth === 64)")
    assert "It is CMYK; the translation is RGB of 8 bits" in page.inner_text(".panel")
    browsing.look(page, "result-notes")
    page.goto(f"{server.address}/jobs/{server.wait(jobs[1]['id'])['id']}")
    _until(page, "[...document.querySelectorAll('video')].every((each) => each.readyState >= 2)")
    assert all("/play/" in each for each in page.eval_on_selector_all("video", "all => all.map((each) => each.src)"))
    page.click("[data-step='1']")
    assert "frame 2 of 10" in page.inner_text("[data-time]")


def test_what_cannot_be_done_is_said(browsing: Browsing, server: Server, tmp_path: Path) -> None:
    page = _open(browsing, server)
    (tmp_path / "text.png").write_text("no picture\n" * 50)
    _choose(page, server, tmp_path / "text.png")
    assert "text.png holds no picture that can be read" in page.inner_text("main")
    assert page.locator("button[type=submit]").count() == 0
    browsing.look(page, "convert-broken")
    _accessible(page)
    page.goto(f"{server.address}/?file={24 * 'a'}")
    assert "choose or upload it again" in page.inner_text("[role=alert]:visible")
    page.goto(f"{server.address}/browse")
    page.click("text=assets")
    page.click("text=day2night")
    page.click("text=night >> nth=-1")
    _until(page, "[...document.images].slice(0, 3).every((each) => each.naturalWidth > 0)")
    browsing.look(page, "browse")
    _accessible(page)
    page.click("text=Take the whole folder")
    assert "a folder with everything in it" in page.inner_text("main")


def test_without_scripts_the_page_says_so(browsing: Browsing, server: Server) -> None:
    page = browsing.open(f"{server.address}/?token={TOKEN}", scripts=False)
    assert "needs JavaScript" in page.inner_text("noscript")


def test_the_pages_hold_no_script_and_no_style_of_their_own(server: Server, assets: Path) -> None:
    file = server.upload(assets / "day2night/square.jpg")
    for path in ("/", f"/?file={file}", "/queue", "/browse"):
        text = server.ask_text(path)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:|https?://", text), path


def test_a_mask_is_chosen_and_what_was_filled_in_is_kept(
    browsing: Browsing, server: Server, assets: Path, tmp_path: Path
) -> None:
    mask = tmp_path / "sky only.png"
    with Image.open(assets / "day2night/square.jpg") as picture:
        Image.new("L", picture.size, 255).save(mask)
    page = _open(browsing, server)
    _choose(page, server, assets / "day2night/square.jpg")
    page.click("summary >> text=More settings")
    page.set_input_files("[data-one-file] input[type=file]", mask)
    page.wait_for_selector("[data-one-name] >> text=sky only.png")
    page.fill("[name='more.feather']", "4")
    page.select_option("[name='more.layout']", "side by side")
    _accessible(page)
    browsing.look(page, "convert-more")
    page.reload()
    assert page.input_value("[name='more.feather']") == "4", "the address follows the form"
    page.wait_for_selector("[data-one-name] >> text=sky only.png")
    done = server.wait(_convert(page))
    assert done["state"] == "done", done["error"]
    assert done["request"]["settings"] == {"feather": "4"}
    assert (bool(done["request"]["mask"]), done["request"]["layout"]) == (True, "side-by-side")
    page.wait_for_selector(".still img")
    page.click("text=Settings and log")
    for text in ("sky only.png", "side by side", "Soft edge of the mask"):
        page.wait_for_selector(f".facts >> text={text}")
    page.click("text=Again with these settings")
    assert page.input_value("[name='more.feather']") == "4"
