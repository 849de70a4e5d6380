"""The stages of a conversion: faults at every point, Ctrl-C, bounded memory, work at the same time."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_signals import CHUNK, halved, left_behind, translator_of, write_signal
from torch import Tensor

from unpaired.core.adapter.domain import ConversionSettings, Domain
from unpaired.core.adapter.streams import Reader, Translate, Writer
from unpaired.core.conversion.channel import Channel
from unpaired.core.conversion.files import convert
from unpaired.core.errors import MediaError, MissingFile, OutputError


def test_what_is_kept_beside_chunks_takes_room_too() -> None:
    channel, room = Channel(), threading.Event()
    channel.put(torch.zeros(1), beside=2**26)
    waiting = threading.Thread(target=lambda: (channel.wait_for_room(), room.set()), daemon=True)
    waiting.start()
    assert not room.wait(0.05)
    channel.get()
    assert room.wait(10)


# -- faults at every point --------------------------------------------------------------------------
class Fault(Exception):
    """A defect, not a fault of the input."""


STAGES = ("open", "read", "translate", "convert", "create", "write", "finish", "progress")


class Plan:
    """Raises at the n-th passage of a stage; notes writers and readers, to see what became of them."""

    def __init__(self, stage: str, passage: int, error: Exception) -> None:
        self.stage, self.passage, self.error = stage, passage, error
        self.passed = dict.fromkeys(STAGES, 0)
        self.readers: list[Any] = []

    def reach(self, stage: str) -> None:
        self.passed[stage] += 1
        if stage == self.stage and self.passed[stage] == self.passage:
            raise self.error


def faulty(domain: type[Domain], plan: Plan) -> Any:
    """A translator of a domain that fails as planned."""

    class Faulty(domain):  # type: ignore[misc, valid-type]
        def open(self, path: Path, side: Any, options: ConversionSettings) -> Reader:
            plan.reach("open")
            reader = super().open(path, side, options)
            plan.readers.append(reader)
            whole = reader.__iter__

            class Read(type(reader)):  # type: ignore[misc]
                def __iter__(self) -> Iterator[Tensor]:
                    for chunk in whole():
                        plan.reach("read")
                        yield chunk

            reader.__class__ = Read
            return reader

        def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
            plan.reach("create")
            writer = super().create(path, like, options)
            write, finish = writer.write, writer.finish
            writer.write = lambda chunk: (plan.reach("write"), write(chunk))
            writer.finish = lambda: (plan.reach("finish"), finish())
            return writer

        def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
            for chunk in super().convert(reader, translate, options):
                plan.reach("convert")
                yield chunk

    def translate(x: Tensor) -> Tensor:
        plan.reach("translate")
        return halved(x)

    return translator_of(Faulty(), translate)


@given(
    stage=st.sampled_from(STAGES),
    passage=st.integers(1, 40),
    kind=st.sampled_from([MediaError, MissingFile, OutputError, Fault, MemoryError, OSError]),
    lengths=st.lists(st.integers(1, 25 * CHUNK), min_size=1, max_size=4),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_fault_anywhere_ends_cleanly_or_costs_one_file(
    tmp_path_factory: pytest.TempPathFactory,
    tracks: type[Domain],
    stage: str,
    passage: int,
    kind: type[Exception],
    lengths: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("fault")
    for number, length in enumerate(lengths):
        write_signal(folder / "in" / f"{number}.npy", length, number)
    plan = Plan(stage, passage, kind("planned"))
    threads = threading.active_count()
    report, raised = None, None
    try:
        report = convert(faulty(tracks, plan), folder / "in", folder / "out", progress=lambda _: plan.reach("progress"))
    except kind as error:
        raised = error
    struck = plan.passed[stage] >= passage
    if struck and kind not in (MediaError, MissingFile):
        assert raised is plan.error  # as it was, not wrapped
    else:
        assert report is not None
        assert len(report.failed) == struck
        assert len(report.converted) == len(lengths) - struck
    whole = {path.name for path in (folder / "out").rglob("*")} if (folder / "out").exists() else set()
    assert not any(name.startswith(".") for name in whole)
    assert all(reader.closed == 1 for reader in plan.readers)
    assert threading.active_count() == threads
    for name in whole:
        assert np.load(folder / "out" / name).shape == (1, lengths[int(name.split(".")[0])])
    if report is not None:
        assert whole == {path.name for path in report.converted}


def test_a_lost_file_costs_no_further_work(tmp_path: Path, tracks: type[Domain]) -> None:
    write_signal(tmp_path / "in.npy", 3000 * CHUNK)
    plan = Plan("write", 1, MediaError("planned"))
    with pytest.raises(MediaError, match="planned"):
        convert(faulty(tracks, plan), tmp_path / "in.npy", tmp_path / "out.npy")
    assert plan.passed["translate"] < 200


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, tracks: type[Domain]) -> None:
    for number in range(4):
        write_signal(tmp_path / "in" / f"{number}.npy", 50 * CHUNK)
    passed = itertools.count()

    def interrupted(x: Tensor) -> Tensor:
        if next(passed) == 70:
            raise KeyboardInterrupt
        return halved(x)

    with pytest.raises(KeyboardInterrupt):
        convert(translator_of(tracks(), interrupted), tmp_path / "in", tmp_path / "out")
    assert left_behind(tmp_path / "out") == {"0.npy"}


# -- resources --------------------------------------------------------------------------------------
class Long:
    """A source of many chunks that nothing may gather; the writer counts them."""

    def __init__(self, domain: type[Domain], chunks: int, values: int) -> None:
        self.written = 0
        outer = self

        class Source(Reader):
            def __init__(self, path: Path) -> None:
                self.path = path

            def __iter__(self) -> Iterator[Tensor]:
                for _ in range(chunks):
                    yield torch.from_numpy(np.zeros((2, values), np.float32))

        class Sink(Writer):
            def write(self, chunk: Tensor) -> None:
                outer.written += 1

            def finish(self) -> None: ...

            def discard(self) -> None: ...

        class Endless(domain):  # type: ignore[misc, valid-type]
            def open(self, path: Path, side: Any, options: ConversionSettings) -> Reader:
                return Source(path)

            def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
                return Sink()

        self.domain: Domain = Endless()


def test_memory_does_not_grow_with_the_length(tmp_path: Path, tracks: type[Domain]) -> None:
    (tmp_path / "in.npy").touch()
    peaks = []
    for chunks in (40, 400):
        long = Long(tracks, chunks, 100_000)  # 0.8 MB each
        tracemalloc.start()  # numpy's arrays, that is the source's, are counted
        convert(translator_of(long.domain), tmp_path / "in.npy", tmp_path / "out.npy")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert long.written == chunks
    assert max(peaks) < 25 * 800_000


def test_large_chunks_do_not_pile_up(tmp_path: Path, tracks: type[Domain]) -> None:
    for number in range(6):
        write_signal(tmp_path / "in" / f"{number}.npy", 1)
    long = Long(tracks, 2, 10_000_000)  # 80 MB each, more than a queue lets wait
    for translate, most in ((lambda x: x[:, :1, :1].clone(), 3), (lambda x: x[:, :1, :1], 6)):
        tracemalloc.start()
        convert(translator_of(long.domain, translate), tmp_path / "in", tmp_path / "out")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # One being made, one waiting, one in translation; a view keeps its source alive on the way out as well.
        assert peak < (most + 0.5) * 80_000_000


def test_stages_work_at_the_same_time(tmp_path: Path, tracks: type[Domain]) -> None:
    """While one file is translated, the next is read and the one before is written."""
    for number in range(3):
        write_signal(tmp_path / "in" / f"{number}.npy", CHUNK)
    met = threading.Barrier(3, timeout=20)

    class Meeting(tracks):  # type: ignore[misc, valid-type]
        def open(self, path: Path, side: Any, options: ConversionSettings) -> Reader:
            if path.stem == "2":
                met.wait()
            return super().open(path, side, options)

        def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
            if reader.path.stem == "1":
                met.wait()
            yield from super().convert(reader, translate, options)

        def create(self, path: Path, like: Reader, options: ConversionSettings) -> Writer:
            if path.stem == "0":
                met.wait()
            return super().create(path, like, options)

    report = convert(translator_of(Meeting()), tmp_path / "in", tmp_path / "out")
    assert len(report.converted) == 3


def test_many_small_files_are_not_all_opened_at_once(tmp_path: Path, tracks: type[Domain]) -> None:
    for number in range(60):
        write_signal(tmp_path / "in" / f"{number:02}.npy", 3)
    open_now, most, lock = set(), [0], threading.Lock()

    class Counting(tracks):  # type: ignore[misc, valid-type]
        def open(self, path: Path, side: Any, options: ConversionSettings) -> Reader:
            reader = super().open(path, side, options)
            with lock:
                open_now.add(path)
                most[0] = max(most[0], len(open_now))
            close = reader.close
            reader.close = lambda: (open_now.discard(path), close())
            return reader

    def slow(x: Tensor) -> Tensor:
        time.sleep(0.002)
        return halved(x)

    assert len(convert(translator_of(Counting(), slow), tmp_path / "in", tmp_path / "out").converted) == 60
    assert most[0] <= 14
    assert not open_now
