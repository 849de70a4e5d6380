"""The pictures of the page in README and docs: made anew where UNPAIRED_SCREENSHOTS names a folder.

UNPAIRED_SCREENSHOTS=docs/pictures pytest -m slow tests/apps/web/test_pictures_of_the_page.py
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import Browsing
from PIL import Image as Pillow
from web_server import TOKEN, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]
SLOWEST = 60_000
LONGEST = 900_000


def _take(page: Page, name: str) -> None:
    """Take a picture of what is to be seen, in so few colours that the file is small."""
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    picture = Pillow.open(io.BytesIO(page.screenshot())).convert("RGB")
    folder = Path(os.environ.get("UNPAIRED_SCREENSHOTS", ""))
    if folder.name:
        folder.mkdir(parents=True, exist_ok=True)
        picture.quantize(256, dither=Pillow.Dither.NONE, kmeans=2).save(folder / f"{name}.png", optimize=True)
    assert picture.size == (1200, 800)


def test_pictures_of_the_page(tmp_path: Path, assets: Path) -> None:
    with serving(tmp_path / "home", "--folder", assets) as server, Browsing() as browsing:
        page = browsing.open(f"{server.address}/?token={TOKEN}", width=1200, height=800)
        page.goto(f"{server.address}/?do=day2night.a2b")
        page.set_input_files("input[type=file]", assets / "day2night/square.jpg")
        page.wait_for_selector(".look", timeout=SLOWEST)
        page.wait_for_load_state("networkidle", timeout=SLOWEST)
        _take(page, "page-convert")

        page.goto(f"{server.address}/train/new")
        for side, folder in (("a", "day"), ("b", "night")):
            page.click(f"#side-{side} >> text=Folder on this machine")
            for each in ("assets", "day2night", folder):
                page.click(f"#folders-{side} .folder >> text={each}")
            page.click(f"#folders-{side} >> text=Use “{folder}”")
            page.wait_for_selector(f"#side-{side} input[type=hidden]", state="attached")
        page.wait_for_selector("#findings >> text=This will work, within limits.", timeout=SLOWEST)
        page.wait_for_load_state("networkidle", timeout=SLOWEST)
        _take(page, "page-train")

        page.check("input[name=preset][value=tiny]")
        page.check("input[name=detail][value='64']")
        page.fill("input[name=hours]", "0.1")
        page.click("text=More settings")
        page.click("text=How it learns")
        page.fill("[id='training.batch']", "4")
        page.fill("[id='training.held_out']", "2")
        page.click("#start")
        page.wait_for_selector("#status .badge:text-is('finished')", timeout=LONGEST)
        page.wait_for_load_state("networkidle", timeout=SLOWEST)
        _take(page, "page-training")
        assert not browsing.complaints
