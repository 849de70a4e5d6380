"""Chromium, for tests of the page."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request

PLACES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 100_000
"""Milliseconds that anything may take where the machine is busy with other tests."""
_OF_A_DEAD_SERVER = ("ERR_CONNECTION", "ERR_INCOMPLETE", "htmx:sendError", "htmx:afterRequest")
"""What the console says where a test kills its server."""


class Browsing:
    """A browser that takes down what goes wrong in it: errors on the console, and requests to other hosts.

    Pictures of its pages go into the folder that UNPAIRED_SCREENSHOTS names, if it names one. `options`: further words
    of its command line.
    """

    def __init__(self, *options: str) -> None:
        self._options = options
        self.complaints: list[str] = []
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def __enter__(self) -> Self:
        found = next(filter(None, map(shutil.which, PLACES)), None)
        if found is None:
            pytest.skip(f"there is no Chromium ({', '.join(PLACES)}): apt install chromium")
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *self._options])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()

    def open(
        self, address: str, width: int = 1440, height: int = 900, scheme: str = "light", scripts: bool = True
    ) -> Page:
        """A page of its own, with cookies of its own."""
        assert self._browser is not None
        context = self._browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                            java_script_enabled=scripts)  # fmt: skip
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        host = address.partition("//")[2].partition("/")[0]

        def heard(message: ConsoleMessage) -> None:
            if message.type == "error" and not any(said in message.text for said in _OF_A_DEAD_SERVER):
                self.complaints.append(message.text)

        def asked(request: Request) -> None:
            if request.url.startswith("http") and host not in request.url:
                self.complaints.append(f"asked for {request.url}")

        page.on("console", heard)
        page.on("request", asked)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(address)
        return page

    def close_pages(self) -> None:
        """Close all pages, and forget what went wrong in them."""
        for context in self._browser.contexts if self._browser is not None else ():
            context.close()
        self.complaints.clear()

    def check_accessible(self, page: Page) -> None:
        """Nothing that axe calls serious."""
        from axe_playwright_python.sync_playwright import Axe

        found = [each for each in Axe().run(page).response["violations"] if each["impact"] in ("serious", "critical")]
        assert not [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found], page.url

    def look(self, page: Page, name: str) -> None:
        """Take pictures of a page at both widths, light and dark."""
        folder = os.environ.get("UNPAIRED_SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for width, height in ((390, 844), (1440, 900)):
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("dark", "light"):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(200)
                page.screenshot(path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True)
