"""Sound tracks with pauses, damage and wandering times: every second of sound at its own second."""

from __future__ import annotations

import os
import socket
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from captures import RATE, bursts_in, capture, flashes_in, onsets
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import row

from unpaired import MediaError
from unpaired.domains.audio.reading.files import SoundFile
from unpaired.domains.audio.reading.timeline import Timeline
from unpaired.domains.containers.opening import open_container

from .voices import through

KINDS = {
    ".webm": ("libvpx", "libopus"), ".mkv": ("mpeg4", "libopus"), ".mp4": ("mpeg4", "aac"),
    ".ts": ("mpeg2video", "aac"), ".flv": ("flv1", "aac"), ".mpg": ("mpeg2video", "mp2"),
}  # fmt: skip


def heard(path: Path) -> tuple[list[float], tuple[str, ...]]:
    with SoundFile(path) as file:
        audio = np.concatenate(list(file), axis=1)
        return onsets(audio, file.info.rate, float(file.start)), file.warnings


@row("footage and recordings that FFmpeg reads", "a pause in the sound track")
@pytest.mark.parametrize("suffix", KINDS)
def test_a_pause_stays_a_pause(suffix: str, tmp_path: Path) -> None:
    video, sound = KINDS[suffix]
    path = capture(tmp_path / f"a{suffix}", 5, video=video, sound=(sound,), pause=(1.5, 3.5))
    found, notes = heard(path)
    assert found == pytest.approx([0, 1, 4], abs=0.05)
    assert any("no sound in it at one place" in note for note in notes)
    before = bursts_in(path)
    target = tmp_path / ("b.ts" if suffix == ".mpg" else f"b{suffix}")
    through(path, target)
    # What players show of both: the sound beside the picture, seen from the first flash.
    after, flash = bursts_in(target), [flashes_in(each)[0] for each in (path, target)]
    assert [time - flash[1] for time in after] == pytest.approx([time - flash[0] for time in before], abs=0.03)


