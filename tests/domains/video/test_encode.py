"""Codecs, containers, and what cannot be put together."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from kept import row
from synthetic_footage import convert

from unpaired import ConfigError, MediaError, Video
from unpaired.domains.containers.kinds import container_of
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.reading.probe import ClipInfo, probe
from unpaired.domains.video.writing.codecs import CODECS
from unpaired.domains.video.writing.encode import Encoder
from unpaired.domains.video.writing.plan import plan

from .clips import contents, make, picture, psnr, yuv


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 frames of 64x48."""
    return make(tmp_path_factory.mktemp("clip") / "a.mp4", 10)


@pytest.mark.parametrize(("suffix", "codec", "found"), [
    (".mp4", "auto", "h264"), (".mov", "auto", "h264"), (".mkv", "auto", "h264"), (".webm", "auto", "vp9"),
    (".avi", "auto", "h264"), (".ts", "auto", "h264"), (".flv", "auto", "h264"), (".m4v", "auto", "h264"),
    (".mp4", "h265", "hevc"), (".mp4", "vp9", "vp9"), (".mp4", "av1", "av1"), (".webm", "av1", "av1"),
    (".mkv", "ffv1", "ffv1"), (".mov", "prores", "prores"), (".mkv", "h265", "hevc"), (".nut", "auto", "h264"),
])  # fmt: skip
def test_codecs_and_containers(suffix: str, codec: str, found: str, clip: Path, tmp_path: Path) -> None:
    convert(clip, tmp_path / f"b{suffix}", codec=codec)
    written = contents(tmp_path / f"b{suffix}")
    assert written.codecs[0].removeprefix("lib").replace("dav1d", "av1") == found
    assert len(written.frames) == 10
    starts = [time - written.times[0] for time in written.times]
    assert all(abs(time - Fraction(n, 25)) <= Fraction(1, 1000) for n, time in enumerate(starts))
    for number, frame in enumerate(written.frames):
        assert psnr(frame.reformat(format="rgb24").to_ndarray(), picture(number)) > 30


def test_ffv1_loses_nothing_but_the_rounding(clip: Path, tmp_path: Path) -> None:
    convert(clip, tmp_path / "b.mkv", codec="ffv1")
    for before, after in zip(contents(clip).frames, contents(tmp_path / "b.mkv").frames, strict=True):
        assert psnr(yuv(before), yuv(after)) > 47


def test_quality_and_preset_reach_the_encoder(clip: Path, tmp_path: Path) -> None:
    sizes = []
    for crf, preset in ((10, None), (45, None), (45, "medium")):
        convert(clip, tmp_path / "b.mp4", crf=crf, preset=preset)
        sizes.append((tmp_path / "b.mp4").stat().st_size)
    assert sizes[0] > sizes[1] != sizes[2]


