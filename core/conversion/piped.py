"""Conversion of one recording from standard input, to standard output, or both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..adapter.commands import PIPE
from ..adapter.domain import ConversionSettings
from ..errors import MissingFile
from ..sides import Direction
from .files import ConversionReport, Converter, notes_of
from .pipeline import Job, Pipeline, Progress


def convert_piped(
    translator: Converter,
    source: str,
    target: str,
    direction: Direction,
    settings: ConversionSettings,
    progress: Callable[[Progress], None] | None = None,
) -> ConversionReport:
    """Convert one recording where `source` or `target` is -, which is no file to look for or to rename.

    Raises:
        MissingFile, MediaError, OutputError: as for files.
    """
    domain = translator.domain
    if source != PIPE and not (Path(source).is_file() or domain.recording(Path(source))):
        raise MissingFile(f"there is no file {source}; what goes into a pipe is one recording")
    job = Job(Path(source), Path(target))
    domain.check_target(job.target, job.source, settings)
    Pipeline(domain, translator.for_direction(direction), direction, settings, progress).run([job])
    job.check()
    return ConversionReport(converted=(job.target,), notes=notes_of([job]))
