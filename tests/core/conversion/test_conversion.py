"""Files and folders through the pipeline: order, trees, refusals, broken files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_signals import CHUNK, left_behind, translator_of, write_signal
from torch import Tensor

from unpaired.core.adapter.domain import ConversionSettings, Domain
from unpaired.core.adapter.streams import Reader, Translate
from unpaired.core.conversion.files import ConversionReport, convert
from unpaired.core.conversion.pipeline import Progress
from unpaired.core.errors import ConfigError, MediaError, MissingFile, OutputError


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
    class Even(tracks):  # type: ignore[misc, valid-type]
        def channels(self, side: Any) -> int:
            return 2

    signal = write_signal(tmp_path / "in.npy", 45)
    negative = translator_of(Even(), lambda x: -x)
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
            assert isinstance(reader.opened, type(self.open(reader.path, "a", options)))
            assert not isinstance(reader, type(reader.opened))
            assert reader.opened.opened is reader.opened
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
    frame = report.to_frame()
    assert frame[frame["kind"] == "failed"]["file"].tolist() == [str(broken.path) for broken in report.failed]
    assert frame[frame["kind"] == "converted"]["file"].tolist() == [str(path) for path in report.converted]
    assert report.failed[0].reason in frame["text"].tolist()
    assert left_behind(tmp_path / "out") == {"a.npy", "c.npy"}
    with pytest.raises(MediaError, match="damaged"):
        convert(translator_of(tracks()), tmp_path / "in" / "b.npy", tmp_path / "single.npy")
    assert not list(tmp_path.glob("*single*"))
