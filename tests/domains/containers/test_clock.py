"""One clock for all tracks: begun at 0, wraps undone, jumps taken out, pauses kept."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from captures import capture, flashes, joined, onsets
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import row

from unpaired.domains.audio.reading.files import SoundFile
from unpaired.domains.audio.reading.track import SoundTrack
from unpaired.domains.containers.clock import Clock
from unpaired.domains.containers.opening import open_container
from unpaired.domains.video.inspection.file import header
from unpaired.domains.video.reading.decode import ClipAccess, decode

WRAP = 2**33 / 90_000


def seen(path: Path) -> list[float]:
    return flashes([(float(frame.time), frame.pixels) for frame in decode(path)])


def heard(path: Path) -> list[float]:
    track = SoundTrack(path)
    found: list[float] = []
    place = float(track.start)
    for block in track.blocks():
        found += [time for time in onsets(block, track.info.rate, place) if not found or time - found[-1] > 0.4]
        place += block.shape[1] / track.info.rate
    track.close()
    return found


def together(path: Path, expected: list[float], slack: float = 0.05) -> None:
    """Flashes and bursts are where they are expected, and beside one another."""
    for found in (seen(path), heard(path)):
        assert found == pytest.approx(expected, abs=slack), found
    assert seen(path) == pytest.approx(heard(path), abs=0.025)


@row("MPEG-TS (.ts, .mts, .m2ts), MPEG-PS, FLV, any", "a clock that does not start at 0")
@pytest.mark.parametrize("suffix", [".ts", ".m2ts", ".mpg", ".flv", ".mkv", ".mp4"])
@pytest.mark.parametrize("offset", [0, 36_000])
def test_the_earliest_track_begins_at_0(suffix: str, offset: float, tmp_path: Path) -> None:
    codecs = {".flv": ("flv1", "aac"), ".mp4": ("mpeg4", "aac"), ".mkv": ("mpeg4", "aac")}
    video, sound = codecs.get(suffix, ("mpeg2video", "mp2"))
    together(capture(tmp_path / f"a{suffix}", 2, offset, video=video, sound=(sound,)), [0, 1])


@row("MPEG-TS, MPEG-PS", "a 33-bit clock that wraps around")
@pytest.mark.parametrize("before", [1, 3.2, pytest.param(70, marks=pytest.mark.slow)])
def test_a_wrap_is_undone(before: float, tmp_path: Path) -> None:
    seconds = 2 if before < 2 else before + 2
    path = capture(tmp_path / "a.ts", seconds, WRAP - before, video="mpeg2video")
    together(path, [float(n) for n in range(int(-(-seconds // 1)))])


@row("MPEG-TS, MPEG-PS, Ogg, FLV", "a clock that jumps, forward by more than 10 s or back")
@pytest.mark.parametrize("second", [5000, 10, 98, 130, 101.5])
def test_jumps_are_taken_out_of_all_tracks(second: float, tmp_path: Path) -> None:
    parts = [capture(tmp_path / "a.ts", 2, 100), capture(tmp_path / "b.ts", 2, second)]
    path = joined(tmp_path / "c.ts", *parts)
    together(path, [0, 1, 2, 3], slack=0.12)
    with open_container(path) as container:
        clock = Clock(container)
        assert sum(packet.size > 0 for packet in clock.packets(container.streams.video[0])) == 100
        assert clock.notes == ("its clock jumps once; the parts on either side were joined",)


@row(
    "MPEG-TS joined from captures, the later one on a clock more than 60 s earlier",
    "times that FFmpeg takes to have wrapped, until the clock comes past there again",
)
def test_a_jump_back_to_before_where_ffmpeg_takes_times_to_have_wrapped_is_one_jump(tmp_path: Path) -> None:
    """FFmpeg adds 2^33 ticks to times of more than 60 s before the first, until the clock comes past there again."""
    path = joined(tmp_path / "c.ts", capture(tmp_path / "a.ts", 2, 100), capture(tmp_path / "b.ts", 14, 30))
    together(path, [float(number) for number in range(16)], slack=0.12)
    with open_container(path) as container:
        clock = Clock(container)
        assert sum(packet.size > 0 for packet in clock.packets(container.streams.video[0])) == 400
        assert clock.notes == ("its clock jumps once; the parts on either side were joined",)


def test_clocks_that_go_to_and_fro_end_where_they_should(tmp_path: Path) -> None:
    parts = [capture(tmp_path / f"{n}.ts", 1, offset) for n, offset in enumerate((60, 3, 5000, 61, 39.5))]
    together(joined(tmp_path / "c.ts", *parts), [0, 1, 2, 3, 4], slack=0.25)


@row("MPEG-TS, FLV", "a clock that jumps in one track only")
def test_a_jump_of_sound_alone_is_taken_out_of_it_alone(tmp_path: Path) -> None:
    def clock(kind: str, time: float) -> float:
        return time + 500 * (kind == "audio" and time >= 1.5)

    together(capture(tmp_path / "a.ts", 3, 100, clock=clock), [0, 1, 2])


@row("MPEG-TS, FLV", "a long pause in one track only")
def test_a_pause_of_sound_alone_is_no_jump(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.ts", 18, 100, pause=(1.5, 15.5))
    assert seen(path) == pytest.approx([float(n) for n in range(18)], abs=0.05)
    assert heard(path) == pytest.approx([0, 1, 16, 17], abs=0.05)


@pytest.mark.parametrize("options", [{"g": "5", "bf": "0"}, {"g": "8", "bf": "2"}])
def test_any_frame_of_a_clip_that_jumps_can_be_sought(options: dict[str, str], tmp_path: Path) -> None:
    parts = [
        capture(tmp_path / f"{n}.ts", 1, at, begin=n / 5, options=options) for n, at in enumerate((100, 5000, 99.5))
    ]
    path = joined(tmp_path / "c.ts", *parts)
    through = list(decode(path))
    clip = ClipAccess(path)
    assert len(clip) == len(through) == 75
    assert list(clip.times) == [frame.time for frame in through]
    for index in (74, 0, 30, 45, 26, 65, 51, 12, 49):
        assert np.array_equal(clip.frames(index)[0], through[index].pixels), index
    assert all(np.array_equal(a, b.pixels) for a, b in zip(clip.frames(20, 10), through[20:30], strict=True))
    clip.close()


def test_a_cut_of_a_clip_that_jumps_counts_its_own_seconds(tmp_path: Path) -> None:
    path = joined(tmp_path / "c.ts", *(capture(tmp_path / f"{n}.ts", 2, at) for n, at in enumerate((100, 5000, 30))))
    whole = seen(path)
    assert len(whole) == 6
    for start in (0.5, 1.5, 2.5, 4.2):
        found = flashes([(float(frame.time), frame.pixels) for frame in decode(path, start, start + 1)])
        assert found == [time for time in whole if start <= time < start + 1]


@pytest.mark.parametrize("key_frames", ["1", "3"])
def test_a_cut_takes_what_the_decoder_holds_already(key_frames: str, tmp_path: Path) -> None:
    path = capture(tmp_path / "a.ts", 2, 100, options={"g": key_frames, "bf": "0"})
    for start in (0.04, 0.08, 0.2, 0.44, 0.6):
        assert len(list(decode(path, start))) == 50 - round(start * 25), start


def test_the_length_of_a_clip_that_jumps_is_that_of_its_footage(tmp_path: Path) -> None:
    path = joined(tmp_path / "c.ts", *(capture(tmp_path / f"{n}.ts", 2, at) for n, at in enumerate((100, 5000))))
    assert header(path).seconds == pytest.approx(4, abs=0.1)
    assert header(path).frames == 100
    with SoundFile(path) as file:
        assert (file.info.samples or 0) / file.info.rate == pytest.approx(4, abs=0.1)


def test_a_delay_between_tracks_is_kept(tmp_path: Path) -> None:
    for suffix in (".ts", ".mkv"):
        path = capture(tmp_path / f"a{suffix}", 3, 1000, later=1.5)
        assert seen(path) == pytest.approx([0, 1, 2], abs=0.05)
        assert heard(path) == pytest.approx([2], abs=0.05)


def test_sound_that_begins_later_stays_so_where_footage_says_only_when_it_is_decoded(tmp_path: Path) -> None:
    """FFmpeg does not know when H.264 in ASF begins, and gives it the start of the sound: both came out together."""
    path = capture(tmp_path / "a.wmv", 3, video="libx264", sound=("mp2",), later=1.5)
    assert seen(path) == pytest.approx([0, 1, 2], abs=0.05)
    assert heard(path) == pytest.approx([2], abs=0.05)


def test_a_container_with_an_index_means_its_pauses(tmp_path: Path) -> None:
    path = capture(tmp_path / "a.mkv", 2, clock=lambda _, time: time + 60 * (time >= 0.9))
    assert seen(path) == pytest.approx([0, 61], abs=0.05)
    assert heard(path) == pytest.approx([0, 61], abs=0.05)


@settings(max_examples=15, deadline=None)
@given(offsets=st.lists(st.integers(0, 95_430), min_size=2, max_size=4))
def test_any_captures_joined_play_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, offsets: list[int]
) -> None:
    place = tmp_path_factory.mktemp("joined")
    parts = [capture(place / f"{n}.ts", 1, offset, video=None) for n, offset in enumerate(offsets)]
    path = joined(place / "all.ts", *parts)
    with open_container(path) as container:
        stream = container.streams.audio[0]
        times = [
            Fraction(packet.pts * packet.time_base)
            for packet in Clock(container).packets(stream)
            if packet.size and packet.pts is not None
        ]
    steps = [after - before for before, after in pairwise(times)]
    near = [abs(a - b) for a, b in pairwise(offsets)]
    longest = 10 if any(1 < each <= 11 for each in near) else 1  # a pause is a pause as long as ten seconds
    assert times[0] == 0
    assert min(steps) > -0.1
    assert max(steps) <= longest + 0.1
