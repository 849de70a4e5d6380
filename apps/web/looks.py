"""Pictures of files, previews and copies for the browser: made by child processes when they are first asked for, kept
in the home folder, and made anew for a file that changed."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from unpaired import MediaError, ResourceError
from unpaired.apps.web.facts import Facts, read_facts
from unpaired.apps.web.models import Models
from unpaired.apps.web.places import Place
from unpaired.apps.web.settings import WebSettings

NAMES = ("thumb.jpg", "reduced.png", "strip.jpg", "spectrum.png", "pitch.svg")
"""Pictures that a look may leave."""
_KEPT = 400
"""Files whose pictures are kept; those that were looked at longest ago go first."""
_AT_ONCE = 2
_LONGEST = {"look": 120.0, "preview": 180.0, "copy": 3600.0}
"""Seconds that a process may take."""
Result = TypeVar("Result")


class Looks:
    """What the page shows of files. Methods are called in the event loop's thread."""

    def __init__(self, settings: WebSettings, models: Models) -> None:
        self._folder = settings.home / "looks"
        self._models = models
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[Path, asyncio.Task[Any]] = {}

    def folder(self, place: Place) -> Path:
        """Where the pictures of a file lie, as long as it is as it is now."""
        version = f"{place.id} {place.size} {place.changed}"
        return self._folder / hashlib.blake2b(version.encode(), digest_size=12).hexdigest()

    def known(self, place: Place) -> Facts | None:
        """The facts about a file that was looked at before."""
        return read_facts(self.folder(place))

    async def facts(self, place: Place) -> Facts:
        """The facts about a file; its pictures are there then too."""
        known = self.known(place)
        if known is not None:
            return known
        return await self._once(self.folder(place), lambda: self._look(place))

    async def picture(self, place: Place, name: str) -> Path:
        """One of NAMES. Raises MediaError: there is none of this file."""
        await self.facts(place)
        file = self.folder(place) / name
        if not file.is_file():
            raise MediaError(f"there is no such picture of {place.name}")
        return file

    async def preview(self, place: Place, model: str, direction: str) -> Path:
        """The reduced picture of a file as a model's translation of full strength. Raises MediaError or MissingFile."""
        source = await self.picture(place, "reduced.png")
        version = hashlib.blake2b(f"{model} {self._models.info(model).size}".encode(), digest_size=8).hexdigest()
        target = source.with_name(f"preview-{version}-{direction}.png")
        if not target.is_file():
            word = self._models.word(model)
            await self._once(target, lambda: self._translate(source, target, word, direction))
        return target

    async def copy(self, place: Place) -> Path:
        """A copy of a clip or a recording that every browser plays. Raises MediaError."""
        await self.facts(place)
        target = self.folder(place) / "copy.mp4"
        if not target.is_file():
            words = ["-m", "unpaired.apps.web.playable", str(place.path), str(target)]
            await self._once(target, lambda: self._run("copy", words, target, f"{place.name} cannot be played here"))
        return target

    async def _once(self, what: Path, make: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """What is being made already is waited for; it is made to its end when nobody waits any more."""
        task = self._tasks.get(what)
        if task is None:
            task = self._tasks[what] = asyncio.create_task(make())
            task.add_done_callback(lambda _: self._tasks.pop(what, None))
        found: Result = await asyncio.shield(task)
        return found

    async def _look(self, place: Place) -> Facts:
        folder = self.folder(place)
        self._make_room()
        words = ["-m", "unpaired.apps.web.media", str(place.path), str(folder), "--name", place.name]
        await self._run("look", words, folder / "facts.json", f"{place.name} cannot be looked at")
        return read_facts(folder) or Facts("unknown", error=f"{place.name} cannot be looked at")

    async def _translate(self, source: Path, target: Path, model: str, direction: str) -> None:
        part = target.with_name(f"part-{target.name}")
        words = ["-m", "unpaired.apps.main", "convert", model, str(source), str(part), "--direction", direction]
        try:
            await self._run("preview", words, part, "there is no preview of this model")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    async def _run(self, kind: str, words: Sequence[str], target: Path, fault: str) -> None:
        """Run Python until `target` is there. Raises MediaError with the sentence `fault`, or ResourceError."""
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                await asyncio.wait_for(process.wait(), _LONGEST[kind])
            except TimeoutError:
                raise ResourceError(f"{fault}: it takes too long") from None
            finally:
                if process.returncode is None:
                    with suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        if not target.is_file():
            raise MediaError(fault)

    def _make_room(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(self._folder) as entries:
            found = sorted(entries, key=lambda entry: entry.stat().st_mtime)
        for entry in found[:-_KEPT]:
            shutil.rmtree(entry.path, ignore_errors=True)
