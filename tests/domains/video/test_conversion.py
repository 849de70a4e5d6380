"""Clips through reader and writer: nothing but the picture may change."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from synthetic_footage import convert

from unpaired import MediaError, OutputError
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.writing.writer import VideoWriter

from .clips import SUBTITLES, contents, make, picture, psnr, yuv

REAL = ("road.mp4", "traffic.mp4", "animation.webm")


def rgb(frame: av.VideoFrame) -> Any:
    """As a player would show it."""
    return frame.reformat(format="rgb24").to_ndarray()


@row("WebM and Matroska of an even rate into MOV", "frame times")
def test_milliseconds_become_even_in_quicktime(tmp_path: Path) -> None:
    times = [round(1000 * n / 24) for n in range(12)]
    make(tmp_path / "a.mkv", 12, codec="ffv1", rate=24, time_base=Fraction(1, 1000), times=times)
    convert(tmp_path / "a.mkv", tmp_path / "b.mov", codec="prores")
    assert contents(tmp_path / "b.mov").times == [Fraction(n, 24) for n in range(12)]
    with av.open(tmp_path / "b.mov") as clip:
        assert clip.streams.video[0].average_rate == 24
    # What is shown at a time of its own keeps that.
    uneven = [0, 42, 83, 150, 167, 208]
    make(tmp_path / "c.mkv", 6, codec="ffv1", rate=24, time_base=Fraction(1, 1000), times=uneven)
    convert(tmp_path / "c.mkv", tmp_path / "d.mov", codec="prores")
    assert contents(tmp_path / "d.mov").times[3] == Fraction(150, 1000)


@pytest.mark.parametrize("name", REAL)
def test_a_real_clip_keeps_frames_times_sound_and_colours(name: str, assets: Path, tmp_path: Path) -> None:
    convert(assets / "video" / name, tmp_path / "b.mp4")
    before, after = contents(assets / "video" / name), contents(tmp_path / "b.mp4")
    assert after.times == before.times
    assert after.size == before.size
    (sound,), (kept,) = before.packets.values(), after.packets.values()
    assert [data for _, data in kept] == [data for _, data in sound]
    a_sample = Fraction(1, 44100)  # WebM counts milliseconds, MP4 samples
    assert all(abs((t or 0) - (u or 0)) <= a_sample for (t, _), (u, _) in zip(sound, kept, strict=True))
    pairs = list(zip(before.frames, after.frames, strict=True))[::6]
    assert all(a.format.name == "yuv420p" and psnr(yuv(a), yuv(b)) >= 40 for a, b in pairs)
    assert np.mean([psnr(rgb(a), rgb(b)) for a, b in pairs]) >= (38 if name == "animation.webm" else 40)
    assert all((a.colorspace, a.color_range) == (b.colorspace, b.color_range) for a, b in pairs)


@pytest.mark.parametrize("name", REAL)
def test_without_a_lossy_codec_colours_are_all_but_equal(name: str, assets: Path, tmp_path: Path) -> None:
    """What is lost above is lost in H.264; this is what the way to RGB and back costs."""
    convert(assets / "video" / name, tmp_path / "b.mkv", codec="ffv1", end=0.3)
    for a, b in zip(contents(assets / "video" / name).frames, contents(tmp_path / "b.mkv").frames, strict=False):
        assert psnr(yuv(a), yuv(b)) >= 55
        assert psnr(rgb(a), rgb(b)) >= 50


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("colour", [(1, 1, 1, 1), (5, 6, 5, 1), (6, 6, 6, 2), (9, 16, 9, 1), (2, 2, 2, 0)])
def test_what_is_said_of_colours_is_kept(colour: tuple[int, int, int, int], suffix: str, tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 2, (96, 128), colour=colour)
    convert(source, tmp_path / f"b{suffix}")
    before, after = contents(source).frames[0], contents(tmp_path / f"b{suffix}").frames[0]
    for name in ("colorspace", "color_trc", "color_primaries"):
        assert getattr(after, name) == getattr(before, name), name
    assert (after.color_range == 2) == (colour[3] == 2)
    assert psnr(yuv(before), yuv(after)) >= 40


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".mov"])
def test_times_of_a_variable_rate_are_kept_to_the_tick(suffix: str, tmp_path: Path) -> None:
    times = [7, 40, 41, 300, 310, 900, 2500, 2533]
    source = make(tmp_path / "a.mkv", times=times, time_base=Fraction(1, 1000), sound="libopus")
    convert(source, tmp_path / f"b{suffix}")
    after = contents(tmp_path / f"b{suffix}")
    assert after.times == [Fraction(t, 1000) for t in times]
    for number, frame in enumerate(after.frames):
        assert psnr(rgb(frame), picture(number)) > 30


def test_thirds_of_a_thirtieth_are_exact_in_mp4(tmp_path: Path) -> None:
    times = [1001 * n for n in range(12)]
    convert(make(tmp_path / "a.mp4", times=times, time_base=Fraction(1, 30000)), tmp_path / "b.mp4")
    assert contents(tmp_path / "b.mp4").times == [Fraction(t, 30000) for t in times]


def test_frames_without_a_later_time_are_moved_and_said(tmp_path: Path) -> None:
    """A finer clock than the container's: three frames within a millisecond of AVI's constant rate."""
    source = make(tmp_path / "a.mp4", times=[0, 4, 8, 512, 1024], time_base=Fraction(1, 12800))
    notes = convert(source, tmp_path / "b.avi")
    assert any("no later time" in note for note in notes)
    assert any("constant rate" in note for note in notes)
    assert len(contents(tmp_path / "b.avi").frames) == 5


class TestTracks:
    @pytest.mark.parametrize(
        ("start", "target"), [(".mp4", ".mkv"), (".mkv", ".mp4"), (".mkv", ".mov"), (".mp4", ".mp4")]
    )
    def test_sound_is_copied_byte_for_byte(self, start: str, target: str, tmp_path: Path) -> None:
        source = make(tmp_path / f"a{start}", 25, sound="aac")
        assert convert(source, tmp_path / f"b{target}") == ()
        (before,), (after,) = contents(source).packets.values(), contents(tmp_path / f"b{target}").packets.values()
        assert [data for _, data in before] == [data for _, data in after]
        slack = Fraction(1, 1000) if ".mkv" in (start, target) else 0
        assert all(abs((a or 0) - (b or 0)) <= slack for (a, _), (b, _) in zip(before, after, strict=True))

    @pytest.mark.parametrize(("codec", "suffix", "found"), [("aac", ".webm", "libopus"), ("libopus", ".mov", "aac")])
    def test_sound_is_encoded_anew_where_the_container_demands_it(
        self, codec: str, suffix: str, found: str, tmp_path: Path
    ) -> None:
        source = make(tmp_path / "a.mkv", 25, sound=codec)
        notes = convert(source, tmp_path / f"b{suffix}")
        assert any(f"encoded anew as {found}" in note for note in notes)

        def tone(path: Path) -> tuple[float, float, float]:
            with av.open(str(path)) as clip:
                frames = [f.to_ndarray().astype(float).mean(0) for f in clip.decode(audio=0)]
            heard = np.concatenate(frames)
            spectrum = np.abs(np.fft.rfft(heard[4800:28800]))
            return (
                len(heard) / 48000,
                float(np.argmax(spectrum)) * 2,
                float(np.argmax(np.abs(heard) > 0.1 * np.abs(heard).max()) / 48000),
            )

        (length, pitch, begin), (length_b, pitch_b, begin_b) = tone(source), tone(tmp_path / f"b{suffix}")
        assert abs(length - length_b) < 0.06
        assert pitch == pitch_b == 440
        assert abs(begin - begin_b) < 0.03

    def test_all_tracks_of_sound_go_along(self, shared: Path, tmp_path: Path) -> None:
        source = shared / "data/robustness/video/torchcodec/nasa_13013.mp4"
        notes = convert(source, tmp_path / "b.mp4", size="64x36", end=2.0)
        after = contents(tmp_path / "b.mp4")
        assert after.codecs == ["h264", "aac", "mov_text", "aac", "mov_text"]
        assert {index: len(packets) for index, packets in after.packets.items() if index in (1, 3)} == {1: 17, 3: 33}
        assert any("2 video tracks" in note for note in notes)

    @pytest.mark.parametrize(("suffix", "codec"), [(".mkv", "subrip"), (".mp4", "mov_text"), (".webm", "webvtt")])
    def test_subtitles_are_copied_or_rewritten(self, suffix: str, codec: str, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mkv", 25, subtitles="subrip")
        notes = convert(source, tmp_path / f"b{suffix}")
        assert any(f"rewritten as {codec}" in note for note in notes) == (suffix != ".mkv")
        lines = []
        with av.open(str(tmp_path / f"b{suffix}")) as clip:
            assert clip.streams.subtitles[0].codec_context.name in (codec, "srt")
            for packet in clip.demux(subtitles=0):
                if packet.size and packet.pts is not None:
                    found = [each.dialogue.decode() for each in packet.decode()]
                    lines += [(float(packet.pts * packet.time_base), text) for text in found if text]
        assert lines == [(0.05, SUBTITLES[0]), (0.17, SUBTITLES[1]), (0.29, SUBTITLES[2])]

    def test_subtitles_go_back_from_mp4_to_matroska(self, tmp_path: Path) -> None:
        convert(make(tmp_path / "a.mkv", 25, subtitles="subrip"), tmp_path / "b.mp4")
        convert(tmp_path / "b.mp4", tmp_path / "c.mkv")
        after = contents(tmp_path / "c.mkv")
        assert [data.decode() for _, data in after.packets[1]] == list(SUBTITLES)

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
    def test_chapters_and_labels_are_kept(self, suffix: str, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mkv", 25, chapters=True, metadata={"title": "Waves", "comment": "höchst"})
        convert(source, tmp_path / f"b{suffix}")
        after = contents(tmp_path / f"b{suffix}")
        assert after.chapters == contents(source).chapters == [(0.0, 0.5, "one"), (0.5, 1.0, "two")]
        found = {name.lower(): value for name, value in after.metadata.items()}
        assert (found["title"], found["comment"]) == ("Waves", "höchst")

    def test_a_cover_picture_goes_along(self, tmp_path: Path) -> None:
        clip = make(tmp_path / "a.mp4", 5, sound="aac")
        with av.open(str(clip)) as source, av.open(str(tmp_path / "c.mp4"), "w") as out:
            copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in source.streams}
            cover: Any = out.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
            for packet in source.demux():
                if packet.size:
                    packet.stream = copies[packet.stream.index]
                    out.mux(packet)
            out.mux(cover.encode(av.VideoFrame(640, 480, "yuvj420p")))
            out.mux(cover.encode(None))
        convert(tmp_path / "c.mp4", tmp_path / "b.mp4")
        with av.open(str(tmp_path / "b.mp4")) as after:
            kinds = [(s.type, bool(s.disposition & av.stream.Disposition.attached_pic)) for s in after.streams]
        assert sorted(kinds) == [("audio", False), ("video", False), ("video", True)]
        assert len(contents(tmp_path / "b.mp4").frames) == 5


class TestShape:
    @pytest.mark.parametrize("turned", [90, 180, -90])
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_a_turned_clip_is_written_upright(self, turned: int, mirrored: bool, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 2, turned=turned, mirrored=mirrored, sample_aspect=Fraction(4, 3))
        with VideoReader(source, VideoConversion()) as reader:
            first = ((next(iter(reader)).numpy() + 1) * 127.5).transpose(1, 2, 0)
        convert(source, tmp_path / "b.mp4")
        with VideoReader(tmp_path / "b.mp4", VideoConversion()) as reader:
            assert reader.info.orientation == (False, False, False)
            assert reader.info.sample_aspect == (Fraction(4, 3) if turned == 180 else Fraction(3, 4))
            assert psnr(((next(iter(reader)).numpy() + 1) * 127.5).transpose(1, 2, 0), first) > 32
        expected = np.rot90(picture(0), turned // 90)
        assert psnr(first, expected[:, ::-1] if mirrored else expected) > 30

    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_the_shape_of_pixels_is_kept(self, suffix: str, tmp_path: Path) -> None:
        convert(make(tmp_path / "a.mp4", 2, (48, 64), sample_aspect=Fraction(3, 2)), tmp_path / f"b{suffix}")
        with VideoReader(tmp_path / f"b{suffix}", VideoConversion()) as reader:
            assert reader.info.sample_aspect == Fraction(3, 2)

    def test_size_scales_and_keeps_the_shape_of_the_picture(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 2, (48, 64), sample_aspect=Fraction(3, 2))
        for size, expected in (("32x24", Fraction(3, 2)), ("96x48", Fraction(1))):
            convert(source, tmp_path / "b.mp4", size=size)
            with VideoReader(tmp_path / "b.mp4", VideoConversion()) as reader:
                assert f"{reader.info.width}x{reader.info.height}" == size
                assert reader.info.sample_aspect == expected

    @pytest.mark.parametrize("form", ["yuv420p", "yuv420p10le"])
    def test_side_by_side_has_the_input_at_the_left(self, form: str, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mkv", 3, pixel_format=form)
        options = VideoConversion(side_by_side=True)
        with VideoReader(source, options) as reader:
            writer = VideoWriter(tmp_path / "b.mp4", reader, options)
            for chunk in reader:
                writer.write(-chunk)
            writer.finish()
        for number, frame in enumerate(contents(tmp_path / "b.mp4").frames):
            left, right = np.split(rgb(frame), 2, axis=1)
            assert psnr(left[:, :-4], picture(number)[:, :-4]) > 28
            assert psnr(right[:, 4:], 255 - picture(number)[:, 4:]) > 28


class TestCut:
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_picture_sound_and_subtitles_are_cut_alike(self, suffix: str, tmp_path: Path) -> None:
        source = make(tmp_path / f"a{suffix}", 50, sound="aac", chapters=True, options={"g": "12", "crf": "12"})
        convert(source, tmp_path / f"b{suffix}", start=0.6, end=1.4)
        before, after = contents(source), contents(tmp_path / f"b{suffix}")
        assert after.times == [Fraction(n, 25) for n in range(20)]
        assert psnr(rgb(after.frames[0]), picture(15)) > 30
        (whole,), (cut,) = before.packets.values(), after.packets.values()
        expected = [(t - Fraction(3, 5), data) for t, data in whole if t is not None and 0.6 <= t < 1.4]
        assert [data for _, data in cut] == [data for _, data in expected]
        assert all(abs((t or 0) - u) <= Fraction(1, 1000) for (t, _), (u, _) in zip(cut, expected, strict=True))
        assert [chapter[2] for chapter in after.chapters] == ["one", "two"]
        assert after.chapters[0][:2] == (0.0, 0.4)
        assert after.chapters[1][:2] == (0.4, 0.8)

    def test_the_length_is_told_beforehand(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 50)
        for options, count in (({}, 50), ({"start": 0.4}, 40), ({"end": 0.4}, 10), ({"start": 0.4, "end": 0.8}, 10)):
            with VideoReader(source, VideoConversion(**options)) as reader:  # type: ignore[arg-type]
                assert reader.__length_hint__() == count == sum(1 for _ in reader)


class OneWay(io.RawIOBase):
    """A pipe's end: bytes in order, a few at a time, no seeking."""

    def __init__(self, data: bytes = b"") -> None:
        self._in, self.out = io.BytesIO(data), io.BytesIO()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        return self._in.readinto(memoryview(buffer)[:1000])

    def write(self, data: Any) -> int:
        return self.out.write(bytes(data[:777]))


