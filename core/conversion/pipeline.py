"""Read, translate and write in parallel: one thread per stage, with bounded queues between them.

    reading thread           calling thread             writing thread
    open, decode  -> inbox ->  domain.convert  -> outbox ->  encode, rename

The stages process the same list of jobs in the same order; one may be at the next file while a later one is still busy
with this one. Memory is bounded: each queue holds few chunks, and a stage makes its next when there is room for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..adapter.arrays import for_arrays
from ..adapter.checks import check_chunk, check_translated
from ..adapter.domain import ConversionSettings, Domain
from ..adapter.streams import Reader, Translate
from ..errors import MediaError, MissingFile
from ..files import folder_of
from ..runtimes.measured import expecting
from ..sides import SIDES, Direction
from ..values import Array, as_array, as_tensor
from .channel import Channel, Mark, Stopped

if TYPE_CHECKING:
    from torch import Tensor

    Chunk = Tensor | Array

_T = TypeVar("_T")


@dataclass(slots=True)
class Job:
    """One file on its way."""

    source: Path
    target: Path
    reader: Reader | None = None
    error: MediaError | MissingFile | None = None
    """Fault of this file, once a stage has found it."""
    notes: tuple[str, ...] = ()
    """Notes of reader and writer on it, once it is written."""
    when_begun: Callable[[Job], bool] | None = None
    """Called before the file is opened; where it returns False, the file is left out: it is being, or was, converted by
    somebody else."""
    left_out: bool = False
    """Whether it was."""
    source_stamp: str | None = None
    """Of a source in a store, what changes when it is written anew."""
    target_stamp: str | None = None
    """The same of an output in a store."""
    earlier: str | None = None
    """The stamp of an output that was there before; None: there was none, or nobody has looked."""
    started: float = 0.0
    """When it was begun, by the clock of `time.perf_counter`."""
    when_opened: Callable[[Reader], object] | None = None
    """Called with the reader before its first chunk."""
    when_written: Callable[[Job], None] | None = None
    """Called when the output has its name."""
    _closed: bool = field(default=False, repr=False)

    @contextmanager
    def recording_fault(self) -> Iterator[None]:
        """Record a fault of this file and go on; any other exception propagates and ends the pipeline."""
        try:
            yield
        except (MediaError, MissingFile) as error:
            self.error = self.error or error

    def check(self) -> None:
        """Raise the fault that another stage found, so that no more work goes into a lost file."""
        if self.error is not None:
            raise self.error

    def drop_traceback(self) -> None:
        """Keep only the message of the fault: its traceback keeps chunks in memory."""
        if self.error is not None:
            self.error = type(self.error)(str(self.error))

    def close(self) -> None:
        """Release the source file, once."""
        if self.reader is not None and not self._closed:
            self._closed = True
            self.reader.close()


@dataclass(frozen=True)
class Progress:
    """Progress of a conversion; reported after each translated chunk."""

    source: Path
    """The file being translated."""
    file: int
    """Its number, from 0."""
    files: int
    """Number of files in all."""
    chunks: int
    """Chunks of this file translated so far."""
    chunks_in_file: int | None
    """Number of chunks of this file, where its reader knows (`__length_hint__`)."""


class PrefetchedReader(Reader):
    """The chunks of a reader, read ahead by another thread; what else is asked of it is answered by that reader."""

    def __init__(self, opened: Reader, chunks: Iterator[Any]) -> None:
        self._opened = opened
        self._chunks = chunks

    @property
    def opened(self) -> Reader:
        """The reader that is read ahead."""
        return self._opened

    @property
    def warnings(self) -> Sequence[str]:
        """What that one has to say of the file."""
        return self._opened.warnings

    def __iter__(self) -> Iterator[Tensor]:
        return self._chunks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)


class Pipeline:
    """The three stages over a list of jobs; `files`: how many there are in all, where other processes do the rest."""

    def __init__(
        self,
        domain: Domain,
        translate: Translate,
        direction: Direction,
        options: ConversionSettings,
        progress: Callable[[Progress], None] | None = None,
        files: int | None = None,
    ) -> None:
        self._files = files
        self._domain, self._translate, self._options = domain, translate, options
        self._side, self._other = SIDES[direction]
        self._progress = progress
        self._inbox, self._outbox = Channel(), Channel()
        self._failure: BaseException | None = None

    def run(self, jobs: Sequence[Job]) -> None:
        """Convert every job. A fault of a file is left in its `error`; whatever else is raised in any stage ends
        all three, removes the unfinished output, and is raised here. Runs once."""
        self._domain.prepare_conversion(self._options)
        threads = [
            threading.Thread(target=self._guarded, args=(stage, jobs), name=f"unpaired-{name}", daemon=True)
            for name, stage in (("read", self._read_all), ("write", self._write_all))
        ]
        for thread in threads:
            thread.start()
        try:
            self._translate_all(jobs)
            self._join(threads)
        except Stopped:
            pass
        finally:
            if self._failure is not None or any(thread.is_alive() for thread in threads):
                self._stop()
                self._join(threads)
            for job in jobs:
                job.close()
        if self._failure is not None:
            raise self._failure

    def _guarded(self, stage: Callable[[Sequence[Job]], None], jobs: Sequence[Job]) -> None:
        try:
            stage(jobs)
        except Stopped:
            pass
        except BaseException as failure:  # raised again by the calling thread
            self._failure = self._failure or failure
            self._stop()

    def _stop(self) -> None:
        self._inbox.stop()
        self._outbox.stop()

    @staticmethod
    def _join(threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # for Ctrl-C on Windows, as above

    # -- reading ------------------------------------------------------------------------------------
    def _read_all(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._inbox.wait_for_room()
            with job.recording_fault():
                self._read(job)
            self._inbox.put(Mark.END)

    def _read(self, job: Job) -> None:
        job.started = time.perf_counter()
        if job.when_begun is not None and not job.when_begun(job):
            job.left_out = True
            return
        job.reader = self._domain.open(job.source, self._side, self._options)
        if job.when_opened is not None:
            job.when_opened(job.reader)
        self._inbox.put(Mark.BEGIN)
        given: Iterator[Chunk] = job.reader.arrays() if self._domain.arrays else iter(job.reader)
        with _closing(given) as chunks:
            while True:
                self._inbox.wait_for_room()
                job.check()
                chunk = next(chunks, Mark.END)
                if isinstance(chunk, Mark):
                    return
                check_chunk(self._domain, chunk, self._side, job.source)
                self._inbox.put(chunk, job.reader.beside)
                del chunk  # or the next one would be decoded beside it

    # -- translating --------------------------------------------------------------------------------
    def _translate_all(self, jobs: Sequence[Job]) -> None:
        for number, job in enumerate(jobs):
            if self._inbox.get() is Mark.BEGIN:
                self._outbox.put(Mark.BEGIN)
                chunks = self._inbox.chunks()
                with job.recording_fault():
                    self._translate_one(job, chunks, number, len(jobs))
                for _ in chunks:
                    pass  # the rest of a file that was given up
            self._outbox.put(Mark.END)

    def _translate_one(self, job: Job, chunks: Iterator[Chunk], number: int, files: int) -> None:
        assert job.reader is not None
        expected = length_hint(job.reader, 0) or None
        ahead = PrefetchedReader(job.reader, self._complete(job, chunks))
        done = 0
        with expecting((self._files or files) * (expected or 1)), _closing(self._translated(ahead)) as translated:
            while True:
                self._outbox.wait_for_room()
                job.check()
                chunk = next(translated, Mark.END)
                if isinstance(chunk, Mark):
                    return
                check_translated(self._domain, chunk, self._other, job.source)
                self._outbox.put(chunk, job.reader.beside)
                del chunk
                done += 1
                if self._progress is not None:
                    self._progress(Progress(job.source, number, files, done, expected))

    def _translated(self, reader: Reader) -> Iterator[Chunk]:
        if self._domain.arrays:
            return self._domain.convert_arrays(reader, for_arrays(self._translate), self._options)
        return self._domain.convert(reader, self._translate, self._options)

    @staticmethod
    def _complete(job: Job, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        yield from chunks
        job.check()  # a file whose reading failed must not pass for one that ended

    # -- writing ------------------------------------------------------------------------------------
    def _write_all(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if self._outbox.get() is Mark.BEGIN:
                chunks = self._outbox.chunks()
                with job.recording_fault():
                    self._write(job, chunks)
                for _ in chunks:
                    pass
            job.close()
            if len(jobs) > 1:
                job.drop_traceback()

    def _write(self, job: Job, chunks: Iterator[Chunk]) -> None:
        assert job.reader is not None
        with folder_of(job.target):
            writer = self._domain.create(job.target, job.reader, self._options)
            try:
                for chunk in chunks:
                    writer.write(chunk)  # type: ignore[arg-type]  # arrays where the medium takes them
                job.check()
                writer.finish()
                job.notes = (*job.reader.warnings, *writer.warnings)
            except BaseException:
                with suppress(OSError):  # what ended the writing matters more
                    writer.discard()
                raise
        if job.when_written is not None:
            job.when_written(job)


def convert_arrays(
    domain: Domain, reader: Reader, translate: Translate, options: ConversionSettings
) -> Generator[Array]:
    """What a medium, be it one of arrays or of tensors, makes of a reader that gives arrays: arrays, in order."""
    if domain.arrays:
        yield from domain.convert_arrays(reader, for_arrays(translate), options)
    else:
        tensors = PrefetchedReader(reader.opened, map(as_tensor, reader))
        yield from map(as_array, domain.convert(tensors, translate, options))


def convert_by_arrays(
    domain: Domain, reader: Reader, translate: Translate, options: ConversionSettings
) -> Generator[Tensor]:
    """What a medium of arrays makes of a reader that gives tensors: tensors, in order."""
    arrays = PrefetchedReader(reader.opened, map(as_array, reader))
    with _closing(domain.convert_arrays(arrays, for_arrays(translate), options)) as made:
        yield from map(as_tensor, made)


def _closing(chunks: Iterator[_T]) -> closing[Generator[_T]]:
    """Close a generator on leaving; an iterator without `close` is left alone."""

    def passed_on() -> Generator[_T]:
        yield from chunks

    return closing(passed_on())
