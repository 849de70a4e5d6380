"""Frames out of whole and damaged clips: all of them, once, each at its own time."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row

from unpaired import MediaError, MissingFile
from unpaired.domains.video.reading.decode import ClipAccess, Footage, decode

from .clips import contents, make, picture, psnr


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".ts", ".nut"])
def test_every_frame_comes_once_and_in_order(suffix: str, tmp_path: Path) -> None:
    path = make(tmp_path / f"a{suffix}", 12, time_base=Fraction(1, 25) if suffix == ".avi" else Fraction(1, 12800))
    frames = list(decode(path))
    assert len(frames) == 12
    for number, frame in enumerate(frames):
        assert frame.pixels.shape == (48, 64, 3)
        assert frame.pixels.dtype == np.uint8
        assert psnr(frame.pixels, picture(number)) > 32
        assert abs(frame.time - frames[0].time - Fraction(number, 25)) <= Fraction(1, 1000)


def test_times_of_a_variable_rate_are_the_packets_own(tmp_path: Path) -> None:
    times = [0, 100, 130, 400, 401, 1000]
    path = make(tmp_path / "a.mp4", times=times, time_base=Fraction(1, 1000))
    assert [frame.time for frame in decode(path)] == [Fraction(t, 1000) for t in times]
    with Footage(path) as footage:
        assert [footage.time_of(frame) for frame in footage] == [Fraction(t, 1000) for t in times]
        assert footage.decoded == 6


def test_a_cut_takes_the_frames_between(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 50, options={"g": "10", "bf": "2", "crf": "12"})
    frames = list(decode(path, 0.8, 1.2))
    assert [frame.time for frame in frames] == [Fraction(n, 25) for n in range(20, 30)]
    assert psnr(frames[0].pixels, picture(20)) > 32
    with pytest.raises(MediaError, match=r"no frame between start and end; it is 2\.00 s long"):
        list(decode(path, 7.0))


def test_a_cut_between_two_ticks_takes_every_frame_that_begins_in_it(tmp_path: Path) -> None:
    path = make(tmp_path / "a.avi", 25, time_base=Fraction(1, 25))
    assert len(list(decode(path, end=0.5))) == 13  # 0.48 s is before 0.5 s
    assert len(list(decode(path, 0.5))) == 12
    assert len(list(decode(path, 0.04))) == 24  # the float is a little above one tick


def test_a_cut_counts_from_the_first_frame(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", times=[5000 + 40 * n for n in range(20)], time_base=Fraction(1, 1000))
    assert [float(frame.time) for frame in decode(path, 0.2, 0.3)] == [0.2, 0.24, 0.28]


def test_a_stream_that_cannot_be_sought_in_is_cut_all_the_same(tmp_path: Path) -> None:
    class OneWay:
        def __init__(self, path: Path) -> None:
            self._file = path.open("rb")

        def read(self, size: int) -> bytes:
            return self._file.read(size)

    source: Any = OneWay(make(tmp_path / "a.mkv", 50))
    assert [float(frame.time) for frame in decode(source, 0.8, 1.0)] == [0.8, 0.84, 0.88, 0.92, 0.96]


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_file_cut_short_gives_what_it_holds(suffix: str, tmp_path: Path) -> None:
    path = make(tmp_path / f"a{suffix}", 40, options={"g": "5", "crf": "12"})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    frames = list(decode(path))
    assert 5 < len(frames) < 40
    assert psnr(frames[5].pixels, picture(5)) > 32


@pytest.mark.parametrize("seed", range(4))
def test_damage_in_the_middle_is_skipped_counted_and_nothing_shifts(seed: int, tmp_path: Path) -> None:
    """Whole packets overwritten: what comes out has the time and the look of its own frame."""
    path = make(
        tmp_path / "a.mkv", 60, codec="mpeg4", options={"g": "6", "qmin": "2", "qmax": "2"}, time_base=Fraction(1, 1000)
    )
    whole = bytearray(path.read_bytes())
    with av.open(str(path)) as clip:
        packets = [(bytes(packet), packet.pts) for packet in clip.demux() if packet.size]
    numbers = random.Random(seed).sample(range(12, 50), 3)
    for number in numbers:
        data, _ = packets[number]
        place = whole.find(data)
        assert place > 0
        whole[place : place + len(data)] = b"\xff" * len(data)
    path.write_bytes(bytes(whole))
    with Footage(path) as footage:
        times = [round(float(footage.time_of(frame)) * 25) for frame in footage]
        assert footage.damaged >= 1
        assert any("damaged packets were skipped" in warning for warning in footage.warnings)
    assert times == sorted(set(times))
    assert set(range(60)) - set(times) <= set(numbers)
    sound = {round(frame.time * 25): frame.pixels for frame in decode(path)}
    for number in (5, 11, 56, 59):
        assert psnr(sound[number], picture(number)) > 28


def test_random_damage_never_raises_anything_else(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", 30, sound="aac")
    whole = path.read_bytes()
    for seed in range(25):
        draw = random.Random(seed)
        spoilt = bytearray(whole)
        for _ in range(draw.choice([1, 10, 200])):
            spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
        path.write_bytes(bytes(spoilt[: draw.choice([len(spoilt), draw.randrange(1, len(spoilt))])]))
        said = ""
        try:
            assert all(frame.pixels.ndim == 3 for frame in decode(path))
        except MediaError as error:
            said = str(error)
        assert "\n" not in said


def test_a_header_that_lies_is_said(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 40, options={"g": "5", "crf": "12", "bf": "0"})
    whole = path.read_bytes()
    begin = whole.find(b"mdat") + 4
    with av.open(str(path)) as clip:
        last = [packet for packet in clip.demux() if packet.size][-10]
        spoilt = bytearray(whole)
        spoilt[last.pos : begin + (whole.find(b"moov") - begin)] = b"\0" * (whole.find(b"moov") - last.pos)  # type: ignore[operator]
    path.write_bytes(bytes(spoilt[: len(whole)]))
    with Footage(path) as footage:
        assert sum(1 for _ in footage) < 40
        assert any("claims 40 frames" in warning for warning in footage.warnings)


def test_a_picture_that_changes_its_size_is_scaled_to_the_first(tmp_path: Path) -> None:
    parts = [
        make(tmp_path / "a.ts", 8, (48, 64)),
        make(tmp_path / "b.ts", times=[512 * (8 + n) for n in range(8)], size=(96, 128)),
    ]
    (tmp_path / "c.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with Footage(tmp_path / "c.ts") as footage:
        count = sum(1 for _ in footage)
        assert any("from 64x48 to 128x96" in warning for warning in footage.warnings)
    frames = list(decode(tmp_path / "c.ts"))
    assert len(frames) == count >= 15
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}


def test_interlaced_footage_becomes_whole_frames_one_for_one(tmp_path: Path) -> None:
    path = tmp_path / "a.mpg"
    fields = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream(
            "mpeg2video", rate=25, options={"flags": "+ildct+ilme", "top": "1", "qmax": "3", "g": "5"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            woven = picture(2 * number)
            woven[1::2] = picture(2 * number + 1)[1::2]  # the second field is 1/50 s later
            fields.append(picture(2 * number))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(woven, "rgb24").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    raw = contents(path)
    assert raw.frames[0].interlaced_frame
    with Footage(path) as footage:
        frames = list(footage)
        assert [footage.time_of(frame) for frame in frames] == [each - raw.times[0] for each in raw.times]
        assert any("de-interlaced" in warning for warning in footage.warnings)
    assert len(frames) == 12
    combed = [
        psnr(frame.reformat(format="rgb24").to_ndarray(), field)
        for frame, field in zip(raw.frames, fields, strict=True)
    ]
    clean = [psnr(frame.pixels, field) for frame, field in zip(decode(path), fields, strict=True)]
    assert np.mean(clean[2:-2]) > np.mean(combed[2:-2]) + 1


def test_footage_is_turned_upright(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", 3, turned=90)
    for number, frame in enumerate(decode(path)):
        assert frame.pixels.shape == (64, 48, 3)
        assert psnr(frame.pixels, np.rot90(picture(number))) > 32


def test_frames_can_be_scaled_on_the_way(tmp_path: Path) -> None:
    frame = next(decode(make(tmp_path / "a.mp4", 2, (96, 128)), size=(48, 64)))
    assert frame.pixels.shape == (48, 64, 3)


def test_more_than_eight_bits_are_sixteen(tmp_path: Path) -> None:
    frame = next(decode(make(tmp_path / "a.mkv", 2, pixel_format="yuv420p10le")))
    assert frame.pixels.dtype == np.uint16
    assert psnr(frame.pixels / 257, picture(0)) > 32


class TestAccess:
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
    def test_any_frame_is_the_one_that_reading_through_gives(self, suffix: str, tmp_path: Path) -> None:
        path = make(tmp_path / f"a{suffix}", 40, options={"g": "12", "bf": "2", "crf": "12"})
        through = [frame.pixels for frame in decode(path)]
        clip = ClipAccess(path)
        assert len(clip) == 40
        assert clip.info.width == 64
        for index in (37, 0, 12, 11, 25, 39):
            assert np.array_equal(clip.frames(index)[0], through[index]), index
        for index, count, step in ((3, 4, 1), (10, 3, 5), (0, 8, 1)):
            found = clip.frames(index, count, step)
            assert all(np.array_equal(f, through[index + n * step]) for n, f in enumerate(found))
            assert len(found) == count
        clip.close()

    def test_a_variable_rate_is_no_matter(self, tmp_path: Path) -> None:
        times = [0, 40, 300, 310, 900, 940, 2000]
        clip = ClipAccess(make(tmp_path / "a.mp4", times=times, time_base=Fraction(1, 1000)))
        assert clip.times == tuple(Fraction(t, 1000) for t in times)
        assert psnr(clip.frames(4)[0], picture(4)) > 32

    def test_sizes_and_bounds(self, tmp_path: Path) -> None:
        clip = ClipAccess(make(tmp_path / "a.mp4", 5))
        assert clip.frames(0, 2, size=(24, 32))[1].shape == (24, 32, 3)
        for index, count in ((5, 1), (-1, 1), (3, 3)):
            with pytest.raises(MediaError, match="has 5 frames"):
                clip.frames(index, count)

    def test_damaged_frames_are_replaced_by_their_neighbours(self, tmp_path: Path) -> None:
        path = make(
            tmp_path / "a.mkv",
            30,
            codec="mpeg4",
            options={"g": "1", "qmin": "2", "qmax": "2"},
            time_base=Fraction(1, 1000),
        )
        whole = bytearray(path.read_bytes())
        with av.open(str(path)) as source:
            data = [bytes(packet) for packet in source.demux() if packet.size][15]
        place = whole.find(data)
        whole[place : place + len(data)] = b"\xff" * len(data)
        path.write_bytes(bytes(whole))
        assert ClipAccess(path).frames(14, 3)[2].shape == (48, 64, 3)

    def test_what_is_no_clip_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFile):
            ClipAccess(tmp_path / "none.mp4")
        (tmp_path / "a.mp4").write_bytes(b"nothing")
        with pytest.raises(MediaError):
            ClipAccess(tmp_path / "a.mp4")


@row("H.264 in AVI and WMV", "frame times")
@pytest.mark.parametrize("kind", [".avi", ".wmv"])
@pytest.mark.parametrize("reordered", ["0", "2"])
def test_frames_without_times_follow_one_another_from_the_first_on(kind: str, reordered: str, tmp_path: Path) -> None:
    """Such files say when a frame is decoded, not when it is shown: PyAV makes each as late as the next, or worse."""
    with av.open(str(tmp_path / f"a{kind}"), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": reordered, "x264-params": "scenecut=0:b-adapt=0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    frames = list(decode(tmp_path / f"a{kind}"))
    first = frames[0].time
    assert [frame.time - first for frame in frames] == [Fraction(number, 25) for number in range(20)]
    assert [round(frame.pixels.mean() / 10) for frame in frames] == list(range(20))
    cut = list(decode(tmp_path / f"a{kind}", 0.4, 0.6))
    assert [round(frame.pixels.mean() / 10) for frame in cut] == [10, 11, 12, 13, 14]


@row("MPEG-4 and MPEG-2 with B-frames in AVI", "frame times")
@pytest.mark.parametrize("codec", ["mpeg4", "mpeg2video"])
def test_frames_of_mpeg_in_avi_begin_with_the_first(codec: str, tmp_path: Path) -> None:
    """Their decoder gives a frame with the packet after it, and PyAV dates it by that; nor does AVI let one go before
    its first key frame, so that a cut shortly after it began too late."""
    path = make(tmp_path / "a.avi", 40, codec=codec, options={"bf": "2", "g": "12"}, time_base=Fraction(1, 25))
    frames = list(decode(path))
    assert [frame.time for frame in frames] == [Fraction(number, 25) for number in range(40)]
    for start, end in ((0.08, 0.4), (0.4, 0.8), (0.84, 1.2)):
        cut = list(decode(path, start, end))
        wanted = range(round(start * 25), round(end * 25))
        assert [frame.time for frame in cut] == [Fraction(number, 25) for number in wanted]
        assert min(psnr(frame.pixels, frames[number].pixels) for frame, number in zip(cut, wanted, strict=True)) > 50


def test_frames_after_those_that_an_edit_list_hides_keep_their_times(tmp_path: Path) -> None:
    """What is hidden is decoded too, and tells that the file says when its frames are shown."""
    path = make(tmp_path / "a.mp4", 30, options={"bf": "2", "g": "10", "x264-params": "scenecut=0:b-adapt=0"})
    whole, times = bytearray(path.read_bytes()), [frame.time for frame in decode(path)]
    place = whole.find(b"elst")
    begin = int.from_bytes(whole[place + 16 : place + 20], "big") + 5 * 512
    whole[place + 16 : place + 20] = begin.to_bytes(4, "big")
    path.write_bytes(bytes(whole))
    shown = [frame.time for frame in decode(path)]
    assert shown == times[: len(shown)]
    assert len(shown) >= 20


@row("footage with B-frames in MP4, MOV, MKV and FLV that states decoding times only", "frame times")
@pytest.mark.parametrize("kind", [".mp4", ".mov", ".mkv", ".flv"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_frames_shown_at_decoding_times_are_in_order(codec: str, kind: str, tmp_path: Path) -> None:
    """VLC's stream output writes MP4 without composition offsets; frames took turns at the same time."""
    path = tmp_path / f"a{kind if codec != 'mpeg4' or kind != '.flv' else '.m4v'}"
    x265 = "log-level=none:bframes=2:open-gop=0"
    options = {"bf": "2", "g": "12", "qmax": "2", "x264-params": "scenecut=0:b-adapt=0", "x265-params": x265}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets: list[Any] = []
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 6 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        assert any(packet.pts != packet.dts for packet in packets)
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = round(number * Fraction(1, 25) / packet.time_base)
            out.mux(packet)
    frames = list(decode(path))
    assert [round(25 * (frame.time - frames[0].time)) for frame in frames] == list(range(40))
    shown = [frame.pixels.mean() / 6 for frame in frames]
    assert shown == sorted(shown)
    assert all(abs(each - number) < 0.9 for number, each in enumerate(shown))
    if kind == ".flv":  # sought in by guess
        return
    access = ClipAccess(path)
    for first in (0, 5, 20):
        picked = [pixels.mean() / 6 for pixels in access.frames(first, 4)]
        assert picked == pytest.approx(shown[first : first + 4])


@row("AVI with empty packets", "frames")
def test_places_without_a_packet_are_no_lost_frames(tmp_path: Path) -> None:
    """FFmpeg's muxer fills a pause in AVI with empty packets, which the header counts: the frame before is shown on."""
    with av.open(tmp_path / "a.avi", "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for at in (*range(10), *range(15, 25)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 9 * at, np.uint8), "rgb24")
            frame.pts = at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with Footage(tmp_path / "a.avi") as clip:
        assert [clip.ticks_of(frame) for frame in clip] == [*range(10), *range(15, 25)]
        assert clip.info.frames == 25
        assert clip.warnings == ()