def test_from_pipe_to_pipe(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 25, sound="aac", subtitles="subrip")
    pipe: Any = OneWay(source.read_bytes())
    convert(pipe, pipe)
    before, after = contents(source), contents(io.BytesIO(pipe.out.getvalue()))
    assert after.times == before.times
    assert after.packets == before.packets
    assert after.codecs[0] == "h264"


def test_an_mp4_with_its_index_at_the_end_is_refused_from_a_pipe_with_what_to_do(tmp_path: Path) -> None:
    pipe: Any = OneWay(make(tmp_path / "in.mp4").read_bytes())
    with pytest.raises(MediaError, match=r"index comes after the frames.*give the file's name"):
        convert(pipe, pipe)


def test_a_pipe_that_is_no_video_is_refused() -> None:
    pipe: Any = OneWay(b"nothing" * 100)
    with pytest.raises(MediaError, match="the input stream"):
        convert(pipe, pipe)


class TestOutput:
    def test_the_name_appears_when_the_file_is_whole(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 10)
        out = tmp_path / "out"
        options = VideoConversion()
        with VideoReader(source, options) as reader:
            writer = VideoWriter(out / "b.mp4", reader, options)
            for chunk in reader:
                writer.write(chunk)
                assert not (out / "b.mp4").exists()
            writer.finish()
        assert [path.name for path in out.glob("[!.]*")] == ["b.mp4"]

    def test_what_is_given_up_leaves_nothing(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 10)
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "b.mp4").write_bytes(b"the old one")
        options = VideoConversion()
        with VideoReader(source, options) as reader:
            writer = VideoWriter(tmp_path / "out" / "b.mp4", reader, options)
            writer.write(next(iter(reader)))
            writer.discard()
        assert [path.name for path in (tmp_path / "out").glob("[!.]*")] == ["b.mp4"]
        assert (tmp_path / "out" / "b.mp4").read_bytes() == b"the old one"

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 2)
        (tmp_path / "file").write_text("mine")
        with pytest.raises(OutputError):
            convert(source, tmp_path / "file" / "b.mp4")

    @pytest.mark.skipif(sys.platform != "linux", reason="limits on file size and /dev/full are Linux's")
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_a_full_disk(self, suffix: str, tmp_path: Path) -> None:
        """A limit on the size of files stands for it: the first block beyond fails as on a full disk."""
        source = make(tmp_path / "a.mp4", 60, (96, 128), options={"crf": "1"})
        (tmp_path / "out").mkdir()
        program = (
            "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
            "from pathlib import Path\n"
            "from unpaired import OutputError\n"
            "from unpaired.domains.video import VideoConversion\n"
            "from unpaired.domains.video.reading.clip import VideoReader\n"
            "from unpaired.domains.video.writing.writer import VideoWriter\n"
            "options = VideoConversion(crf=1)\n"
            "with VideoReader(Path(sys.argv[1]), options) as reader:\n"
            "    writer = VideoWriter(Path(sys.argv[2]), reader, options)\n"
            "    try:\n"
            "        for chunk in reader: writer.write(chunk)\n"
            "        writer.finish()\n"
            "    except OutputError as error:\n"
            "        writer.discard(); print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", program, str(source), str(tmp_path / "out" / f"b{suffix}")],
                              capture_output=True, text=True, timeout=600)  # fmt: skip
        assert "cannot write" in done.stdout, done.stderr
        assert len(done.stdout.splitlines()) == 1
        assert list((tmp_path / "out").iterdir()) == []

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
    def test_killed_in_the_middle(self, tmp_path: Path) -> None:
        source = make(tmp_path / "a.mp4", 30)
        (tmp_path / "out").mkdir()
        program = (
            "import sys, time; from pathlib import Path\n"
            "from unpaired.domains.video import VideoConversion\n"
            "from unpaired.domains.video.reading.clip import VideoReader\n"
            "from unpaired.domains.video.writing.writer import VideoWriter\n"
            "options = VideoConversion(); reader = VideoReader(Path(sys.argv[1]), options)\n"
            "writer = VideoWriter(Path(sys.argv[2]), reader, options)\n"
            "for chunk in reader: writer.write(chunk); print('frame', flush=True); time.sleep(0.1)\n"
            "writer.finish()\n"
        )
        running = subprocess.Popen([sys.executable, "-c", program, str(source), str(tmp_path / "out" / "b.mp4")],
                                   stdout=subprocess.PIPE)  # fmt: skip
        assert running.stdout is not None
        running.stdout.readline()
        running.kill()
        running.communicate(timeout=60)
        assert not (tmp_path / "out" / "b.mp4").exists()


