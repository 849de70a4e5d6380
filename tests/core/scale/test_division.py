"""A long clip in parts: the file that is joined has every byte of the one that a single conversion makes."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scaling import in_two, once, outputs, recorded
from synthetic_footage import moving, write_clip
from synthetic_sound import sound_frame

from unpaired.core.adapter.division import Part
from unpaired.core.scale import TranslatorSpec, convert_archive
from unpaired.core.scale.division import Divided, divided
from unpaired.core.scale.worker import Item, Recipe
from unpaired.domains.image import large
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.division import bounds, clips, part

FRAMES = 96


@pytest.fixture(scope="session")
def footage(spec: TranslatorSpec) -> TranslatorSpec:
    """The model, for clips."""
    return replace(spec, domain="video")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots; the second begins a little before the middle."""
    frames = moving(FRAMES // 2 - 4) + moving(FRAMES // 2 + 4, seed=5)
    return write_clip(tmp_path_factory.mktemp("clip") / "long.mkv", frames, codec="libx264")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 48 frames."""
    monkeypatch.setattr(clips, "LEAST", FRAMES // 2)
    monkeypatch.setattr(part, "WARM_UP", bounds.TOGETHER)


@pytest.mark.parametrize(
    ("early", "options", "kinds"),
    [
        (12, {}, ["converted"] * 3),
        pytest.param(12, {"side_by_side": True, "smooth": True}, ["converted"] * 3, marks=pytest.mark.slow),
        (12, {"cuts": False}, ["converted", "converted", "loose", "converted", "converted"]),
        pytest.param(36, {"blend": False}, ["converted"] * 3, marks=pytest.mark.slow),
    ],
)
def test_parts_are_joined_to_the_same_bytes(
    footage: TranslatorSpec, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    early: int, options: dict[str, Any], kinds: list[str],
) -> None:  # fmt: skip
    """Where the warm-up does not lead to the state that the part before ends in, the part is made again from that."""
    monkeypatch.setattr(part, "WARM_UP", early)
    footage.load().convert(clip, tmp_path / "alone" / clip.name, **options)
    engine = in_two(footage, clip, tmp_path / "out", **options)
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert recorded(tmp_path / "out") == {clip.name: 1}
    assert [result.kind for result in engine.results[:-1]] == kinds
    assert not (tmp_path / "out/.unpaired/parts").exists()


def test_large_frames_are_judged_by_the_first_of_the_clip(
    footage: TranslatorSpec, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LARGE", 2000)
    monkeypatch.setattr(large, "WORKING", 1000)
    report = footage.load().convert(clip, tmp_path / "alone" / clip.name)
    engine = in_two(footage, clip, tmp_path / "out")
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert engine.results[-1].notes == tuple(note.text for note in report.notes)
    assert engine.results[-1].notes


def test_parts_of_killed_workers_go_to_others_and_those_that_are_there_are_kept(
    footage: TranslatorSpec, clip: Path, tmp_path: Path
) -> None:
    footage.load().convert(clip, tmp_path / "alone" / clip.name)
    engine = in_two(footage, clip, tmp_path / "out", ends=(0, 1))
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert recorded(tmp_path / "out") == once(tmp_path / "out")
    assert [result.kind for result in engine.results[:-1]] == ["converted"] * 3
    assert not (tmp_path / "out/.unpaired/claims").exists()


def test_a_second_run_goes_on_with_the_parts_of_the_first(
    footage: TranslatorSpec, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(Divided, "done", lambda self, number: self.left.discard(number))
    with pytest.raises(AssertionError):
        in_two(footage, clip, out)
    assert len(list(out.glob(".unpaired/parts/*/[01]/facts.json"))) == 2
    monkeypatch.undo()
    monkeypatch.setattr(clips, "LEAST", FRAMES // 3)
    engine = in_two(footage, clip, out)
    assert [result.kind for result in engine.results[:-1]] == ["finished", "finished", "converted"]
    assert recorded(out) == once(out)


@pytest.mark.parametrize(
    "fault",
    ["other frames", *(pytest.param(each, marks=pytest.mark.slow) for each in ("lost", "damaged"))],
)
def test_a_file_whose_parts_do_not_fit_is_converted_as_a_whole(
    footage: TranslatorSpec, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    footage.load().convert(clip, tmp_path / "alone" / clip.name)

    def spoilt(self: Divided, number: int) -> Item | None:
        item = done(self, number)
        file = Path(self.parts[1].target) / ("frames.nut" if fault == "damaged" else "facts.json")
        if item is None:
            return None
        if fault == "lost":
            file.unlink()
        elif fault == "damaged":
            os.truncate(file, file.stat().st_size // 2)
        else:
            facts = json.loads(file.read_text())
            file.write_text(json.dumps(facts | {"sums": [1, *facts["sums"][1:]]}))
        return item

    done = Divided.done
    monkeypatch.setattr(Divided, "done", spoilt)
    engine = in_two(footage, clip, tmp_path / "out")
    assert outputs(tmp_path / "out") == outputs(tmp_path / "alone")
    assert [result.kind for result in engine.results[:-1]] == ["converted", "converted", "whole", "converted"]
    assert "converted as a whole, since their parts could not be joined: 1" in engine.notes[0]
    assert recorded(tmp_path / "out") == once(tmp_path / "out")
    assert not (tmp_path / "out/.unpaired/parts").exists()


def test_only_what_would_hold_up_the_others_is_divided(
    footage: TranslatorSpec, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    division = footage.load().domain.division()
    recipe = Recipe(footage, "a2b", {}, "", str(tmp_path), 2, "")
    items = [Item(number, str(clip), str(tmp_path / f"{number}.mkv"), None) for number in range(2)]

    def parts(sizes: list[int], workers: int) -> list[int]:
        found = divided(division, items, sizes, workers, recipe, VideoConversion())
        return [len(each.parts) for each in found]

    assert parts([100, 100], 2) == [2, 2]
    assert parts([100, 9], 2) == [2]
    assert parts([100, 100], 1) == []
    assert divided(None, items, [1, 1], 2, recipe, VideoConversion()) == []
    monkeypatch.setattr(clips, "LEAST", FRAMES)
    assert parts([100, 100], 2) == []


@pytest.mark.parametrize(
    "options", [{"report": Path("a.html")}, {"strength_curve": "0:0,2:1"}, {"start": 1}, {"strength": 0.0},
                {"codec": "png"}, {"immediate": True}],
)  # fmt: skip
def test_what_looks_at_the_whole_clip_is_not_divided(
    footage: TranslatorSpec, clip: Path, options: dict[str, Any]
) -> None:
    division = footage.load().domain.division()
    assert division is not None
    assert division.parts(clip, Path("a.mkv"), VideoConversion()) == 2
    assert division.parts(clip, Path("a.mkv"), VideoConversion(**options)) == 0


def test_parts_begin_where_batches_do_and_leave_no_frame_out() -> None:
    for frames in (1, 11, 100, 90_001):
        found = [bounds.bounds(Part(n, 7), frames) for n in range(7)]
        assert [end for _, end in found[:-1]] == [begin for begin, _ in found[1:]]
        assert (found[0][0], found[-1][1]) == (0, frames)
        assert all(begin % 4 == begin % 3 == 0 for begin, _ in found)


@pytest.mark.slow
def test_two_processes_of_which_one_is_killed_make_what_one_does(
    footage: TranslatorSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the warm-up and with the sound of real use."""
    import av

    source, out = tmp_path / "long.mp4", tmp_path / "out"
    with av.open(str(source), "w") as container:
        pictures = container.add_stream("libx264", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("aac", rate=48_000)
        for pixels in moving(1500, seed=3):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(sound_frame(0.2 * np.sin(0.05 * np.arange(60 * 48_000)), 48_000)))
        container.mux(sound.encode(None))
    monkeypatch.setattr(clips, "LEAST", 300)
    footage.load().convert(source, tmp_path / "alone" / source.name)
    killed: list[int] = []

    def kill() -> Iterator[None]:
        while not killed:
            for claim in (out / ".unpaired/claims").glob("*"):
                killed.append(int(claim.read_text().split()[-1].split("-")[2]))
                os.kill(killed[0], signal.SIGKILL)
                break
            yield

    threading.Thread(target=lambda: [threading.Event().wait(0.1) for _ in kill()], daemon=True).start()
    report = convert_archive(footage, source, out / source.name, workers=2)
    assert killed
    assert outputs(out) == outputs(tmp_path / "alone")
    assert recorded(out) == once(out)
    assert len(json.loads((out / ".unpaired/report.json").read_text())["lost_workers"]) == 1
    assert len(report.converted) == 1
