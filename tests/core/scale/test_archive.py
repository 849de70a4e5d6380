"""An archive converted by several workers: every output once, whoever ends in between."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from scaling import WorkersHere, leave_claimed, once, outputs, recorded

from unpaired.core.adapter.folders import told
from unpaired.core.conversion.record import append, identify, lines
from unpaired.core.errors import ConfigError, OutputError, ResourceError
from unpaired.core.scale import Shard, TranslatorSpec, convert_archive
from unpaired.core.scale.dispatch import Dispatch, grouped
from unpaired.core.scale.engine import Engine, ThisProcess
from unpaired.core.scale.worker import (
    Answer,
    Fault,
    Item,
    Lost,
    Recipe,
    Worker,
    installed_version,
)


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outputs are looked for in several turns."""
    monkeypatch.setattr("unpaired.core.scale.archive._AT_ONCE", 3)


@pytest.fixture
def alone(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> dict[str, bytes]:
    """The outputs as `Translator.convert` makes them."""
    spec.load().convert(archive, tmp_path / "alone")
    return outputs(tmp_path / "alone")


def test_two_processes_make_what_one_does(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, alone: Mapping[str, bytes]
) -> None:
    out, shares = tmp_path / "out", []
    report = convert_archive(spec, archive, out, workers=2, progress=lambda stand: shares.append(stand.share))
    assert outputs(out) == alone
    assert recorded(out) == once(out)
    assert len(report.converted) == len(alone)
    assert not report.notes
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(list((out / ".unpaired").glob("*.jsonl"))) == 2
    assert json.loads((out / ".unpaired/report.json").read_text())["converted"] == len(alone)
    assert not (out / ".unpaired/claims").exists()


def test_a_second_run_does_the_rest(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert_archive(spec, archive, out)
    (out / "hill.png").unlink()
    (out / "tree.png").write_bytes(b"half")
    os.utime(out / "wood.png")  # as copying does: every byte is there
    os.utime(archive / "rock.png")  # an input that may have changed
    report = convert_archive(spec, archive, out)
    assert sorted(path.name for path in report.converted) == ["hill.png", "rock.png", "tree.png"]
    assert convert_archive(spec, archive, out).converted == ()
    for changed in ({"direction": "b2a"}, {"strength": 0.5}):
        assert len(convert_archive(spec, archive, out, **changed).converted) == 7


def test_numbered_files_become_numbered_files(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    for number, picture in enumerate(sorted(archive.glob("*.png"))):
        picture.rename(tmp_path / f"x_{number:02}.png")
    made = tuple(tmp_path / f"out/y_{number:03}.png" for number in range(4))
    given = spec, tmp_path / "x_%02d.png", tmp_path / "out/y_%03d.png"
    assert convert_archive(*given).converted == made
    assert convert_archive(*given).skipped == made
    assert recorded(tmp_path / "out") == once(tmp_path / "out")


def test_an_output_that_nobody_recorded_is_made_again_unless_it_shall_stay(
    spec: TranslatorSpec, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    convert_archive(spec, archive, out)
    (out / "hill.png").write_bytes(b"mine")
    report = convert_archive(spec, archive, out, skip_existing=True)
    assert report.converted == ()
    assert "it is not known how they were made" in report.notes[0].text
    assert [path.name for path in convert_archive(spec, archive, out).converted] == ["hill.png"]


def test_a_record_cut_in_its_last_line_is_done_again(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    convert_archive(spec, archive, out)
    (file,) = (out / ".unpaired").glob("*.jsonl")
    last = json.loads(file.read_bytes().splitlines()[-1])["output"]
    file.write_bytes(file.read_bytes()[:-9])
    report = convert_archive(spec, archive, out)
    assert [path.relative_to(out).as_posix() for path in report.converted] == [last]
    assert recorded(out) == once(out)


def test_a_line_goes_behind_one_that_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_bytes(b'{"output": "a"}\n{"outp')
    append(file, {"output": "b"})
    assert [entry["output"] for _, entry in lines(file)] == ["a", "b"]


def test_shards_divide_the_files_and_leave_none(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, alone: Mapping[str, bytes]
) -> None:
    out = tmp_path / "out"
    counts = [len(convert_archive(spec, archive, out, shard=Shard(index, 3)).converted) for index in range(3)]
    assert sum(counts) == len(alone)
    assert outputs(out) == alone
    assert recorded(out) == once(out)


@pytest.mark.parametrize("text", ["3/3", "1", "a/b", "-1/3", "0/0"])
def test_a_shard_is_one_of_so_many(text: str) -> None:
    with pytest.raises(ConfigError, match="expected I/N"):
        Shard.parse(text)


def test_folders_of_outputs_are_divided_on_request(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, alone: Mapping[str, bytes]
) -> None:
    out = tmp_path / "out"
    convert_archive(spec, archive, out, fan_out=True)
    found = {Path(name): data for name, data in outputs(out).items()}
    assert all(len(name.parts) - len(name.parts[:-3]) == 3 for name in found)
    plain = {(Path(*name.parts[:-3]) / name.name).as_posix(): data for name, data in found.items()}
    assert plain == dict(alone)
    assert convert_archive(spec, archive, out, fan_out=True).converted == ()


class Mortal(WorkersHere):
    """Workers of which those in `ends` end when they are at their second file."""

    def __init__(self, recipe: Recipe, ends: Sequence[int]) -> None:
        super().__init__(recipe)
        self.ends = ends

    def submit(self, worker: int, items: Sequence[Item]) -> None:
        answer: Answer = Lost("signal SIGKILL")
        if worker in self.ends:
            self.workers[worker].convert(items[:1])
            for item in items[1:2]:
                leave_claimed(Path(self.recipe.outputs), item, f"0-0-{worker}-0")
        else:
            answer = self.workers[worker].convert(items)
        self.waiting.append((worker, answer))


def recipe_of(spec: TranslatorSpec, out: Path, **changes: Any) -> Recipe:
    given = {"version": installed_version(), "identity": spec.load().identity("a2b")} | changes
    return Recipe(spec, "a2b", {}, outputs=str(out), files=7, **given)


def dispatch_of(engine: Engine, archive: Path, out: Path) -> Dispatch:
    files = sorted(archive.rglob("*.png"))
    items = [Item(n, str(each), str(out / each.relative_to(archive)), None) for n, each in enumerate(files)]
    out.joinpath(".unpaired").mkdir(parents=True)
    return Dispatch(engine, items, [each.stat().st_size for each in files], 1, out)


def test_files_of_lost_workers_go_to_others(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, alone: Mapping[str, bytes]
) -> None:
    out = tmp_path / "out"
    dispatch = dispatch_of(Mortal(recipe_of(spec, out), ends=(0, 1)), archive, out)
    dispatch._queue = type(dispatch._queue)([[item for group in dispatch._queue for item in group]])
    dispatch.run()
    assert outputs(out) == alone
    assert recorded(out) == once(out)
    assert {result.kind for result in dispatch.results.values()} == {"converted"}
    assert dispatch.notes() == ["workers that ended before their time, their files given to others: 2 (signal SIGKILL)"]


class Hasty(Mortal):
    """A worker that tells of its last group first."""

    window = 2

    def next(self) -> tuple[int, Answer]:
        return self.waiting.pop()


def test_answers_may_come_in_any_order(
    spec: TranslatorSpec, archive: Path, tmp_path: Path, alone: Mapping[str, bytes]
) -> None:
    out = tmp_path / "out"
    dispatch = dispatch_of(Hasty(recipe_of(spec, out), ends=()), archive, out)
    items = [item for group in dispatch._queue for item in group]
    dispatch._queue = type(dispatch._queue)([items[:2], items[2:]])
    dispatch.run()
    assert outputs(out) == alone
    assert sorted(dispatch.results) == list(range(7))


def test_workers_that_end_at_once_are_given_up(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    engine = Mortal(recipe_of(spec, tmp_path / "out"), ends=range(9))
    engine.submit = lambda worker, items: engine.waiting.append((worker, Lost("exit code 1")))  # type: ignore[method-assign]
    with pytest.raises(ResourceError, match=r"workers end before they convert anything \(exit code 1\)"):
        dispatch_of(engine, archive, tmp_path / "out").run()


def test_a_refused_file_is_named_once_as_it_was_typed(
    spec: TranslatorSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers are given its path from the root."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("in/hill.png").write_text("no picture")
    (failed,) = convert_archive(spec, "in", "out").failed
    assert failed.path == Path("in/hill.png")
    (line,) = told([failed])
    assert line.startswith("in/hill.png: holds no picture")


def test_a_file_that_ended_three_workers_is_set_aside(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(3):
        leave_claimed(out, Item(0, "", str(out / "hill.png"), None), f"0-0-{number}-0")
    report = convert_archive(spec, archive, out)
    assert len(report.converted) == 6
    (failed,) = report.failed
    assert failed.path.name == "hill.png"
    assert "set aside: 3 workers ended while they converted it" in failed.reason
    assert len(convert_archive(spec, archive, out).converted) == 1  # another run tries again


def test_a_file_that_another_process_is_at_is_left_to_it(spec: TranslatorSpec, archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import sys, pathlib; from unpaired.core.scale.claims import Claims\n"
    code += "claim = Claims(pathlib.Path(sys.argv[1])).take(sys.argv[2]); print('taken', flush=True); input()"
    command = [sys.executable, "-c", code, str(out), identify("hill.png")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"taken\n"
        report = convert_archive(spec, archive, out)
        other.communicate(b"\n")
    assert len(report.converted) == 6
    assert [path.name for path in report.skipped] == ["hill.png"]
    assert [note.text for note in report.notes] == ["left to other workers, which are at them: 1 file"]
    assert [path.name for path in convert_archive(spec, archive, out).converted] == ["hill.png"]
    assert recorded(out) == once(out)


def test_what_another_worker_has_finished_since_is_not_made_again(
    spec: TranslatorSpec, archive: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    recipe = recipe_of(spec, out)
    item = Item(0, str(archive / "hill.png"), str(out / "hill.png"), None)
    engine = ThisProcess(recipe, None, None)
    for _ in range(2):
        engine.submit(0, [item])
    kinds = [answer.results[0].kind for _, answer in (engine.next(), engine.next())]  # type: ignore[union-attr]
    assert kinds == ["converted", "finished"]
    assert recorded(out) == {"hill.png": 1}


def test_a_worker_that_translates_nothing_says_of_nothing_what_ran_it(
    spec: TranslatorSpec, archive: Path, tmp_path: Path
) -> None:
    item = Item(0, str(archive / "hill.png"), str(tmp_path / "out/hill.png"), None)
    ran = []
    chosen = TranslatorSpec(spec.model, "auto", "cpu", "fp32")
    for _ in range(2):  # the second finds it finished
        engine = ThisProcess(recipe_of(chosen, tmp_path / "out"), None, None)
        engine.submit(0, [item])
        ran.append(engine.next()[1].runtime)  # type: ignore[union-attr]
    assert ran[0].endswith(" fp32 on cpu")
    assert not ran[1]


@pytest.mark.parametrize("changes", [{"version": "0.0.1"}, {"identity": "another"}], ids=["version", "model"])
def test_a_worker_of_another_version_or_model_is_refused(
    spec: TranslatorSpec, tmp_path: Path, changes: Mapping[str, str]
) -> None:
    with pytest.raises(ConfigError, match="all machines"):
        Worker(recipe_of(spec, tmp_path, **changes))


def test_a_fault_that_ends_all_work_is_raised_where_it_began() -> None:
    with pytest.raises(OutputError, match="full"):
        Fault.of(OutputError("the disk is full")).throw()
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        Fault.of(ZeroDivisionError("odd")).throw()


def test_a_place_that_cannot_be_written_to_is_refused_before_work(
    spec: TranslatorSpec, archive: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(OutputError):
        convert_archive(spec, archive, tmp_path / "out", workers=2)


def test_a_full_disk_ends_all_and_leaves_nothing_unfinished(
    spec: TranslatorSpec, archive: Path, small_disk: Path, alone: Mapping[str, bytes]
) -> None:
    (small_disk / "fill").write_bytes(bytes(40_000))
    with pytest.raises(OutputError, match="No space left"):
        convert_archive(spec, archive, small_disk / "out")
    assert outputs(small_disk / "out").items() < alone.items()
    assert not list(small_disk.rglob("*.part*"))
    assert not (small_disk / "out/.unpaired/claims").exists()
    (small_disk / "fill").unlink()
    convert_archive(spec, archive, small_disk / "out")
    assert outputs(small_disk / "out") == alone
    assert recorded(small_disk / "out") == once(small_disk / "out")


def test_long_files_go_first_and_alone() -> None:
    sizes = [10, 50_000_000, 20, 9_000_000]
    items = [Item(number, "", "", None) for number in range(4)]
    groups = [[item.number for item in group] for group in grouped(items, sizes, workers=1)]
    assert groups == [[1], [3], [2, 0]]


def test_a_model_in_another_folder_is_found_by_workers(
    spec: TranslatorSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(spec.model, tmp_path / "m.safetensors")
    monkeypatch.chdir(tmp_path)
    assert TranslatorSpec("m.safetensors").absolute().model == str(tmp_path / "m.safetensors")
    assert TranslatorSpec("day2night").absolute().model == "day2night"