def test_damage_is_said_after_the_conversion_and_sound_stays_in_step(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 50, codec="mpeg4", options={"g": "5", "qmin": "2", "qmax": "2"}, sound="aac",
                  time_base=Fraction(1, 1000))  # fmt: skip
    whole = bytearray(source.read_bytes())
    sound = [data for _, data in contents(source).packets[1]]
    with av.open(str(source)) as clip:
        victims = [bytes(packet) for packet in clip.demux(video=0) if packet.size][20:23]
    for data in victims:
        place = whole.find(data)
        whole[place : place + len(data)] = b"\xff" * len(data)
    source.write_bytes(bytes(whole))
    notes = convert(source, tmp_path / "b.mp4")
    assert any("damaged packets were skipped" in note for note in notes)
    after = contents(tmp_path / "b.mp4")
    assert after.packets.keys() == {1}
    assert after.times[-1] == Fraction(49, 25)
    assert [data for _, data in after.packets[1]] == sound
    assert psnr(rgb(after.frames[-1]), picture(49)) > 27


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    process, options = psutil.Process(os.getpid()), VideoConversion(preset="ultrafast")
    source = make(tmp_path / "a.mp4", 400, (48, 64), sound="aac")
    seen = []
    with VideoReader(source, options) as reader:
        writer = VideoWriter(tmp_path / "b.mp4", reader, options)
        for number, chunk in enumerate(reader):
            writer.write(chunk)
            assert len(reader.shown) == 0
            assert len(reader.footage.others) < 20
            if number in (150, 399):
                seen.append(process.memory_info().rss)
        writer.finish()
    assert seen[1] - seen[0] < 8 * 2**20


