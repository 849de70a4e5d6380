"""Timecode: how frames are numbered, with and without dropped numbers; and moments of clips by frame and timecode."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept import row
from synthetic_footage import levels, write_clip, write_frames

from unpaired import Audio, ConfigError, MediaError, Video
from unpaired.domains.audio import AudioConversion
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.frames.timecode import Timecode, stated_timecode
from unpaired.domains.video.reading.sequence import frames_at
from unpaired.domains.video.writing.writer import VideoWriter

from .clips import make

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("base", "drop", "frame", "text"),
    [
        (25, False, 0, "00:00:00:00"),
        (24, False, 24 * 3600 + 10 * 24 + 12, "01:00:10:12"),
        (30, False, 1800, "00:01:00:00"),
        (30, True, 1799, "00:00:59;29"),
        (30, True, 1800, "00:01:00;02"),  # 00 and 01 are left out
        (30, True, 17_982, "00:10:00;00"),  # but not in every tenth minute
        (30, True, 107_892, "01:00:00;00"),
        (60, True, 3600, "00:01:00;04"),
        (60, True, 35_964, "00:10:00;00"),
    ],
)
def test_known_numbers(base: int, drop: bool, frame: int, text: str) -> None:
    timecode = Timecode(base, drop)
    assert timecode.text(frame) == text
    assert timecode.frame(text) == frame


@given(st.integers(0, 24 * 107_892 - 1), st.sampled_from([(24, False), (25, False), (30, True), (60, True)]))
def test_every_frame_has_a_number_of_its_own(frame: int, kind: tuple[int, bool]) -> None:
    timecode = Timecode(*kind)
    frame %= 24 * timecode.frame("01:00:00:00")
    assert timecode.frame(timecode.text(frame)) == frame


@pytest.mark.parametrize(("text", "said"), [("00:01:00;00", "drop frame leaves out"), ("00:00:00:30", "of 30 frames")])
def test_numbers_that_are_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Timecode(30, True).frame(text)


def clip(path: Path, timecode: str | None = None, rate: int = 10) -> Path:
    """Twenty frames, each of its own level, with a timecode."""
    plain = write_clip(path.with_name("plain.mkv"), levels(20), rate)
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        new.metadata.update({"timecode": timecode} if timecode else {})
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    return path


def read(path: Path, **options: float | str) -> list[int]:
    """Numbers of the frames that are read, by their levels."""
    with frames_at(path, "a", VideoConversion(**options)) as reader:  # type: ignore[arg-type]
        return [round((float(frame.mean()) * 127.5 + 127.5 - 10) / 5) for frame in reader]


@row("footage, `--start` and `--end`", "seconds, 1:02.5, frames (f120), timecodes")
@pytest.mark.parametrize(
    ("start", "end"), [(0.5, 0.8), ("0:00.5", "0:00:00.8"), ("f5", "f8"), ("01:00:00:05", "01:00:00:08"), ("0.5", "F8")]
)
def test_one_part_by_every_name(start: float | str, end: float | str, tmp_path: Path) -> None:
    assert read(clip(tmp_path / "a.mkv", "01:00:00:00"), start=start, end=end) == [5, 6, 7]


def test_frames_are_met_where_times_were_rounded(tmp_path: Path) -> None:
    """Matroska rounds times to milliseconds, up and down."""
    times = [float(number / NTSC) for number in range(30)]
    path = write_clip(tmp_path / "a.mkv", levels(30), rate=30, times=times)
    for number in range(1, 29):
        assert read(path, start=f"f{number}", end=f"f{number + 1}") == [number]


def test_numbered_pictures_go_by_their_numbers(tmp_path: Path) -> None:
    write_frames(tmp_path / "in", levels(8), name="shot_100{}.png")
    assert read(tmp_path / "in", start="f1003", end="f1005") == [2, 3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": "01:00:00:05"}, r"plain\.mkv has no timecode, so there is no 01:00:00:05 in it"),
        ({"start": "f9", "end": "f9"}, "its part from f9 to f9 holds no frame"),
    ],
)
def test_moments_that_a_clip_does_not_have(options: dict[str, str], said: str, tmp_path: Path) -> None:
    clip(tmp_path / "a.mkv")
    with pytest.raises(MediaError, match=said):
        read(tmp_path / "plain.mkv", **options)


def test_moments_before_the_clips_first(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"begins at 10:00:00:00; 09:00:00:00 is before that"):
        read(clip(tmp_path / "a.mkv", "10:00:00:00"), start="09:00:00:00")


@pytest.mark.parametrize("moment", ["1:75", "f", "noon", "1:2:3:4", "-3"])
def test_what_is_no_moment(moment: str) -> None:
    with pytest.raises(ConfigError, match="expected seconds"):
        VideoConversion(start=moment)


def test_sound_takes_the_clock_but_no_frames() -> None:
    assert AudioConversion(start="1:02.5", end="2:00").span == (62.5, 120.0)
    with pytest.raises(ConfigError, match="start is 'f120'; expected seconds"):
        AudioConversion(start="f120")
    assert Audio.conversion_type is AudioConversion
    assert np.isclose(AudioConversion(start="0.1").span[0] or 0, 0.1)


@row("footage, `--start` and `--end`", "the timecode of the part")
@pytest.mark.parametrize(
    ("start", "said"), [("f5", "01:00:11:00"), (0.22, "01:00:11:01"), ("01:00:10:22", "01:00:10:22")]
)
@pytest.mark.parametrize("name", ["b.mov", "b.mkv"])
def test_a_part_says_the_timecode_of_its_own_first_frame(
    name: str, start: float | str, said: str, tmp_path: Path
) -> None:
    source, options = clip(tmp_path / "a.mkv", "01:00:10:20", 25), VideoConversion(start=start, codec="h264")
    with frames_at(source, "a", options) as reader:
        writer = VideoWriter(tmp_path / name, reader, options)
        for frame in reader:
            writer.write(frame)
        writer.finish()
        assert reader.timecode is not None
        assert reader.timecode.text(reader.first_frame) == said
    with av.open(str(tmp_path / name)) as written:
        stated = stated_timecode(written, Fraction(25))
    assert stated is not None
    assert stated.text(0) == said


def test_inspection_says_timecode_and_range_and_an_assumed_rate(tmp_path: Path) -> None:
    assert Video().describe(clip(tmp_path / "a.mkv", "01:00:10:05"))["timecode"] == "01:00:10:05"
    make(tmp_path / "hdr.mkv", 2, codec="ffv1", pixel_format="yuv420p10le", colour=(9, 16, 9, 1))
    assert Video().describe(tmp_path / "hdr.mkv")["high dynamic range"] == "PQ"
    write_frames(tmp_path / "in", levels(3), name="shot_100{}.png")
    assert "the frames have no rate; 25 frames/s is assumed" in Video().describe(tmp_path / "in")["remarks"]
