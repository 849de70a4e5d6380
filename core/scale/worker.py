"""The work itself, the same in every process of every engine: files in, records and results out."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

from .. import errors
from ..adapter.division import NotDivided, Part
from ..conversion.pipeline import Job, Pipeline
from ..conversion.pipeline import Progress as FileProgress
from ..conversion.record import FOLDER, Record, identity_of
from ..conversion.translator import Translator
from ..errors import ConfigError, MediaError, UnpairedError
from ..files import clear_leftovers, folder_of
from ..makers import mark
from ..settings.mapping import from_mapping
from ..sides import Direction
from ..stores.access import filesystem, is_address
from ..stores.transfer import stored_at
from .claims import Claim, Claims
from .parts import remove_parts
from .places import Fetched, Outputs
from .spec import TranslatorSpec

MOST_ENDED = 3
"""Workers that may end while they are at a file; then it is set aside."""


@dataclass(frozen=True)
class Recipe:
    """All that a worker must know to make the same of a file as every other one."""

    translator: TranslatorSpec
    direction: Direction
    settings: Mapping[str, Any]
    """Of the conversion."""
    identity: str
    """Of the model: `Translator.identity`."""
    outputs: str
    """The folder of the outputs and their record, from the root."""
    files: int
    """In all, of all workers."""
    version: str = ""
    """The version of this package."""
    store: str = ""
    """The address to which the outputs are sent; empty: they stay where they are."""


class Item(NamedTuple):
    """A file to convert."""

    number: int
    source: str
    """A path, or an address."""
    target: str
    stamp: str | None
    """Of the output that was there when the record was read."""
    part: Part | None = None
    """Where the target is a part of an output (`division`)."""
    parts: tuple[str, ...] = ()
    """The parts that it is to be joined from; none: it is converted as a whole."""
    whole: str = ""
    """Of a part, the output that it belongs to."""


class Result(NamedTuple):
    """What became of a file."""

    number: int
    kind: Literal["converted", "finished", "busy", "failed", "loose", "whole"]
    """`finished` by another worker before, or another one is at it: `busy`. Of divided files: a part that is to be made
    again, after the one before it: `loose`; and one that is to be converted as a `whole`."""
    text: str = ""
    """Why it failed; the index of the loose part."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ready:
    """A worker has loaded its model."""

    mark: str
    """Of its process; its file of the record has that name."""


@dataclass(frozen=True)
class Done:
    """A worker has been through a group of files."""

    results: tuple[Result, ...]
    runtime: str
    """What has run the network so far; empty where nothing was translated."""


@dataclass(frozen=True)
class Fault:
    """An error that ends all work; it crosses processes as text."""

    kind: str
    text: str

    @classmethod
    def of(cls, error: BaseException, where: str = "") -> Fault:
        """The fault that an error is."""
        if isinstance(error, UnpairedError):
            return cls(type(error).__name__, where + str(error))
        return cls("", "".join(traceback.format_exception(error)))

    def throw(self) -> NoReturn:
        """Raise it here."""
        kind = getattr(errors, self.kind, None) if self.kind else None
        if isinstance(kind, type) and issubclass(kind, UnpairedError):
            raise kind(self.text)
        raise RuntimeError(f"a worker failed:\n{self.text}")


@dataclass(frozen=True)
class Lost:
    """A worker has ended, and why as far as that is known."""

    reason: str


Answer = Ready | Done | Fault | Lost


def begin(recipe: Recipe) -> Worker | Fault:
    """A worker that has loaded its model, or why there is none."""
    try:
        return Worker(recipe)
    except Exception as error:
        return Fault.of(error, f"the worker on {socket.gethostname()}: ")


def installed_version() -> str:
    """The version of this package."""
    return version("unpaired")


class _SetAside(MediaError):
    """Too many workers ended at a file."""


