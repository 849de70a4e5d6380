"""What goes with frames and clips beside the picture: kept where a codec or container can hold it, else said."""

from __future__ import annotations

import io
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from kept import row
from PIL import Image
from synthetic_footage import convert

from unpaired.domains.video.frames.side_data import CAPTIONS, Light, left_out, side_data
from unpaired.domains.video.reading.probe import probe

from .clips import contents, make, picture, psnr

HDR10 = (9, 16, 9, 1)
NUMBERS = "17/25 8/25 53/200 69/100 3/20 3/50 3127/10000 329/1000 1/200 1000"
DISPLAY = tuple(map(Fraction, NUMBERS.split()))


@pytest.fixture(scope="module")
def mastered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three frames of HDR10."""
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    parameters = f"log-level=none:repeat-headers=1:max-cll=1000,400:master-display={display}"
    options = {"preset": "ultrafast", "x265-params": parameters}
    path = tmp_path_factory.mktemp("hdr") / "a.mp4"
    return make(path, 3, (64, 64), codec="libx265", pixel_format="yuv420p10le", colour=HDR10, options=options)


@row("HDR10 clip into H.264, H.265 or AV1", "mastering display, light levels")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_what_hdr_was_mastered_on_is_kept(codec: str, suffix: str, mastered: Path, tmp_path: Path) -> None:
    assert probe(mastered).light == Light(DISPLAY, (1000, 400))
    assert convert(mastered, tmp_path / f"b{suffix}", codec=codec) == ()
    kept = probe(tmp_path / f"b{suffix}").light
    assert kept.levels == (1000, 400)
    # AV1 has fixed point: 1/65536 of chromaticity, 1/16384 of the least luminance
    assert np.allclose([float(each) for each in kept.display], [float(each) for each in DISPLAY], atol=1e-4)


@row("HDR10 clip into VP9, FFV1 or ProRes", "mastering display, light levels")
@pytest.mark.parametrize(("codec", "suffix"), [("vp9", ".webm"), ("ffv1", ".mkv"), ("prores", ".mov")])
def test_what_hdr_was_mastered_on_is_said_where_it_has_no_place(
    codec: str, suffix: str, mastered: Path, tmp_path: Path
) -> None:
    notes = convert(mastered, tmp_path / f"b{suffix}", codec=codec)
    assert any(f"(HDR10) is left out: {codec} here cannot hold it" in note for note in notes)


def captioned(path: Path, frames: int = 6) -> Path:
    """H.264 with two bytes of CEA-608 before each picture, as an SEI message (ATSC A/53, T.35)."""
    make(path.with_name("plain.mp4"), frames, options={"preset": "ultrafast", "bf": "0"})
    with av.open(path.with_name("plain.mp4")) as plain, av.open(path, "w") as out:
        source = plain.streams.video[0]
        target: Any = out.add_stream_from_template(source, opaque=True)
        for number, packet in enumerate(plain.demux(source)):
            if packet.size:
                body = b"\xb5\0\x31GA94\3\xc1\xff\xfc" + bytes([0x80 | number, 0x41]) + b"\xff"
                unit = b"\6\4" + bytes([len(body)]) + body + b"\x80"
                new: Any = av.Packet(len(unit).to_bytes(4, "big") + unit + bytes(packet))
                new.pts, new.dts, new.duration, new.time_base = (
                    packet.pts,
                    packet.dts,
                    packet.duration,
                    packet.time_base,
                )
                new.is_keyframe, new.stream = packet.is_keyframe, target
                out.mux(new)
    return path


def captions(path: Path) -> list[bytes | None]:
    return [side_data(frame).get(CAPTIONS) for frame in contents(path).frames]


@row("captions within the pictures (CEA-608/708)", "H.264, H.265")
@pytest.mark.parametrize(
    ("codec", "options"), [("h264", {}), ("h265", {}), ("h264", {"size": "80x64", "side_by_side": True})]
)
def test_captions_stay_with_their_pictures(codec: str, options: dict[str, Any], tmp_path: Path) -> None:
    source = captioned(tmp_path / "a.mp4")
    before = captions(source)
    assert len({each for each in before if each}) == 6
    assert convert(source, tmp_path / "b.mkv", codec=codec, **options) == ()
    assert captions(tmp_path / "b.mkv") == before


@row("captions within the pictures (CEA-608/708)", "other codecs")
def test_captions_that_have_no_place_are_said_once(tmp_path: Path) -> None:
    (note,) = convert(captioned(tmp_path / "a.mp4"), tmp_path / "b.webm")
    assert note == "the captions within the pictures (CEA-608/708) are left out: vp9 cannot hold them, h264 can"


def attached(path: Path) -> Path:
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.add_attachment("own.ttf", "font/ttf", bytes(range(256)))
        for number in range(2):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24")))
        out.mux(stream.encode(None))
    return path


@row("Matroska with attached files (fonts)", "the files")
def test_attached_files_go_along_in_matroska_and_are_named_elsewhere(tmp_path: Path) -> None:
    source = attached(tmp_path / "a.mkv")
    assert convert(source, tmp_path / "b.mkv") == ()
    with av.open(tmp_path / "b.mkv") as clip:
        (file,) = clip.streams.attachments
        assert (file.name, file.mimetype, file.data) == ("own.ttf", "font/ttf", bytes(range(256)))
    (note,) = convert(source, tmp_path / "b.mp4")
    assert note == "1 attached file is left out: mp4 has no place for it (own.ttf)"


@row("any clip with data tracks (telemetry)", "the tracks")
def test_tracks_of_data_are_said(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.ts", "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        data: Any = out.add_data_stream("klv")
        for number in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24")))
            packet: Any = av.Packet(b"\x06\x0e\x2b\x34 where it flew")
            packet.stream, packet.pts, packet.dts, packet.time_base = data, number, number, Fraction(1, 25)
            out.mux(packet)
        out.mux(stream.encode(None))
    notes = convert(tmp_path / "a.ts", tmp_path / "b.mp4")
    assert "1 track of data is left out (1: klv)" in notes


@row("QuickTime, MP4 with a timecode track", "the timecode")
@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_a_timecode_track_is_made_anew(suffix: str, tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mov", "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata["timecode"] = "01:02:03:04"
        for number in range(2):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "rgb24")))
        out.mux(stream.encode(None))
    assert convert(tmp_path / "a.mov", tmp_path / f"b{suffix}") == ()
    with av.open(tmp_path / f"b{suffix}") as clip:
        assert clip.streams.video[0].metadata["timecode"] == "01:02:03:04"
        assert len(clip.streams.data) == 1


@row("Dolby Vision, HDR10+, spherical and stereo pictures, film grain, AFD", "metadata in the frames")
def test_what_else_frames_carry_is_said_in_one_sentence() -> None:
    seen = ["DISPLAYMATRIX", "DOVI_METADATA", "DOVI_RPU_BUFFER", "DYNAMIC_HDR_PLUS", "SPHERICAL", "SEI_UNREGISTERED"]
    (note,) = left_out(seen, "h264", captions=True)
    assert note == (
        "what the pictures carry besides is left out: Dolby Vision, HDR10+ (brightness scene by scene), "
        "the projection of a spherical picture"
    )
    assert not list(left_out(["GOP_TIMECODE", "PANSCAN"], "h264", captions=True))


def test_frames_that_were_looked_at_are_let_go_of() -> None:
    """With `frame.side_data` of PyAV 18.1 they wait for Python's collector: 12 MB each in 4K."""
    frame = av.VideoFrame(64, 64, "yuv420p")
    held = sys.getrefcount(frame)
    assert side_data(frame) == {}
    assert sys.getrefcount(frame) == held


@row("Motion JPEG with EXIF in its frames", "pictures")
def test_frames_of_motion_jpeg_may_have_exif(tmp_path: Path) -> None:
    """PyAV 18.1 raises ValueError where FFmpeg gives a kind of side data that it does not know."""
    with av.open(tmp_path / "a.mkv", "w") as out:
        stream: Any = out.add_mux_stream("mjpeg", rate=25, width=64, height=48)
        stream.time_base = Fraction(1, 1000)
        for number in range(2):
            exif, jpeg = Image.Exif(), io.BytesIO()
            exif[0x010F] = "Maker"
            Image.fromarray(picture(number)).save(jpeg, "JPEG", exif=exif, quality=95, subsampling=0)
            packet: Any = av.Packet(jpeg.getvalue())
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 40 * number, 40 * number, True
            out.mux(packet)
    convert(tmp_path / "a.mkv", tmp_path / "b.mp4")
    pixels = [frame.to_ndarray(format="rgb24") for frame in contents(tmp_path / "b.mp4").frames]
    assert min(psnr(each, picture(number)) for number, each in enumerate(pixels)) > 30