@row("footage to a recording (.wav, .flac ...)", "sound that begins later than the footage")
def test_what_holds_sound_alone_begins_where_the_footage_does(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.mkv", 3, video="mpeg4", sound=("aac",), later=1.5)
    through(path, tmp_path / "b.wav")
    assert heard(tmp_path / "b.wav")[0] == pytest.approx([2], abs=0.05)
    through(path, tmp_path / "b.mkv")
    assert bursts_in(tmp_path / "b.mkv") == pytest.approx([2], abs=0.05)


@row("footage and recordings that FFmpeg reads", "damaged sound packets")
def test_the_place_of_damaged_packets_is_silence(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.mkv", 4, video=None, sound=("flac",))
    whole = bytearray(path.read_bytes())
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux() if packet.size]
    for data in packets[12:20]:
        place = whole.find(data)
        whole[place : place + len(data)] = b"\xff" * len(data)
    path.write_bytes(bytes(whole))
    found, notes = heard(path)
    assert found[-2:] == pytest.approx([2, 3], abs=0.002)
    assert any("are damaged; silence stands in their place" in note for note in notes)


@row("truncated MP4 and MOV", "sound")
def test_a_file_cut_short_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.mp4", 4, video="mpeg4", sound=("aac",), muxer={"movflags": "faststart"})
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    found, notes = heard(path)
    assert found == pytest.approx([0, 1], abs=0.01)
    assert any("its header promises 3.99 s, but it holds" in note for note in notes)


def test_a_survey_counts_what_is_read(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.ts", 5, 95_440, pause=(1.5, 3.5))
    with SoundFile(path) as file:
        first = sum(block.shape[1] for block in file)
        assert first == sum(block.shape[1] for block in file)
        assert first / RATE == pytest.approx(5, abs=0.03)
        assert (file.info.samples or 0) / RATE == pytest.approx(5, abs=0.03)


@row("any", "a pipe, a socket or a device given as a sound or video file")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.mp4"))
        for path, kind in (("pipe.wav", "a pipe"), ("socket.mp4", "a socket"), ("/dev/zero", "a device")):
            for opening in (SoundFile, open_container):
                with pytest.raises(MediaError, match=f"is {kind}, not a") as error:
                    opening(tmp_path / path)
                assert "\n" not in str(error.value)


class TestTimeline:
    @staticmethod
    def laid(pieces: list[tuple[int, float | None]], tick: Fraction = Fraction(1, 1000)) -> tuple[Any, Timeline]:
        """Pieces of so many samples at 1 kHz at some seconds; each is filled with its number, from 1 on."""
        timeline = Timeline(1000, tick)
        given_ = (
            (np.full((1, n), k + 1, np.float32), None if t is None else Fraction(t)) for k, (n, t) in enumerate(pieces)
        )
        parts = list(timeline.lay_out(given_))
        return np.concatenate(parts, axis=1)[0] if parts else np.zeros(0), timeline

    def test_silence_fills_what_is_missing(self) -> None:
        audio, timeline = self.laid([(20, 5.0), (20, 5.02), (20, 5.06)])
        assert audio.tolist() == [1] * 20 + [2] * 20 + [0] * 20 + [3] * 20
        assert (timeline.pauses, timeline.silence, timeline.overlap) == (1, 20, 0)

    def test_nothing_comes_twice(self) -> None:
        audio, timeline = self.laid([(20, 0.0), (20, 0.02), (20, 0.01), (20, 0.03)])
        assert audio.tolist() == [1] * 20 + [2] * 20 + [4] * 10
        assert timeline.overlap == 30

    def test_times_that_wander_change_nothing(self) -> None:
        draw = np.random.default_rng(1)
        pieces = [(20, 0.02 * k + float(draw.uniform(-0.03, 0.03)) * (0 < k < 480)) for k in range(500)]
        audio, timeline = self.laid(pieces)
        assert timeline.pauses == timeline.overlap == 0
        assert len(audio) == 10_000

    def test_times_of_superframes_may_be_further_off(self) -> None:
        late = [0, -0.04, 0.03, -0.04, -0.02, -0.04, -0.03]
        timeline = Timeline(1000, Fraction(1, 1000), Fraction(1, 20))
        pieces = ((np.ones((1, 200), np.float32), Fraction(0.2 * k + off)) for k, off in enumerate(late))
        assert sum(part.shape[1] for part in timeline.lay_out(pieces)) == 200 * len(late)

    def test_pieces_without_a_time_follow_the_one_before(self) -> None:
        audio, _ = self.laid([(20, 1.0), (20, None), (20, 1.04), (20, None)])
        assert len(audio) == 80

    def test_a_clock_that_was_set_back_loses_nothing(self) -> None:
        audio, timeline = self.laid([(500, 0.5 * k) for k in range(60)] + [(500, 0.5 * k) for k in range(60)])
        assert len(audio) == 60_000
        assert timeline.overlap == 0

    @settings(max_examples=60, deadline=None)
    @given(
        lengths=st.lists(st.integers(20, 60), min_size=1, max_size=60),
        gone=st.sets(st.integers(1, 59)),
        shake=st.integers(0, 1),
    )
    def test_whatever_is_missing_the_rest_is_at_its_place(self, lengths: list[int], gone: set[int], shake: int) -> None:
        begins = np.cumsum([0, *lengths])
        there = [k for k in range(len(lengths)) if k not in gone]
        timeline = Timeline(1000, Fraction(1, 1000))
        pieces = (
            (np.full((1, lengths[k]), k + 1, np.float32), Fraction(int(begins[k]) + shake * (k % 2), 1000))
            for k in there
        )
        audio = np.concatenate(list(timeline.lay_out(pieces)), axis=1)[0]
        for k in there:
            place = np.flatnonzero(audio == k + 1)
            assert len(place) == lengths[k]
            assert abs(int(place[0]) - int(begins[k])) <= 2
        assert len(audio) <= int(begins[there[-1] + 1]) + 2
