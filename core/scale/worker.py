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
from ..conversion.jobs import is_there
from ..conversion.pipeline import Job, Pipeline
from ..conversion.pipeline import Progress as FileProgress
from ..conversion.record import FOLDER, Record, identity_of, stamp
from ..conversion.translator import Translator
from ..errors import ConfigError, MediaError, UnpairedError
from ..files import clear_leftovers, folder_of
from ..makers import mark
from ..settings.mapping import from_mapping
from ..sides import Direction
from .claims import Claim, Claims
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


class Item(NamedTuple):
    """A file to convert."""

    number: int
    source: str
    target: str
    stamp: str | None
    """Of what is at `target`, as far as the record that was read knows it."""


class Result(NamedTuple):
    """What became of a file."""

    number: int
    kind: Literal["converted", "finished", "busy", "failed"]
    """`finished` by another worker before, or another one is at it: `busy`."""
    text: str = ""
    """Why it failed."""
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
        self._outputs = Path(recipe.outputs)
        self._record = Record(
            self._outputs, recipe.identity, recipe.settings, lambda: self._translator.ran, manifest(self._outputs)
        )
        self._claims = Claims(self._outputs)
        self._held: dict[int, Claim] = {}
        self._left_out: dict[int, Result] = {}

    def answer(self, items: Sequence[Item]) -> Done | Fault:
        """The same as `convert`, for another process: what is raised there is a fault here."""
        try:
            return self.convert(items)
        except Exception as error:
            return Fault.of(error)

    def convert(self, items: Sequence[Item]) -> Done:
        """Convert a group of files. A fault of a file is in its result; raises OutputError and AdapterError."""
        jobs = [Job(Path(item.source), Path(item.target)) for item in items]
        for item, job in zip(items, jobs, strict=True):
            job.when_begun, job.when_written = partial(self._begin, item), partial(self._finish, item)
        recipe, domain = self._recipe, self._translator.domain
        pipeline = Pipeline(domain, self._translate, recipe.direction, self._settings, self._progress, recipe.files)
        try:
            with folder_of(self._record.file):
                pipeline.run(jobs)
        finally:
            for number in list(self._held):
                self._held.pop(number).release()
        results = tuple(self._result(item, job) for item, job in zip(items, jobs, strict=True))
        self._left_out.clear()
        return Done(results, self._translator.ran)

    def _begin(self, item: Item, job: Job) -> bool:
        claim = self._claims.take(self._identity(job))
        if claim is None:
            self._left_out[item.number] = Result(item.number, "busy")
            return False
        self._held[item.number] = claim
        if claim.ended:
            clear_leftovers(job.target.parent, claim.ended)
        if len(claim.ended) >= MOST_ENDED:
            raise MediaError(f"{job.source} is set aside: {len(claim.ended)} workers ended while they converted it; "
                             "convert it by itself to see why")  # fmt: skip
        # Whoever has written it since it was looked for has recorded it too.
        if present_stamp(job.target) != item.stamp and self._record.standings([job]) == ["same"]:
            self._left_out[item.number] = Result(item.number, "finished")
            self._held.pop(item.number).release()
            return False
        return True

    def _finish(self, item: Item, job: Job) -> None:
        self._record.add(job)
        self._held.pop(item.number).release()

    def _result(self, item: Item, job: Job) -> Result:
        if job.error is not None:
            return Result(item.number, "failed", str(job.error))
        return self._left_out.get(item.number) or Result(item.number, "converted", "", job.notes)

    def _identity(self, job: Job) -> str:
        return identity_of(job.target, self._outputs)


def manifest(outputs: Path, worker: str | None = None) -> Path:
    """The part of the record that a worker, by default this process, writes."""
    return outputs / FOLDER / f"{worker or mark()}.jsonl"


def present_stamp(target: Path) -> str | None:
    """The stamp of an output, if there is one."""
    try:
        return stamp(target) if is_there(target) else None
    except FileNotFoundError:  # it went meanwhile
        return None
