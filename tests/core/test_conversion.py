"""Files and folders through the pipeline: order, trees, refusals, faults at every point, memory, Ctrl-C."""

from __future__ import annotations

import itertools
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from unpaired.core.conversion import ConversionReport, Progress, convert
from unpaired.core.domain import ConversionSettings, Domain, Reader, Translate, Writer
from unpaired.core.errors import ConfigError, MediaError, MissingFile, OutputError

CHUNK = 20


def halved(x: Tensor) -> Tensor:
    """A translation whose result is known: the mean of the two channels, halved."""
    return x.mean(1, keepdim=True) / 2


def translator_of(domain: Domain, translate: Callable[[Tensor], Tensor] = halved) -> Any:
    return SimpleNamespace(domain=domain, toward=lambda direction: translate)


def write_signal(path: Path, length: int, seed: int = 0) -> np.ndarray[Any, Any]:
    signal = np.random.default_rng(seed).uniform(-1, 1, (2, length)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, signal)
    return signal


def left_behind(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else set()


# -- what comes out ---------------------------------------------------------------------------------
def test_a_file_is_translated_whole_and_in_order(tmp_path: Path, tracks: type[Domain]) -> None:
    signal = write_signal(tmp_path / "in.npy", 1010)
    report = convert(translator_of(tracks()), tmp_path / "in.npy", tmp_path / "new" / "out.npy")
    assert report == ConversionReport(converted=(tmp_path / "new" / "out.npy",))
    np.testing.assert_allclose(np.load(report.converted[0]), signal.mean(0, keepdims=True) / 2, atol=1e-7)
    assert left_behind(tmp_path / "new") == {"out.npy"}


def test_a_file_goes_into_an_existing_folder_under_its_name(tmp_path: Path, tracks: type[Domain]) -> None:
    write_signal(tmp_path / "in.npy", 30)
    (tmp_path / "there").mkdir()
    report = convert(translator_of(tracks()), tmp_path / "in.npy", tmp_path / "there")
    assert report.converted == (tmp_path / "there" / "in.npy",)


def test_a_folder_keeps_its_tree_and_leaves_other_files_out(tmp_path: Path, tracks: type[Domain]) -> None:
    names = ["a.npy", "deep/b.npy", "deep/er/c.npy", "deep/z.npy"]
    signals = {name: write_signal(tmp_path / "in" / name, 50 + i, i) for i, name in enumerate(names)}
    for name in (".hidden.npy", ".thumbs/d.npy"):
        write_signal(tmp_path / "in" / name, 30)
    (tmp_path / "in" / "notes.txt").write_text("no signal")
    report = convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out")
    assert report.converted == tuple(tmp_path / "out" / name for name in names)
    assert left_behind(tmp_path / "out") == {*names, "deep", "deep/er"}
    for name, signal in signals.items():
        np.testing.assert_allclose(np.load(tmp_path / "out" / name), signal.mean(0, keepdims=True) / 2, atol=1e-7)


def test_existing_outputs_are_skipped_only_when_asked(tmp_path: Path, tracks: type[Domain]) -> None:
    for name in ("a.npy", "b.npy"):
        write_signal(tmp_path / "in" / name, 30)
    write_signal(tmp_path / "out" / "a.npy", 7)
    report = convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out", skip_existing=True)
    assert (report.skipped, report.converted) == ((tmp_path / "out/a.npy",), (tmp_path / "out/b.npy",))
    assert np.load(tmp_path / "out" / "a.npy").shape == (2, 7)
    assert len(convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out").converted) == 2
    assert np.load(tmp_path / "out" / "a.npy").shape == (1, 30)


def test_strength_blends_where_shapes_agree(tmp_path: Path, tracks: type[Domain]) -> None:
    signal = write_signal(tmp_path / "in.npy", 45)
    negative = translator_of(tracks(), lambda x: -x)
    convert(negative, tmp_path / "in.npy", tmp_path / "out.npy", strength=0.25)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), 0.5 * signal, atol=1e-6)


def test_progress_comes_in_order_from_the_calling_thread(tmp_path: Path, tracks: type[Domain]) -> None:
    for name, length in (("a.npy", 3 * CHUNK), ("b.npy", CHUNK + 1)):
        write_signal(tmp_path / "in" / name, length)
    seen: list[tuple[Progress, str]] = []

    def note(progress: Progress) -> None:
        seen.append((progress, threading.current_thread().name))

    convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out", progress=note)
    stands = [(each.source.name, each.file, each.files, each.chunks, each.chunks_in_file) for each, _ in seen]
    assert stands == [("a.npy", 0, 2, n, 3) for n in (1, 2, 3)] + [("b.npy", 1, 2, n, 2) for n in (1, 2)]
    assert {name for _, name in seen} == {threading.current_thread().name}


