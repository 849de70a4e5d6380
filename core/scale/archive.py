"""Conversion of an archive by several workers: what is to be done, who does it, and what became of it."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..adapter.inventory import BrokenFile
from ..conversion.files import ConversionReport, FileNote, PartsBeside, check_targets
from ..conversion.input_files import InputFiles
from ..conversion.jobs import folder_of_outputs, jobs_of
from ..conversion.pipeline import Job
from ..conversion.pipeline import Progress as FileProgress
from ..conversion.record import FOLDER, Record, Standing, identity_of
from ..conversion.translator import Translator
from ..errors import ConfigError, OutputError, ResourceError
from ..files import atomic_text, folder_of
from ..settings.arguments import expect_callable, expect_path, expect_whole
from ..settings.mapping import from_mapping, to_mapping
from ..sides import Direction
from ..stores.access import as_written
from .dispatch import Dispatch, Progress
from .division import divided
from .engine import Engine, ThisProcess
from .places import Outputs, input_files, workplace
from .processes import Processes
from .shard import Shard
from .spec import TranslatorSpec
from .worker import Item, Recipe, installed_version

_AT_ONCE = 1000
"""Outputs that are looked for before the record is read on."""


@dataclass
class _Work:
    """What a conversion finds before it begins."""

    outputs: Outputs
    jobs: list[Job] = field(default_factory=list)
    """To be done."""
    skipped: list[str] = field(default_factory=list)
    """Outputs that were done before, or are left alone: as text, since a million Job objects take a gigabyte."""
    notes: list[FileNote] = field(default_factory=list)


def convert_archive(
    spec: TranslatorSpec,
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    workers: int | None = None,
    ray: str | None = None,
    shard: Shard | None = None,
    fan_out: bool = False,
    skip_existing: bool = False,
    record: str | os.PathLike[str] | None = None,
    translator: Translator | None = None,
    progress: Callable[[Progress], None] | None = None,
    file_progress: Callable[[FileProgress], None] | None = None,
    **options: Any,
) -> ConversionReport:
    """Translate a folder by several workers, each file once, and go on where an earlier such conversion ended.

    An output counts as finished if the record says that this model made it of this input with these settings, and it is
    still as it was written. `OUTPUT/.unpaired/report.json` sums up what was done.

    Args:
        spec: the model, as each worker loads it.
        input: a folder; also a file or numbered files, as for `Translator.convert`; or an address (s3://, gs://,
            https://) of a file or a folder.
        output: a folder that all workers reach by the same path, or the address of one (s3://, gs://).
        direction: a2b or b2a.
        workers: processes of this machine, or with `ray` actors; None: one in this process, or one for each CPU of
            the cluster.
        ray: the address of a Ray cluster (HOST:PORT or auto), or local to start one on this machine.
        shard: convert this share of the files only.
        fan_out: divide each folder of outputs into 65,536 of two levels (ab/cd/NAME).
        skip_existing: leave outputs of unknown origin alone, too, instead of replacing them.
        record: for an output at an address, the folder for its record and for outputs that are yet to be sent, which
            all workers reach by the same path; None: one in the cache folder.
        translator: the model of `spec` where it is loaded already.
        progress: called after each group of files.
        file_progress: called after each chunk where the one worker is this process.
        options: fields of the medium's conversion settings.

    Raises:
        ConfigError: an option out of range, an address where no Ray cluster answers, or a worker of another version or
            with another model.
        MissingDependency: Ray is not installed, or what reads addresses.
        ResourceError: workers end before they convert anything, or there are more of them than CPUs, or a store does
            not answer.
        MissingFile, MediaError, OutputError, AdapterError: as `Translator.convert`.
    """
    _check_arguments(input, output, progress, workers)
    began = time.monotonic()
    translator = translator or spec.load()
    settings = to_mapping(from_mapping(translator.domain.conversion_type, options))
    identity = translator.identity(direction)
    source = input_files(input)
    store, target = workplace(source, output, record)
    work = _find_work(translator, source, target, store, identity, settings, shard, fan_out, skip_existing)
    doing = [job for job in work.jobs if job.error is None]
    outputs = work.outputs.absolute()
    recipe = Recipe(spec.absolute(), direction, settings, identity, str(outputs.folder), len(doing),
                    installed_version(), outputs.address)  # fmt: skip
    dispatch = None
    try:
        if doing:
            start = partial(_engine, recipe, workers, ray, translator, file_progress)
            dispatch = _dispatch(start, source, doing, outputs.folder, progress, translator.domain, recipe)
        report = _report(work, doing, dispatch)
        _write_report(outputs.folder, report, dispatch, time.monotonic() - began, shard)
    finally:
        with suppress(OutputError, ResourceError):  # then it stays here
            outputs.send_record()
    return report


def _check_arguments(input: object, output: object, progress: object, workers: int | None) -> None:
    expect_path("input", input, "the path of a file or a folder")
    expect_path("output", output, "the path of a folder")
    expect_callable("progress", progress)
    if workers is not None:
        expect_whole(workers=workers)
        if not 1 <= workers <= 1 << 16:
            raise ConfigError(f"workers is {workers}; expected 1 or more")


def _find_work(
    translator: Translator,
    source: InputFiles,
    target: Path,
    store: Outputs | None,
    identity: str,
    settings: dict[str, Any],
    shard: Shard | None,
    fan_out: bool,
    skip_existing: bool,
) -> _Work:
    domain = translator.domain
    jobs = jobs_of(domain, source, target)
    first = next(jobs)
    work = _Work(store or Outputs(folder_of_outputs(target, first)))
    folder = work.outputs.folder
    if fan_out and folder != target:
        raise ConfigError("--fan-out divides a folder of outputs, but the output is one file")
    prepared = _prepared(chain([first], jobs), source, work.outputs, shard, fan_out)
    beside = PartsBeside(domain, source)
    _sort_out(work, prepared, Record(folder, identity, settings), skip_existing, beside)
    check_targets(domain, work.jobs, from_mapping(domain.conversion_type, settings))
    work.notes += beside.notes()
    return work


def _prepared(
    jobs: Iterable[Job], source: InputFiles, outputs: Outputs, shard: Shard | None, fan_out: bool
) -> Iterator[Job]:
    """The jobs of this shard, with all that follows from where their files are."""
    for job in jobs:
        if shard is not None and not shard.holds(identity_of(job.target, outputs.folder)):
            continue
        if fan_out:
            job.target = fanned_out(outputs.folder, job.target)
        job.source_stamp = source.stamp(job.source)
        job.error = outputs.refusal(job)
        yield job


def _sort_out(work: _Work, jobs: Iterator[Job], record: Record, skip_existing: bool, beside: PartsBeside) -> None:
    """Find which jobs are to be done, and tell `beside` of all."""
    left_alone = ("same", "unknown") if skip_existing else ("same",)
    counts = Counter[Standing]()
    while some := list(islice(jobs, _AT_ONCE)):
        work.outputs.look(some)
        standings = record.standings(some)
        counts.update(standings)
        for job, standing in zip(some, standings, strict=True):
            beside.add(job)
            if standing in left_alone:
                work.skipped.append(str(job.target))
            else:
                work.jobs.append(job)
    if skip_existing:
        work.notes += [FileNote(work.outputs.shown(record.folder), note) for note in record.notes(counts)]


def fanned_out(outputs: Path, target: Path) -> Path:
    """Its place in two more levels of folders, by its name."""
    digits = identity_of(target, outputs)
    return target.parent / digits[:2] / digits[2:4] / target.name


def _engine(
    recipe: Recipe,
    workers: int | None,
    ray: str | None,
    translator: Translator,
    file_progress: Callable[[FileProgress], None] | None,
) -> tuple[Engine, int]:
    """The engine that was asked for, and how many workers it shall have."""
    if ray is not None:
        from .ray_cluster import RayCluster

        cluster = RayCluster(recipe, ray, workers)
        return cluster, cluster.count
    if workers is None:
        return ThisProcess(recipe, translator, file_progress), 1
    return Processes(recipe, workers), workers


def _dispatch(
    start: Callable[[], tuple[Engine, int]],
    source: InputFiles,
    jobs: Sequence[Job],
    outputs: Path,
    progress: Callable[[Progress], None] | None,
    domain: Domain,
    recipe: Recipe,
) -> Dispatch:
    """Convert the jobs; each is known to workers by its place in the list."""
    items = [
        Item(number, source.name(job.source), str(job.target.absolute()), job.earlier)
        for number, job in enumerate(jobs)
    ]
    sizes = [source.size(job.source) for job in jobs]
    with folder_of(outputs / FOLDER / "x"):
        engine, workers = start()
        try:
            settings = from_mapping(domain.conversion_type, recipe.settings)
            parts = divided(domain.division(), items, sizes, workers, recipe, settings)
        except BaseException:
            engine.close()
            raise
        dispatch = Dispatch(engine, items, sizes, workers, outputs, progress, parts)
        dispatch.run()
    return dispatch


def _as_typed(job: Job, text: str) -> str:
    """What a worker says of a file, whose whole path it knows, with the path that the user gave."""
    return text.replace(str(job.source.absolute()), as_written(job.source))


def _report(work: _Work, doing: Sequence[Job], dispatch: Dispatch | None) -> ConversionReport:
    results = [] if dispatch is None else [dispatch.results[number] for number in range(len(doing))]
    shown = work.outputs.shown
    pairs = list(zip(doing, results, strict=True))
    failed = [BrokenFile(job.source, str(job.error)) for job in work.jobs if job.error is not None]
    failed += [BrokenFile(job.source, _as_typed(job, made.text)) for job, made in pairs if made.kind == "failed"]
    notes = [FileNote(job.source, _as_typed(job, text)) for job, result in pairs for text in result.notes]
    of_workers = [] if dispatch is None else [FileNote(shown(work.outputs.folder), text) for text in dispatch.notes()]
    return ConversionReport(
        converted=tuple(shown(job.target) for job, result in pairs if result.kind == "converted"),
        skipped=(
            *(shown(Path(target)) for target in work.skipped),
            *(shown(job.target) for job, result in pairs if result.kind in ("finished", "busy")),
        ),
        failed=tuple(failed),
        notes=(*notes, *work.notes, *of_workers),
        runtime="" if dispatch is None else ", ".join(dispatch.runtimes),
    )


def _write_report(
    outputs: Path, report: ConversionReport, dispatch: Dispatch | None, seconds: float, shard: Shard | None
) -> None:
    facts = {
        "converted": len(report.converted),
        "skipped": len(report.skipped),
        "failed": [{"file": as_written(each.path), "reason": each.reason} for each in report.failed],
        "notes": [{"file": as_written(each.path), "text": each.text} for each in report.notes],
        "runtime": report.runtime,
        "seconds": round(seconds, 3),
        "files_per_second": round(len(report.converted) / max(seconds, 1e-3), 3),
        "lost_workers": [] if dispatch is None else dispatch.lost,
        "shard": None if shard is None else str(shard),
    }
    name = "report.json" if shard is None else f"report-{shard.index}-of-{shard.count}.json"
    atomic_text(outputs / FOLDER / name, json.dumps(facts, indent=2) + "\n")
