"""Conversion of a file, or of a folder with its subfolders, by a trained translator."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from operator import not_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..adapter.domain import ConversionSettings, Domain
from ..adapter.inventory import BrokenFile
from ..adapter.patterns import Pattern
from ..adapter.streams import Reader, Translate
from ..errors import OutputError, counted
from ..files import check_writable, clear_leftovers
from ..runtimes.packages import data_frame
from ..settings.mapping import from_mapping, to_mapping
from ..sides import SIDES, Direction
from .input_files import InputFiles
from .jobs import check_medium, compatible_media, folder_of_outputs, jobs_of, left_beside
from .pipeline import Job, Pipeline, Progress
from .record import Record, Standing, stamp_if_there

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class FileNote:
    """A note on a file that was converted nevertheless, in words for the user."""

    path: Path
    text: str


@dataclass(frozen=True)
class ConversionReport:
    """Outcome for every file."""

    converted: tuple[Path, ...] = ()
    """Outputs written."""
    skipped: tuple[Path, ...] = ()
    """Outputs left alone because they already existed."""
    failed: tuple[BrokenFile, ...] = ()
    """Inputs of a folder that could not be converted, with the reasons."""
    notes: tuple[FileNote, ...] = ()
    """Notes on inputs that were converted nevertheless."""
    runtime: str = ""
    """What ran the network, runtime, precision and device: `openvino fp32 on cpu`."""

    def rows(self) -> list[dict[str, str]]:
        """A record for each output, failed input and note: its kind, the file and what there is to say."""
        rows = [{"kind": "converted", "file": str(path), "text": ""} for path in self.converted]
        rows += [{"kind": "skipped", "file": str(path), "text": ""} for path in self.skipped]
        rows += [{"kind": "failed", "file": str(broken.path), "text": broken.reason} for broken in self.failed]
        return rows + [{"kind": "note", "file": str(note.path), "text": note.text} for note in self.notes]

    def to_frame(self) -> DataFrame:
        """The same as a pandas DataFrame. Raises MissingDependency: pandas is not installed."""
        return data_frame(self.rows())


class Converter(Protocol):
    """The part of a translator that a conversion needs."""

    @property
    def domain(self) -> Domain:
        """The medium of the files."""

    def for_direction(self, direction: Direction) -> Translate:
        """One direction of the model, made ready."""


def convert(
    translator: Converter,
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    skip_existing: bool = False,
    made_by: Callable[[], str] | None = None,
    ran_on: Callable[[], str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> ConversionReport:
    """Translate a file, or every convertible file of a folder.

    A folder keeps its structure and names; `core.adapter.folders.walk` says which files count. A file whose
    output is an existing folder goes into it under its own name. A folder that is one recording (the frames of a clip)
    is converted as one: into a file if the output's name has a file's ending, else into a folder. Reading, translating
    and writing run in parallel and in constant memory; an output appears only when it is complete.

    Args:
        translator: the model and its runtime.
        input: a file or a folder; an `InputFiles` is not listed again.
        output: a file, or a folder for a folder.
        direction: a2b or b2a.
        skip_existing: leave existing outputs alone, except those for which another model, other settings or an
            input that has changed since would give a different result; the report says how many.
        made_by: returns the model's identity (`Translator.identity`). With it a folder of outputs keeps a
            record of how they were made, `.unpaired.jsonl`, which may be removed.
        ran_on: returns what ran the model (`Translator.ran`), for report and record.
        progress: called in this thread after each translated chunk; an exception raised in it ends the conversion.
        options: fields of the domain's conversion settings.

    Raises:
        MissingFile: no such input, or nothing in the folder that the domain converts.
        MediaError: a single input cannot be decoded. In a folder it is listed in the report instead.
        AdapterError: the domain breaks its contract.
        OutputError: the output cannot be written, would overwrite an input, lies inside the input folder, or is one
            file for several.
        ConfigError: an option that the domain does not have, or a value out of range.
    """
    domain = translator.domain
    settings = from_mapping(domain.conversion_type, options)
    source, target = InputFiles.of(input), Path(output)
    jobs = list(jobs_of(domain, source, target))
    # A folder that is one recording is a file like any other.
    folder = (source.is_folder or source.pattern is not None) and [job.source for job in jobs] != [source.path]
    ran_on = ran_on or str
    record = _record(jobs, target, made_by(), settings, ran_on) if made_by and (folder or skip_existing) else None
    begun = _gone_on(domain, jobs, direction, settings, record) if skip_existing else []
    skipped, jobs, said = _sorted_out(jobs, begun, record, skip_existing)
    check_targets(domain, jobs, settings)
    _raise_of_one(domain, jobs, folder)
    translate = translator.for_direction(direction)
    Pipeline(domain, translate, direction, settings, progress).run([job for job in jobs if job.error is None])
    _raise_of_one(domain, jobs, folder)
    beside = PartsBeside(domain, source)
    for job in jobs:
        beside.add(job)
    return ConversionReport(
        converted=tuple(job.target for job in jobs if job.error is None),
        skipped=tuple(job.target for job in skipped),
        failed=tuple(BrokenFile(job.source, str(job.error)) for job in jobs if job.error is not None),
        notes=(*notes_of(jobs), *beside.notes(), *said),
        runtime=ran_on(),
    )


def _record(
    jobs: Sequence[Job], target: Path, made_by: str, settings: ConversionSettings, ran_on: Callable[[], str]
) -> Record:
    """The record of the outputs' folder, which takes down every job when it is done."""
    record = Record(folder_of_outputs(target, jobs[0]), made_by, to_mapping(settings), ran_on)
    for job in jobs:
        job.when_written = record.add
    return record