@pytest.mark.parametrize(("suffix", "options", "words"), [
    (".webm", {"codec": "h264"}, "codec is 'h264', which a webm file cannot hold; choose vp9 or av1"),
    (".mp4", {"codec": "prores"}, "'prores', which a mp4 file cannot hold"),
    (".webm", {"codec": "ffv1"}, "'ffv1', which a webm file cannot hold"),
    (".mp4", {"codec": "h266"}, "expected auto or one of h264"),
    (".mp4", {"crf": 99}, "h264 takes 0"),
    (".mkv", {"codec": "ffv1", "crf": 20}, "ffv1 has no such setting"),
    (".mp4", {"preset": "warp"}, "one of ultrafast"),
    (".webm", {"preset": "fast"}, "vp9 takes one of 0"),
    (".mkv", {"codec": "ffv1", "preset": "fast"}, "it has none"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused_before_any_work(
    suffix: str, options: dict[str, Any], words: str, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match=words) as raised:
        convert(clip, tmp_path / "out" / f"b{suffix}", **options)
    assert "\n" not in str(raised.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("name", "options"), [("b.webm", {"codec": "h264"}), ("b.mp4", {"codec": "prores"}),
                                               ("b.mkv", {"crf": 99}), ("-", {"codec": "h266"})])  # fmt: skip
def test_what_does_not_go_together_is_known_by_the_name_alone(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Video().check_target(Path(name), Path("no such clip.mp4"), VideoConversion(**options))


@pytest.mark.parametrize("name", ["b.png", "b", "b.mp3", "b.xyz", ".mp4"])
def test_kinds_of_file_that_are_not_written(name: str) -> None:
    with pytest.raises(MediaError, match=r"end the name with one of .*\.mp4"):
        container_of(name)


@pytest.mark.parametrize("size", [(47, 63), (48, 63), (47, 64), (1, 1), (2, 2)])
@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9"), (".mkv", "ffv1")])
def test_odd_and_tiny_sizes_stay_what_they_are(size: tuple[int, int], suffix: str, codec: str, tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 3, size, codec="ffv1")
    notes = convert(source, tmp_path / f"b{suffix}", codec=codec)
    written = contents(tmp_path / f"b{suffix}")
    assert written.size == size
    assert len(written.frames) == 3
    odd = codec == "h264" and (size[0] % 2 or size[1] % 2)
    assert any("odd" in note for note in notes) == bool(odd)


@pytest.mark.parametrize(("codec", "size"), [("h265", (47, 63)), ("av1", (47, 63)), ("av1", (65, 97))])
def test_odd_sizes_in_newer_codecs(codec: str, size: tuple[int, int], tmp_path: Path) -> None:
    convert(make(tmp_path / "a.mkv", 3, size, codec="ffv1"), tmp_path / "b.mkv", codec=codec)
    assert contents(tmp_path / "b.mkv").size == size


def test_a_size_that_an_encoder_refuses_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="libx265 cannot write 2x2"):
        convert(make(tmp_path / "a.mkv", 2, (2, 2)), tmp_path / "b.mkv", codec="h265")
    assert not (tmp_path / "b.mkv").exists()


@pytest.mark.parametrize(("codec", "suffix", "form"), [
    ("h264", ".mp4", "yuv420p10le"), ("h265", ".mp4", "yuv420p10le"), ("av1", ".mkv", "yuv420p10le"),
    ("ffv1", ".mkv", "yuv420p10le"), ("prores", ".mov", "yuv422p10le"), ("vp9", ".webm", "yuv420p"),
])  # fmt: skip
def test_ten_bits_stay_ten_where_the_codec_can(codec: str, suffix: str, form: str, tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", 3, (48, 64), pixel_format="yuv420p10le")
    notes = convert(source, tmp_path / f"b{suffix}", codec=codec)
    written = contents(tmp_path / f"b{suffix}")
    assert written.frames[0].format.name == form
    assert any("10 bits" in note for note in notes) == (form == "yuv420p")
    if form == "yuv420p10le":
        pairs = zip(contents(source).frames, written.frames, strict=True)
        assert min(psnr(yuv(a), yuv(b)) for a, b in pairs) > 38


@pytest.mark.parametrize("form", ["yuv422p", "yuv444p"])
def test_finer_chroma_is_kept(form: str, tmp_path: Path) -> None:
    convert(make(tmp_path / "a.mkv", 2, pixel_format=form), tmp_path / "b.mp4")
    assert contents(tmp_path / "b.mp4").frames[0].format.name == form


def test_full_range_becomes_limited_for_prores(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", 2, colour=(1, 1, 1, 2))
    assert any("full range" in note for note in convert(source, tmp_path / "b.mov", codec="prores"))
    frame = contents(tmp_path / "b.mov").frames[0]
    assert psnr(frame.reformat(format="rgb24", src_colorspace=1).to_ndarray(), picture(0)) > 30


def test_a_matrix_is_written_down_where_another_size_would_change_the_guess(tmp_path: Path) -> None:
    def label(info: ClipInfo, height: int) -> int:
        options = VideoConversion()
        return plan(info, height, height * 16 // 9, options, container_of("b.mp4")).colour.matrix

    small = probe(make(tmp_path / "a.mp4", 1))
    large = probe(make(tmp_path / "b.mp4", 1, (720, 1280)))
    assert small.colour.matrix == large.colour.matrix == 2
    assert [label(small, 288), label(small, 720), label(large, 720), label(large, 288)] == [2, 5, 2, 1]


def test_every_codec_that_can_be_asked_for_is_here() -> None:
    for name, codec in CODECS.items():
        assert codec.encoder in av.codec.codecs_available, name


@row("one or two frames, H.265", "decoding times")
@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_the_shortest_clips_are_decoded_when_they_are_shown(codec: str, frames: int, tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", frames, codec="ffv1", time_base=Fraction(1, 1000))
    for trial in range(3):
        convert(source, tmp_path / f"{trial}.mp4", codec=codec)
        assert contents(tmp_path / f"{trial}.mp4").times == [Fraction(n, 25) for n in range(frames)]
        with av.open(tmp_path / f"{trial}.mp4") as clip:
            packets = [packet for packet in clip.demux(video=0) if packet.size]
        assert all(packet.dts <= packet.pts < packet.dts + 0.2 / packet.time_base for packet in packets)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed elsewhere")
def test_no_thread_is_made_real_time(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SVT-AV1 does so where root runs it."""
    seen: set[int] = set()

    def watched(self: Encoder, *frame: Any) -> Any:
        for thread in Path("/proc/self/task").iterdir():
            seen.add(os.sched_getscheduler(int(thread.name)))
        return encode(self, *frame)

    encode = Encoder.encode
    monkeypatch.setattr(Encoder, "encode", watched)
    convert(clip, tmp_path / "out.mkv", codec="av1")
    assert seen == {os.sched_getscheduler(0)}