def test_the_domain_sees_its_own_reader(tmp_path: Path, tracks: type[Domain]) -> None:
    class Aware(tracks):  # type: ignore[misc, valid-type]
        def convert(self, reader: Reader, translate: Translate, options: ConversionSettings) -> Iterator[Tensor]:
            assert type(self.open(reader.path, "a", options)).__name__ == "TrackReader"
            assert isinstance(reader, type(self.open(reader.path, "a", options)))
            assert reader.signal.shape == (2, 50)
            yield from super().convert(reader, translate, options)

    write_signal(tmp_path / "in.npy", 50)
    convert(translator_of(Aware()), tmp_path / "in.npy", tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy").shape == (1, 50)


# -- refusals ---------------------------------------------------------------------------------------
def test_places_that_would_do_harm_are_refused(tmp_path: Path, tracks: type[Domain]) -> None:
    signal = write_signal(tmp_path / "in" / "a.npy", 30)
    write_signal(tmp_path / "in" / "in" / "a.npy", 30)
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "full" / "a.npy").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    cases: list[tuple[str, str, type[Exception], str]] = [
        ("nowhere", "out", MissingFile, "no file or folder"),
        ("empty", "out", MissingFile, "nothing that the domain tracks converts"),
        ("in", "file", OutputError, "is a file"),
        ("in", "in", OutputError, "is the input folder"),
        ("in", "link", OutputError, "is the input folder"),
        ("in", "in/out", OutputError, "inside the input folder"),
        ("in", "link/out", OutputError, "inside the input folder"),
        ("in/in", "in", OutputError, "one of the inputs"),
        ("in/a.npy", "in/a.npy", OutputError, "the input itself"),
        ("in/a.npy", "link/a.npy", OutputError, "the input itself"),
        ("in/a.npy", "in", OutputError, "the input itself"),
        ("in/a.npy", "full", OutputError, "is a folder"),
        ("in/a.npy", "file/out.npy", OutputError, "cannot write"),
        ("in/a.npy", "out.wav", MediaError, "no .npy file"),
    ]
    write_signal(tmp_path / "in" / "in" / "in" / "a.npy", 30)
    before = left_behind(tmp_path)
    for source, target, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            convert(translator_of(tracks()), tmp_path / source, tmp_path / target)
        assert "\n" not in str(caught.value)
    assert left_behind(tmp_path) == before
    np.testing.assert_array_equal(np.load(tmp_path / "in" / "a.npy"), signal)


def test_options_of_another_domain_are_refused(tmp_path: Path, tracks: type[Domain]) -> None:
    write_signal(tmp_path / "in.npy", 30)
    with pytest.raises(ConfigError, match="did you mean strength"):
        convert(translator_of(tracks()), tmp_path / "in.npy", tmp_path / "out.npy", strenght=1.0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        convert(translator_of(tracks()), tmp_path / "in.npy", tmp_path / "out.npy", strength=2.0)


def test_an_unreadable_place_for_outputs_leaves_no_folder(tmp_path: Path, tracks: type[Domain]) -> None:
    (tmp_path / "in.npy").write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError):
        convert(translator_of(tracks()), tmp_path / "in.npy", tmp_path / "new" / "deeper" / "out.npy")
    write_signal(tmp_path / "late.npy", 30)
    broken = np.load(tmp_path / "late.npy")
    broken[0, -1] = np.nan
    np.save(tmp_path / "late.npy", broken)
    with pytest.raises(MediaError):
        convert(translator_of(tracks()), tmp_path / "late.npy", tmp_path / "new" / "deeper" / "out.npy")
    assert not (tmp_path / "new").exists()


# -- broken files -----------------------------------------------------------------------------------
@pytest.mark.parametrize("bad_at", [0, 30, 500])
def test_a_broken_file_is_listed_and_the_others_converted(tmp_path: Path, tracks: type[Domain], bad_at: int) -> None:
    for name in ("a.npy", "b.npy", "c.npy"):
        write_signal(tmp_path / "in" / name, 700)
    signal = np.load(tmp_path / "in" / "b.npy")
    signal[0, bad_at] = np.nan
    np.save(tmp_path / "in" / "b.npy", signal)
    (tmp_path / "in" / "d.npy").write_bytes(b"")
    report = convert(translator_of(tracks()), tmp_path / "in", tmp_path / "out")
    assert [path.name for path in report.converted] == ["a.npy", "c.npy"]
    assert [broken.path.name for broken in report.failed] == ["b.npy", "d.npy"]
    assert "damaged" in report.failed[0].reason
    assert left_behind(tmp_path / "out") == {"a.npy", "c.npy"}
    with pytest.raises(MediaError, match="damaged"):
        convert(translator_of(tracks()), tmp_path / "in" / "b.npy", tmp_path / "single.npy")
    assert not list(tmp_path.glob("*single*"))


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
    for translate, most in ((lambda x: x[:, :, :1].clone(), 3), (lambda x: x[:, :, :1], 6)):
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
