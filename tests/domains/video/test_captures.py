"""Captures converted: footage, sound and subtitles stay beside one another, whatever their clocks show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from captures import bursts_in, capture, flashes_in, joined
from kept import row
from synthetic_footage import convert

from unpaired.domains.containers.clock import Clock
from unpaired.domains.containers.opening import open_container

from .clips import make


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_capture_that_begins_late_and_jumps_plays_at_once_and_through(suffix: str, tmp_path: Path) -> None:
    source = joined(tmp_path / "a.ts", *(capture(tmp_path / f"{n}.ts", 2, at) for n, at in enumerate((7200, 90_000))))
    notes = convert(source, tmp_path / f"b{suffix}")
    assert any("jumps once" in note for note in notes)
    found, heard = flashes_in(tmp_path / f"b{suffix}"), bursts_in(tmp_path / f"b{suffix}")
    assert [time - found[0] for time in found] == pytest.approx([0, 1, 2, 3], abs=0.12)
    assert found[0] < (0.1 if suffix != ".ts" else 2)  # MPEG-TS begins as late as its muxer has it
    assert heard == pytest.approx(found, abs=0.06)


def test_a_cut_of_a_capture_cuts_all_tracks_alike(tmp_path: Path) -> None:
    source = capture(tmp_path / "a.ts", 5, 36_000, sound=("mp2", "aac"))
    convert(source, tmp_path / "b.mkv", start=1.5, end=3.5)
    assert flashes_in(tmp_path / "b.mkv") == pytest.approx([0.5, 1.5], abs=0.05)
    assert bursts_in(tmp_path / "b.mkv") == pytest.approx([0.5, 1.5], abs=0.05)
    with av.open(str(tmp_path / "b.mkv")) as file:
        assert len(file.streams.audio) == 2


def test_footage_whose_first_frame_is_no_key_frame_stays_beside_its_sound(tmp_path: Path) -> None:
    whole = capture(tmp_path / "a.ts", 4, 500, options={"g": "20", "bf": "0"}).read_bytes()
    packets = [whole[at : at + 188] for at in range(0, len(whole), 188)]
    (tmp_path / "c.ts").write_bytes(b"".join(packets[:3] + packets[len(packets) // 4 :]))
    convert(tmp_path / "c.ts", tmp_path / "b.mp4")
    found, heard = flashes_in(tmp_path / "b.mp4"), bursts_in(tmp_path / "b.mp4")
    assert len(found) >= 2
    assert found[-2:] == pytest.approx(heard[-2:], abs=0.06)


@row("any clip whose clock does not start at 0", "subtitles and chapters")
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_subtitles_and_chapters_begin_with_the_footage(suffix: str, tmp_path: Path) -> None:
    times = [100 + 40 * number for number in range(25)]
    source = make(tmp_path / "a.mkv", times=times, time_base=Fraction(1, 1000), subtitles="subrip", chapters=True)
    convert(source, tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        chapters = [(float(each["start"] * each["time_base"]), float(each["end"] * each["time_base"]))
                    for each in file.chapters() if each["time_base"]]  # fmt: skip
        shown = [float(p.pts * p.time_base) for p in file.demux(subtitles=0) if p.pts is not None and p.size > 2]
    assert chapters == [pytest.approx((0, 0.45), abs=0.01), pytest.approx((0.45, 1), abs=0.01)]
    assert shown == pytest.approx([0, 0.07, 0.19], abs=0.002)


def test_chapters_before_the_footage_are_cut_off(tmp_path: Path) -> None:
    times = [5000 + 40 * number for number in range(25)]
    source = make(tmp_path / "a.mkv", times=times, time_base=Fraction(1, 1000), chapters=True)
    with open_container(source) as file:
        chapters = Clock(file).chapters
        assert [(each["start"] * each["time_base"], each["end"] * each["time_base"]) for each in chapters] == [(0, 1)]
    convert(source, tmp_path / "b.mkv")


def hidden_sound(path: Path, begin: float, length: float) -> Path:
    """An MP4 of four seconds whose edit lists show those from `begin` on, `length` seconds long."""
    whole = bytearray(capture(path, 4, video="mpeg4", sound=("aac",)).read_bytes())
    place = 0
    while (place := whole.find(b"elst", place)) >= 0:
        media = whole.rfind(b"mdhd", 0, whole.find(b"mdhd", place) + 4)
        scale = int.from_bytes(whole[media + 16 : media + 20], "big")
        shown = int.from_bytes(whole[place + 16 : place + 20], "big")
        whole[place + 12 : place + 16] = round(length * 1000).to_bytes(4, "big")
        whole[place + 16 : place + 20] = (shown + round(begin * scale)).to_bytes(4, "big")
        place += 4
    path.write_bytes(bytes(whole))
    return path


@row("MP4 and MOV whose edit list hides sound", "the hidden sound, copied into any container")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_sound_that_an_edit_list_hides_stays_unheard(suffix: str, tmp_path: Path) -> None:
    source = hidden_sound(tmp_path / "a.mp4", 1.5, 2)
    assert bursts_in(source) == pytest.approx([0.5, 1.5], abs=0.01)
    target = tmp_path / f"b{suffix}"
    convert(source, target)
    found, heard_at = flashes_in(target), bursts_in(target)
    assert [time - found[0] for time in found] == pytest.approx([0, 1], abs=0.01)
    assert heard_at == pytest.approx(found, abs=0.03)