class Worker:
    """One process that converts. Raises ConfigError for a recipe of another version or model, and what `load` does."""

    def __init__(
        self,
        recipe: Recipe,
        translator: Translator | None = None,
        progress: Callable[[FileProgress], None] | None = None,
    ) -> None:
        if recipe.version != installed_version():
            raise ConfigError(f"unpaired is {installed_version()} here, but {recipe.version} where the conversion was "
                              "started; install the same version on all machines")  # fmt: skip
        self._translator = translator or recipe.translator.load()
        if self._translator.identity(recipe.direction) != recipe.identity:
            raise ConfigError(f"the model {recipe.translator.model} is another one here; copy it to all machines anew")
        self._recipe, self._progress = recipe, progress
        self._settings = from_mapping(self._translator.domain.conversion_type, recipe.settings)
        self._translate = self._translator.for_direction(recipe.direction)
        self._outputs = Outputs(Path(recipe.outputs), recipe.store)
        folder, ran = self._outputs.folder, lambda: self._translator.ran
        self._record = Record(folder, recipe.identity, recipe.settings, ran, manifest(folder))
        self._claims = Claims(folder)
        self._held: dict[int, Claim] = {}
        self._fetched: dict[int, Fetched] = {}
        self._left_out: dict[int, Result] = {}

    def answer(self, items: Sequence[Item]) -> Done | Fault:
        """The same as `convert`, for another process: what is raised there is a fault here."""
        try:
            return self.convert(items)
        except Exception as error:
            return Fault.of(error)

    def convert(self, items: Sequence[Item]) -> Done:
        """Convert a group of files. A fault of a file is in its result; raises OutputError and AdapterError."""
        for address in {item.source for item in items if is_address(item.source)} | {self._outputs.address} - {""}:
            filesystem(address)  # imported here, not in a thread of the pipeline
        jobs = [Job(Path(item.source), Path(item.target)) for item in items]
        for item, job in zip(items, jobs, strict=True):
            job.when_begun, job.when_written = partial(self._begin, item), partial(self._finish, item)
        try:
            found = self._division_of(items[0])
        except NotDivided as error:
            return Done((Result(items[0].number, "whole", str(error)),), self._ran())
        if isinstance(found, Result):
            return Done((found,), self._ran())
        recipe, domain = self._recipe, found or self._translator.domain
        pipeline = Pipeline(domain, self._translate, recipe.direction, self._settings, self._progress, recipe.files)
        try:
            with folder_of(self._record.file):
                pipeline.run(jobs)
        finally:
            for number in list(self._held):
                self._let_go(number)
        results = tuple(self._result(item, job) for item, job in zip(items, jobs, strict=True))
        self._left_out.clear()
        return Done(results, self._ran())

    def _ran(self) -> str:
        return self._translator.ran if self._translator.ran_is_known else ""

    def _division_of(self, item: Item) -> Any | Result:
        """The domain that converts a part of a file or joins all, which are groups by themselves; None for plain files.
        Raises NotDivided."""
        division = self._translator.domain.division() if item.part or item.parts else None
        if division is None:
            return None
        if item.part is not None:
            return division.part(item.part, Path(item.whole))
        parts = [Path(part) for part in item.parts]
        loose = division.loose(parts)
        return division.joined(parts) if loose is None else Result(item.number, "loose", str(loose))

    def _begin(self, item: Item, job: Job) -> bool:
        claim = self._claims.take(self._identity(job))
        if claim is None:
            self._left_out[item.number] = Result(item.number, "busy")
            return False
        self._held[item.number] = claim
        if claim.ended:
            clear_leftovers(job.target.parent, claim.ended)
        if len(claim.ended) >= MOST_ENDED:
            raise _SetAside(f"{job.source} is set aside: {len(claim.ended)} workers ended while they converted it; "
                             "convert it by itself to see why")  # fmt: skip
        # Whoever has written it since it was looked for has recorded it too.
        present = self._outputs.stamp(job.target)
        if present not in (None, item.stamp) and self._is_made(item, job, present):
            self._left_out[item.number] = Result(item.number, "finished")
            self._let_go(item.number)
            return False
        if is_address(item.source):
            fetched = self._fetched[item.number] = Fetched(item.source, job.target)
            job.source, job.source_stamp = fetched.file, fetched.stamp
        return True

    def _is_made(self, item: Item, job: Job, present: str | None) -> bool:
        if item.part is not None:
            return True
        job.source_stamp = stored_at(item.source).stamp if is_address(item.source) else None
        job.earlier, job.target_stamp = present, present if self._outputs.address else None
        return self._record.standings([job]) == ["same"]

    def _finish(self, item: Item, job: Job) -> None:
        if item.part is None:
            self._outputs.send(job)
            self._record.add(job)
            self._outputs.clear(job)
        if item.parts:
            remove_parts(job.target, self._outputs.folder)
        self._let_go(item.number)

    def _let_go(self, number: int) -> None:
        """Leave a file to others."""
        if fetched := self._fetched.pop(number, None):
            fetched.remove()
        self._held.pop(number).release()

    def _result(self, item: Item, job: Job) -> Result:
        def said(text: str) -> str:  # of the file as the user knows it
            return text.replace(str(job.source), item.source)

        if job.error is not None:
            divided = (item.part or item.parts) and not isinstance(job.error, _SetAside)
            return Result(item.number, "whole" if divided else "failed", said(str(job.error)))
        return self._left_out.get(item.number) or Result(item.number, "converted", "", tuple(map(said, job.notes)))

    def _identity(self, job: Job) -> str:
        return identity_of(job.target, self._outputs.folder)


def manifest(outputs: Path, worker: str | None = None) -> Path:
    """The part of the record that a worker, by default this process, writes."""
    return outputs / FOLDER / f"{worker or mark()}.jsonl"
