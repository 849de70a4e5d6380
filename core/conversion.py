"""Conversion of a file, or of a folder with its tree, by a trained translator."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import from_mapping
from .domain import BrokenFile, ConversionSettings, Direction, Domain
from .errors import MissingFile, OutputError
from .files import check_writable
from .pipeline import Job, Pipeline, Progress

if TYPE_CHECKING:
    from .translator import Translator

__all__ = ["ConversionReport", "FileNote", "Progress", "convert"]


@dataclass(frozen=True)
class FileNote:
    """Something about a file that was converted all the same, in words for the user."""

    path: Path
    text: str


@dataclass(frozen=True)
class ConversionReport:
    """What became of every file."""

    converted: tuple[Path, ...] = ()
    """Outputs written."""
    skipped: tuple[Path, ...] = ()
    """Outputs left alone because they were there already."""
    failed: tuple[BrokenFile, ...] = ()
    """Inputs of a folder that could not be converted, and why."""
    notes: tuple[FileNote, ...] = ()
    """What had to be said of inputs that were converted all the same."""


def convert(
    translator: Translator,
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    skip_existing: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> ConversionReport:
    """Translate a file, or every convertible file of a folder.

    A folder keeps its tree and names; hidden files are left out. A file whose output is an existing folder goes
    into it under its own name. Reading, translating and writing run at the same time and in constant memory;
    an output appears whole or not at all.

    Args:
        translator: the model and its runtime.
        input: a file or a folder.
        output: a file, or a folder for a folder.
        direction: a2b or b2a.
        skip_existing: leave outputs alone that exist already.
        progress: called in this thread after each translated chunk; raising from it ends the conversion.
        options: fields of the domain's conversion settings.

    Raises:
        MissingFile: no such input, or nothing in the folder that the domain converts.
        MediaError: a single input cannot be decoded. In a folder it is listed in the report instead.
        AdapterError: the domain breaks its contract.
        OutputError: the output cannot be written, would overwrite an input, or lies inside the input folder.
        ConfigError: an option that the domain does not have, or a value out of range.
    """
    domain = translator.domain
    settings = from_mapping(domain.conversion_type, options)
    source, target = Path(input), Path(output)
    folder = source.is_dir()
    jobs = _jobs_of_folder(domain, source, target) if folder else [_job_of_file(source, target)]
    # os.path.lexists would also count a dangling link, which holds nothing worth keeping.
    skipped = tuple(job.target for job in jobs if skip_existing and job.target.exists())
    jobs = [job for job in jobs if not (skip_existing and job.target.exists())]
    _judge(domain, jobs, settings)
    _raise_of_one(jobs, folder)
    translate = translator.toward(direction)
    Pipeline(domain, translate, direction, settings, progress).run([job for job in jobs if job.error is None])
    _raise_of_one(jobs, folder)
    return ConversionReport(
        converted=tuple(job.target for job in jobs if job.error is None),
        skipped=skipped,
        failed=tuple(BrokenFile(job.source, str(job.error)) for job in jobs if job.error is not None),
        notes=notes_of(jobs),
    )


def _judge(domain: Domain, jobs: Sequence[Job], settings: ConversionSettings) -> None:
    """Find the targets that cannot be, before any file is opened. Raises OutputError for a place."""
    for target in {job.target.parent: job.target for job in jobs}.values():
        check_writable(target)
    for job in jobs:
        if job.target.is_dir():
            raise OutputError(f"{job.target} is a folder; name a file to write, or remove it")
        with job.blamed():
            domain.check_target(job.target, job.source, settings)


def _raise_of_one(jobs: Sequence[Job], folder: bool) -> None:
    """Raise the fault of a file that was named by itself; those of a folder are listed in the report."""
    for job in () if folder else jobs:
        job.check()


def notes_of(jobs: Sequence[Job]) -> tuple[FileNote, ...]:
    """What readers and writers had to say of the files that were converted."""
    return tuple(FileNote(job.source, text) for job in jobs if job.error is None for text in job.notes)


def _job_of_file(source: Path, target: Path) -> Job:
    if not source.exists():
        raise MissingFile(f"there is no file or folder {source}")
    if target.is_dir():
        target /= source.name
    if _same(source, target):
        raise OutputError(f"the output {target} is the input itself; give it another name or folder")
    return Job(source, target)


def _jobs_of_folder(domain: Domain, source: Path, target: Path) -> list[Job]:
    if target.exists() and not target.is_dir():
        raise OutputError(f"{source} is a folder, but the output {target} is a file; name a folder to write into")
    inside, outside = target.resolve(), source.resolve()
    if inside == outside:
        raise OutputError(f"the output folder {target} is the input folder; choose another one")
    if outside in inside.parents:
        raise OutputError(f"the output folder {target} lies inside the input folder {source}; choose one outside it")
    files = files_below(source)
    chosen = [path for path in files if domain.convertible(path)]
    if not chosen:
        raise MissingFile(
            f"the folder {source} holds nothing that the domain {domain.name} converts (files found: {len(files)})"
        )
    jobs = [Job(path, target / path.relative_to(source)) for path in chosen]
    if inside in outside.parents:
        _refuse_overwriting(jobs)
    return jobs


def files_below(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted by path, without hidden ones and without following linked folders."""

    def refuse(error: OSError) -> None:
        raise MissingFile(f"the folder {error.filename} cannot be read: {error.strerror or error}") from error

    found = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def _refuse_overwriting(jobs: list[Job]) -> None:
    # Only an output folder above the input's can name an input: in/in/x would be written over in/x's tree.
    sources = {job.source.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in sources:
            raise OutputError(f"the output {job.target} is one of the inputs; choose another output folder")


def _same(source: Path, target: Path) -> bool:
    return target.exists() and source.samefile(target)
