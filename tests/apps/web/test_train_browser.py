"""A training from two folders to a model in use, by a real browser on a real server that is killed in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import Browsing
from web_server import TOKEN, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
SLOWEST = 100_000
"""Milliseconds that anything here may take on a busy machine."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of the servers here."""
    return tmp_path_factory.mktemp("web") / "home"


def _choose_below(page: Page, side: str, *folders: str) -> None:
    """Choose a folder on the machine by clicking through to it."""
    page.click(f"#side-{side} >> text=Folder on this machine")
    for folder in folders:
        page.click(f"#folders-{side} .folder >> text={folder}")
    page.click(f"#folders-{side} >> text=Use “{folders[-1]}”")
    page.wait_for_selector(f"#side-{side} input[type=hidden]", state="attached")


def _state(page: Page, words: str) -> None:
    page.wait_for_selector(f"#status .badge:text-is('{words}')", timeout=SLOWEST)


def test_from_two_folders_to_a_model_in_use(home: Path, assets: Path, browsing: Browsing) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(serving(home, "--folder", assets))
        page = browsing.open(f"{server.address}/?token={TOKEN}")
        page.goto(f"{server.address}/train")
        browsing.check_accessible(page)
        browsing.look(page, "train-empty")
        page.click("text=Train a new model")
        page.wait_for_load_state()

        # One side is sent, the other one lies on the machine.
        page.click("#start")
        page.wait_for_selector("#faults >> text=The first kind has no files that can be used yet.")
        pictures = sorted((assets / "day2night/day").glob("*.jpg"))
        page.set_input_files("#side-a [data-files]", pictures)
        page.wait_for_selector("#side-a >> text=12 pictures", timeout=SLOWEST)
        # A style that somebody, such as an extension of the browser, gave a field is not copied against the policy.
        page.eval_on_selector("#name-b", "each => each.style.setProperty('caret-color', 'red')")
        _choose_below(page, "b", "assets", "day2night", "night")
        page.fill("#name-a", "day")
        page.wait_for_selector("#faults:empty", state="attached")  # what was wrong no longer is
        page.wait_for_selector("#findings >> text=This will work, within limits.", timeout=SLOWEST)
        page.check("input[name=preset][value=tiny]")
        page.fill("input[name=hours]", "0.5")
        page.check("input[name=detail][value='64']")
        browsing.check_accessible(page)
        browsing.look(page, "train-new")
        page.click("text=More settings")
        page.click("text=How it learns")
        for name, value in {"log_every": "5", "checkpoint_every": "20", "preview_every": "20", "held_out": "0"}.items():
            page.fill(f"[id='training.{name}']", value)
        page.click("#start")

        # It is watched, and can be tried, while it learns.
        _state(page, "training")
        page.wait_for_selector("#sheets .sheet img", timeout=SLOWEST)
        page.wait_for_selector("#use >> text=Turn day into night", timeout=SLOWEST)
        page.wait_for_selector("#judgement >> text=Too early to tell")
        browsing.check_accessible(page)
        browsing.look(page, "train-live")
        address = page.url

        # The server is killed; the training goes on, and another server finds it.
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        page.wait_for_selector("#page-fault >> text=The server does not answer", timeout=SLOWEST)
        server = stack.enter_context(serving(home, "--folder", assets))
        page = browsing.open(f"{server.address}/?token={TOKEN}")
        page.goto(f"{server.address}/train")
        page.click("text=day and night")
        assert page.url.rpartition("/")[2] == address.rpartition("/")[2]
        _state(page, "training")

        page.click("text=Pause")
        _state(page, "paused")
        steps = page.inner_text("#status .number")
        browsing.look(page, "train-paused")
        page.click("text=Go on")
        _state(page, "training")
        page.wait_for_function(
            "before => document.querySelector('#status .number')?.innerText !== before", arg=steps, timeout=SLOWEST
        )
        page.click("text=Stop and keep")
        _state(page, "stopped, and kept")
        queue = page.context.new_page()
        queue.goto(f"{server.address}/queue")
        assert "step-" in str(queue.get_attribute("section[aria-labelledby=past] .job img.thumb", "src"))
        queue.close()
        browsing.check_accessible(page)
        browsing.look(page, "train-stopped")
        stopped = page.url

        # A quick version learns from it, with the same files.
        page.click("text=Make a quick version")
        page.select_option("#quick-length", "try")
        page.click("#quick button")
        page.wait_for_url(lambda url: url != stopped)
        assert "quick version of another model" in page.inner_text("main")
        page.once("dialog", lambda dialog: dialog.accept())
        page.click("text=Cancel")
        _state(page, "cancelled")
        page.goto(stopped)

        # What it has learned so far is used.
        page.click("text=Turn day into night")
        page.wait_for_selector("text=turn day into night")
        page.set_input_files("input[type=file]", assets / "day2night/square.jpg")
        page.wait_for_selector("text=square.jpg", timeout=SLOWEST)
        assert "turn day into night" in page.inner_text("main").lower()
        assert not browsing.complaints


@pytest.fixture
def browsing() -> Iterator[Browsing]:
    """A browser of the test's own."""
    with Browsing() as opened:
        yield opened
