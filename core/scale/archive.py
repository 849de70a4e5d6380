"""Conversion of an archive by several workers: what is to be done, who does it, and what became of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..adapter.inventory import BrokenFile
from ..adapter.patterns import Pattern
from ..conversion.files import ConversionReport, FileNote, check_targets, notes_of_parts
from ..conversion.input_files import InputFiles
from ..conversion.jobs import jobs_of
from ..conversion.pipeline import Job
from ..conversion.pipeline import Progress as FileProgress
from ..conversion.record import FOLDER, Record, identity_of
from ..conversion.translator import Translator
from ..errors import ConfigError, MissingFile, OutputError, ResourceError
from ..files import atomic_text, folder_of
from ..settings.arguments import expect_callable, expect_path, expect_whole
from ..settings.mapping import from_mapping, to_mapping
from ..sides import Direction
from ..stores.access import as_written
from .dispatch import Dispatch, Progress
from .division import divided
from .engine import Engine, ThisProcess
from .places import Outputs, StoredFiles, input_files, prepare_jobs, workplace
from .processes import Processes
from .shard import Shard
from .spec import TranslatorSpec
from .worker import Item, Recipe, installed_version


@dataclass(frozen=True)
class _Work:
    """What a conversion finds before it begins."""

    outputs: Outputs
    jobs: Sequence[Job]
    """To be done."""
    skipped: Sequence[Job]
    """Done before, or left alone."""
    notes: Sequence[FileNote]


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
            dispatch = _dispatch(start, source, doing, outputs, progress, translator.domain, recipe)
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
    outputs = store or Outputs(target.parent if jobs[0].target == target else target)
    folder = outputs.folder
    if shard is not None:
        jobs = [job for job in jobs if shard.holds(identity_of(job.target, folder))]
    if fan_out:
        if folder != target:
            raise ConfigError("--fan-out divides a folder of outputs, but the output is one file")
        for job in jobs:
            job.target = fanned_out(folder, job.target)
    prepare_jobs(jobs, source, store)
    record = Record(folder, identity, settings)
    there = outputs.present(jobs)
    if skip_existing:
        again, notes = record.sorted_out(there)
    else:
        standings = record.standings(there)
        again, notes = [job for job, each in zip(there, standings, strict=True) if each != "same"], []
    kept = {id(job) for job in there} - {id(job) for job in again}
    doing = [job for job in jobs if id(job) not in kept]
    check_targets(domain, doing, from_mapping(domain.conversion_type, settings))
    said = [FileNote(outputs.shown(folder), note) for note in notes]
    said += notes_of_parts(domain, source, jobs) if jobs else []
    return _Work(outputs, doing, [job for job in jobs if id(job) in kept], said)


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
    outputs: Outputs,
    progress: Callable[[Progress], None] | None,
    domain: Domain,
    recipe: Recipe,
) -> Dispatch:
    """Convert the jobs; each is known to workers by its place in the list."""
    stored = source.found if isinstance(source, StoredFiles) else None
    items = [
        Item(
            number,
            as_written(job.source) if stored else str(job.source.absolute()),
            str(job.target.absolute()),
            job.target_stamp if outputs.address else outputs.stamp(job.target),
        )
        for number, job in enumerate(jobs)
    ]
    sizes = [stored[job.source].bytes if stored else _bytes_of(job.source) for job in jobs]
    with folder_of(outputs.folder / FOLDER / "x"):
        engine, workers = start()
        try:
            settings = from_mapping(domain.conversion_type, recipe.settings)
            parts = divided(domain.division(), items, sizes, workers, recipe, settings)
        except BaseException:
            engine.close()
            raise
        dispatch = Dispatch(engine, items, sizes, workers, outputs.folder, progress, parts)
        dispatch.run()
    return dispatch


def _bytes_of(source: Path) -> int:
    """Of a file, or of the files that a recording is made of; 0 for what went meanwhile, which a worker will say."""
    pattern = Pattern.of(source)
    try:
        if pattern:
            return sum(file.stat().st_size for file in pattern.files().values())
        if source.is_dir():
            return sum(entry.stat().st_size for entry in os.scandir(source) if entry.is_file())
        return source.stat().st_size
    except (OSError, MissingFile):
        return 0


def _report(work: _Work, doing: Sequence[Job], dispatch: Dispatch | None) -> ConversionReport:
    results = [] if dispatch is None else [dispatch.results[number] for number in range(len(doing))]
    shown = work.outputs.shown
    pairs = list(zip(doing, results, strict=True))
    failed = [BrokenFile(job.source, str(job.error)) for job in work.jobs if job.error is not None]
    notes = [FileNote(job.source, text) for job, result in pairs for text in result.notes]
    of_workers = [] if dispatch is None else [FileNote(shown(work.outputs.folder), text) for text in dispatch.notes()]
    return ConversionReport(
        converted=tuple(shown(job.target) for job, result in pairs if result.kind == "converted"),
        skipped=(
            *(shown(job.target) for job in work.skipped),
            *(shown(job.target) for job, result in pairs if result.kind in ("finished", "busy")),
        ),
        failed=(*failed, *(BrokenFile(job.source, result.text) for job, result in pairs if result.kind == "failed")),
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