def _gone_on(
    domain: Domain, jobs: Sequence[Job], direction: Direction, settings: ConversionSettings, record: Record | None
) -> list[Job]:
    """The jobs whose outputs take many files, of which some are missing or out of date: they go on with the rest, or
    where another model or other settings began them, from the first on."""
    begun = []
    for job in jobs:
        if not (Pattern.of(job.target) or Pattern.of(job.source) or job.source.is_dir()):
            continue
        with job.recording_fault(), domain.open(job.source, SIDES[direction][0], settings) as reader:
            if domain.go_on(reader, job.target, settings):
                job.when_opened = partial(_go_on, domain, job, settings, record)
                begun.append(job)
    return begun


def _go_on(domain: Domain, job: Job, settings: ConversionSettings, record: Record | None, reader: Reader) -> None:
    afresh = False
    if record is not None:
        afresh = record.differs(job)
        record.begin(job)
    domain.go_on(reader, job.target, settings, afresh)


def _sorted_out(
    jobs: Sequence[Job], begun: Sequence[Job], record: Record | None, skip_existing: bool
) -> tuple[list[Job], list[Job], list[FileNote]]:
    """The jobs whose outputs are left alone, those to be done, and what is to be said of outputs that were there."""
    for job in jobs if skip_existing else ():
        job.earlier = None if job in begun else stamp_if_there(job.target)
    if record is None:
        standings: list[Standing] = ["absent" if job.earlier is None else "unknown" for job in jobs]
    else:
        standings = record.standings(jobs)
    kept = [standing in ("same", "unknown") for standing in standings]
    notes = [FileNote(record.folder, note) for note in record.notes(Counter(standings))] if record else []
    return list(compress(jobs, kept)), list(compress(jobs, map(not_, kept))), notes


class PartsBeside:
    """What is to be said of parts of recordings that go their own way. It is told of the jobs one by one, and keeps
    names alone, since an archive has millions."""

    def __init__(self, domain: Domain, source: InputFiles) -> None:
        self._domain, self._source = domain, source
        self._names: dict[str, list[str]] = {}
        """Of files, by their folders."""
        self._jobs = 0

    def add(self, job: Job) -> None:
        """Take a job along."""
        self._jobs += 1
        self._last = job
        if job.source.is_file():
            folder, name = os.path.split(job.source)
            self._names.setdefault(folder, []).append(name)

    def notes(self) -> Iterator[FileNote]:
        """Say what lies beside a recording that goes into a file, and which files are one to another medium."""
        alone = self._jobs == 1 and self._last.source == self._source.path
        if rest := left_beside(self._domain, self._source, self._last.target) if alone else []:
            names = ", ".join(path.name for path in rest[:3]) + (", ..." if len(rest) > 3 else "")
            yield FileNote(
                self._source.path,
                f"files beside the recording are left out: {counted(len(rest), 'file', 'files')} ({names})",
            )
        if sum(map(len, self._names.values())) > 1:
            others = compatible_media(self._domain)
            for folder in sorted(map(Path, self._names)):
                yield from self._notes_on(folder, others)

    def _notes_on(self, folder: Path, others: Sequence[Domain]) -> Iterator[FileNote]:
        domain, source = self._domain, self._source
        if text := domain.remark(folder, source.by_folder.get(folder, [])):
            yield FileNote(folder, text)
        for other in others:
            parts = {part.name for part in source.recording(other, folder)}
            count = len(parts.intersection(self._names[str(folder)])) if parts else 0
            if count > 1:
                yield FileNote(
                    folder,
                    f"its {count} files are numbered like the parts of one recording, but were translated one by one "
                    f"({domain.name}): --domain {other.name}, or an output that is one file, translates them together",
                )


def check_targets(domain: Domain, jobs: Sequence[Job], settings: ConversionSettings) -> None:
    """Find the targets that cannot be, before any file is opened. Raises OutputError for a place."""
    for target in {job.target.parent: job.target for job in jobs}.values():
        check_writable(target)
        clear_leftovers(target.parent)
    for job in jobs:
        if job.target.is_dir() and not job.source.is_dir() and not Pattern.of(job.source):
            raise OutputError(f"{job.target} is a folder; name a file to write, or remove it")
        with job.recording_fault():
            domain.check_target(job.target, job.source, settings)


def _raise_of_one(domain: Domain, jobs: Sequence[Job], folder: bool) -> None:
    """Raise the fault of a file that was named by itself; those of a folder are listed in the report."""
    for job in () if folder else jobs:
        if job.error is not None:
            check_medium(domain, job.source)
        job.check()


def notes_of(jobs: Sequence[Job]) -> tuple[FileNote, ...]:
    """Notes of readers and writers on the converted files."""
    return tuple(FileNote(job.source, text) for job in jobs if job.error is None for text in job.notes)