def test_hostile_files_convert_or_are_refused(shared: Path, tmp_path: Path) -> None:
    """In a process with 3 GB of address space for the whole of it, and a time limit."""
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from unpaired import UnpairedError\n"
        "from unpaired.core.training.resources import peak_memory\n"
        "from unpaired.domains.video import VideoConversion\n"
        "from unpaired.domains.video.reading.clip import VideoReader\n"
        "from unpaired.domains.video.writing.writer import VideoWriter\n"
        "options = VideoConversion(end=0.8, preset='ultrafast')\n"
        "for path in sorted(Path(sys.argv[1]).glob('*/*')):\n"
        "    writer = None\n"
        "    try:\n"
        "        with VideoReader(path, options) as reader:\n"
        "            writer = VideoWriter(Path(sys.argv[2]) / (path.stem + '.mp4'), reader, options)\n"
        "            for chunk in reader: writer.write(chunk)\n"
        "            writer.finish()\n"
        "        print('done', path.name)\n"
        "    except UnpairedError as error:\n"
        "        assert '\\n' not in str(error)\n"
        "        if writer: writer.discard()\n"
        "        print('refused', path.name)\n"
        "assert peak_memory() < 3 * 2**30\n"
    )
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program, str(shared / "data/robustness/video"), str(tmp_path)],
                          capture_output=True, text=True, timeout=240)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert time.monotonic() - begun < 240
    lines = done.stdout.splitlines()
    assert len(lines) == 28
    refused = {line.split()[1] for line in lines if line.startswith("refused")}
    assert refused == {"chunk_out_of_range.mp4", "invalid_userdata.mp4", "truncated-64bit.mp4"}
    assert len(list(tmp_path.iterdir())) == 25


@pytest.mark.slow
def test_every_clip_keeps_its_frames_times_and_sound(shared: Path, tmp_path: Path) -> None:
    folders = [shared / "data/video", shared / "data/robustness/video"]
    for path in sorted(path for folder in folders for path in folder.glob("*/*") if path.is_file()):
        try:
            convert(path, tmp_path / "b.mp4", preset="ultrafast", crf=30)
        except MediaError:
            continue
        with VideoReader(path, VideoConversion()) as a, VideoReader(tmp_path / "b.mp4", VideoConversion()) as b:
            times = [[each.footage.time_of(f) for f in each.footage] for each in (a, b)]
            sounds = [[bytes(p) for p in each.footage.others] for each in (a, b)]
        assert times[0] == times[1], path
        assert sounds[0] == sounds[1], path


def test_a_folder_of_many_clips_leaves_no_files_open(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 2)
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir())) if opened.exists() else 0
    for number in range(5):
        shutil.copy(source, tmp_path / f"{number}.mp4")
        convert(tmp_path / f"{number}.mp4", tmp_path / f"{number}.mkv")
    after = len(list(opened.iterdir())) if before else 0
    assert after <= before + 1
