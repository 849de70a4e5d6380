"""What is said of a clip, and what is refused before any work."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from unpaired import MediaError, MissingFile
from unpaired.domains.video.frames.colour import Colour
from unpaired.domains.video.reading import probe as probing
from unpaired.domains.video.reading.probe import probe

from .clips import make


def test_the_facts_of_a_clip(tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mp4", 10, (48, 64), sound="aac", sample_aspect=Fraction(4, 3),
                      colour=(1, 1, 1, 1), chapters=True, metadata={"title": "Waves"}))  # fmt: skip
    assert (info.height, info.width, info.sample_aspect) == (48, 64, Fraction(4, 3))
    assert (info.codec, info.form.name, info.depth, info.form.chroma) == ("h264", "yuv420p", 8, "420")
    assert (info.rate, info.frames, info.duration, info.start) == (25, 10, Fraction(2, 5), 0)
    assert (info.time_base, info.expected_frames) == (Fraction(1, 12800), 10)
    assert info.colour == Colour(1, 1, 1)
    assert (info.sound, info.subtitles, info.video_streams) == (("aac",), (), 1)
    assert info.metadata["title"] == "Waves"
    assert info.warnings == ()


@pytest.mark.parametrize(("form", "depth", "chroma"), [("yuv420p10le", 10, "420"), ("yuv422p", 8, "422"),
                                                       ("yuv444p", 8, "444"), ("yuv422p10le", 10, "422")])  # fmt: skip
def test_depth_and_chroma(form: str, depth: int, chroma: str, tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mkv", 2, pixel_format=form))
    assert (info.depth, info.form.chroma) == (depth, chroma)


@pytest.mark.parametrize(("turned", "turn"), [(0, 0), (90, 270), (180, 180), (-90, 90)])
def test_a_turned_clip_is_described_upright(turned: int, turn: int, tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mp4", 2, (48, 64), turned=turned, sample_aspect=Fraction(4, 3)))
    assert info.orientation.turn == turn
    upright = turned in (0, 180)
    assert (info.height, info.width) == ((48, 64) if upright else (64, 48))
    assert info.sample_aspect == (Fraction(4, 3) if upright else Fraction(3, 4))


def test_the_largest_of_several_video_tracks_is_used_and_said(tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mkv", 5, (48, 64), second=(96, 128)))
    assert (info.height, info.width, info.stream, info.video_streams) == (96, 128, 1, 2)
    assert any("2 video tracks" in warning and "128x96" in warning for warning in info.warnings)


def test_a_cover_picture_is_no_video_track(tmp_path: Path) -> None:
    clip = make(tmp_path / "a.mp4", 3, sound="aac")
    with av.open(str(clip)) as source, av.open(str(tmp_path / "cover.mp4"), "w") as out:
        sound = out.add_stream_from_template(source.streams.audio[0])
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = sound
                out.mux(packet)
        frame = av.VideoFrame(640, 480, "yuvj420p")
        out.mux(cover.encode(frame))
        out.mux(cover.encode(None))
    with pytest.raises(MediaError, match="no video track"):
        probe(tmp_path / "cover.mp4")


@pytest.mark.parametrize("kind", ["zero", "text", "header", "garbage"])
def test_what_is_no_video_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "-odd: name.mp4"
    whole = make(tmp_path / "a.mp4", 5).read_bytes()
    path.write_bytes({"zero": b"", "text": b"not a video\n" * 50, "header": whole[:40],
                      "garbage": bytes(range(256)) * 40}[kind])  # fmt: skip
    with pytest.raises(MediaError) as raised:
        probe(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_places_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"nothing\.mp4"):
        probe(tmp_path / "nothing.mp4")
    with pytest.raises(MediaError, match="folder"):
        probe(tmp_path)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.m4a"), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 48000, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(MediaError, match=r"no video track \(only audio\)"):
        probe(tmp_path / "a.m4a")


def test_names_that_look_like_options_or_addresses(tmp_path: Path) -> None:
    for name in ("-x.mp4", "a:b.mp4", "a%03d.mp4", "http:__x.mp4", "Ünï çödé 映画.mp4"):
        shutil.copy(make(tmp_path / "a.mp4", 2), tmp_path / name)
        assert probe(tmp_path / name).frames == 2


def test_a_playlist_must_not_fetch_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n")
    with pytest.raises(MediaError):
        probe(tmp_path / "a.mp4")


def test_labels_in_a_broken_encoding(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", 2, metadata={"title": "XXXXXXXX"})
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", b"caf\xe9\xff  !"))
    assert probe(path).metadata["title"] == "caf  !"


def test_frames_too_large_to_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "a.mp4", 2, (48, 64))
    monkeypatch.setattr(probing, "MOST_PIXELS", 48 * 64 - 1)
    with pytest.raises(MediaError):
        probe(path)
