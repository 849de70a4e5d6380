"""Transparency of footage: read, carried beside the translation, and written where codec and container can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from kept import row
from PIL import Image
from synthetic_footage import convert
from written_through import write_through

from unpaired.domains.video import VideoConversion
from unpaired.domains.video.frames.alpha import alpha_of, decoder_of
from unpaired.domains.video.frames.colour import Orientation
from unpaired.domains.video.inspection.file import examine
from unpaired.domains.video.reading.clip import VideoReader
from unpaired.domains.video.reading.probe import probe
from unpaired.domains.video.reading.sequence import SequenceReader
from unpaired.domains.video.writing.scheduling import scheduling_kept
from unpaired.domains.video.writing.sequence import SequenceWriter
from unpaired.domains.video.writing.writer import VideoWriter

from .clips import picture

HEIGHT, WIDTH = 48, 64


def shades(number: int = 0) -> np.ndarray[Any, Any]:
    """Transparency (H, W) of frame `number`, in 16 bits: clear above, opaque below, and turned with each frame."""
    return np.roll(np.repeat(np.linspace(0, 65535, HEIGHT).round().astype(np.uint16)[:, None], WIDTH, 1), 5 * number, 0)


def clear_clip(path: Path, codec: str, form: str, frames: int = 3, opaque: bool = False) -> Path:
    """A clip of `picture`s with those `shades`."""
    with av.open(path, "w") as out:
        stream: Any = out.add_stream(codec, rate=25, options={"crf": "10", "b": "0"} if "vp9" in codec else {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, form
        for number in range(frames):
            pixels = np.empty((HEIGHT, WIDTH, 4), np.uint16)
            pixels[..., :3] = picture(number).astype(np.uint16) * 257
            pixels[..., 3] = 65535 if opaque else shades(number)
            frame = av.VideoFrame.from_ndarray(pixels, "rgba64le").reformat(format=form)
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def shades_in(path: Path) -> list[np.ndarray[Any, Any]]:
    """Transparency of every frame of a clip, 0 to 1."""
    with av.open(path) as clip:
        stream = clip.streams.video[0]
        decoder, found = decoder_of(stream), []
        for packet in clip.demux(stream):
            for frame in decoder.decode(packet if packet.size else None):
                alpha = alpha_of(frame, frame.height, frame.width, Orientation())
                assert alpha is not None, f"{path} has none"
                found.append(alpha / np.iinfo(alpha.dtype).max)
    return found


SOURCES = {"webm": ("libvpx-vp9", "yuva420p"), "mov": ("prores_ks", "yuva444p10le"), "mkv": ("ffv1", "gbrap16le")}
TARGETS = [("b.webm", {}, "vp9"), ("b.mkv", {"codec": "vp9"}, "vp9"), ("b.mov", {"codec": "prores"}, "prores"),
           ("b.mkv", {"codec": "ffv1"}, "ffv1"), ("b.mov", {"codec": "png"}, "png"),
           ("b.mov", {"codec": "qtrle"}, "qtrle"), ("b.mov", {"codec": "cineform"}, "cfhd")]  # fmt: skip


@row("VP9 with transparency, ProRes 4444, FFV1, PNG, QTRLE and CineForm into one another", "transparency")
@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(("name", "options", "codec"), TARGETS)
def test_transparency_comes_back(kind: str, name: str, options: dict[str, Any], codec: str, tmp_path: Path) -> None:
    source = clear_clip(tmp_path / f"a.{kind}", *SOURCES[kind])
    assert not any("transparency is" in note for note in convert(source, tmp_path / name, **options))
    written = probe(tmp_path / name)
    assert written.codec.removeprefix("lib").removesuffix("-vp9") in (codec, "vpx")
    assert written.alpha
    before, after = shades_in(source), shades_in(tmp_path / name)
    assert len(after) == 3
    for number, (a, b) in enumerate(zip(before, after, strict=True)):
        assert np.abs(a - shades(number) / 65535).max() < 0.05
        assert np.abs(a - b).mean() < (0.02 if "vp9" in codec else 0.003)


def test_why_the_chroma_is_another_is_said(tmp_path: Path) -> None:
    for kind, name, options in (("webm", "b.mov", {"codec": "prores"}), ("mov", "b.webm", {})):
        notes = convert(clear_clip(tmp_path / f"a.{kind}", *SOURCES[kind]), tmp_path / name, **options)
        assert any("holds transparency so alone" in note for note in notes), notes


@row("clip with transparency into another codec or container", "transparency")
@pytest.mark.parametrize(("name", "options", "words"), [
    ("b.mp4", {}, "the transparency is left out: h264 is written without; ffv1 can hold it"),
    ("b.mp4", {"codec": "vp9"}, "vp9 is written without; ffv1 can hold it"),
    ("b.mov", {}, "h264 is written without; --profile 4444 of prores or cineform or png or qtrle can hold it"),
    ("b.mov", {"codec": "prores", "profile": "hq"}, "prores is written without; --profile 4444 of prores"),
    ("b.flv", {}, "vp9 in .webm, prores or png in .mov, or ffv1 in .mkv can hold it"),
])  # fmt: skip
def test_what_cannot_hold_it_is_said_once(name: str, options: dict[str, Any], words: str, tmp_path: Path) -> None:
    notes = convert(clear_clip(tmp_path / "a.webm", *SOURCES["webm"]), tmp_path / name, **options)
    assert sum("transparency" in note for note in notes) == 1
    assert any(words in note for note in notes)


@row("clip with transparency, without `--codec`", "transparency")
@pytest.mark.parametrize(("kind", "name", "options", "codec"), [
    ("mov", "b.mov", {}, "prores"),
    ("webm", "b.mkv", {}, "vp9"),
    ("mkv", "b.mkv", {}, "ffv1"),
    ("mov", "b.mov", {"crf": 20}, None),
    ("webm", "b.mov", {}, None),
])  # fmt: skip
def test_the_codec_of_the_input_keeps_it(
    kind: str, name: str, options: dict[str, Any], codec: str | None, tmp_path: Path
) -> None:
    """Where the file can hold that codec, and nothing that is asked for is another's."""
    notes = convert(clear_clip(tmp_path / f"a.{kind}", *SOURCES[kind]), tmp_path / name, **options)
    written = probe(tmp_path / name)
    said = "the transparency is left out" if codec is None else f"written in {codec}, as the input is"
    assert [note.startswith(said) for note in notes if "transparency" in note] == [True]
    assert written.alpha == (codec is not None)


@row("ProRes 4444", "bits")
def test_prores_4444_is_read_with_12_bits_and_written_with_10(tmp_path: Path) -> None:
    """What went in is not in the file: FFmpeg's decoder gives 12 bits, and its encoder takes 10."""
    notes = convert(clear_clip(tmp_path / "a.mov", *SOURCES["mov"]), tmp_path / "b.mov")
    assert "the input is read with 12 bits; prores here takes 10" in notes
    assert "12 bits as it is read, whatever it was written from" in examine(tmp_path / "b.mov").remarks


def test_nothing_is_said_where_nothing_is_transparent(tmp_path: Path) -> None:
    source = clear_clip(tmp_path / "a.mov", *SOURCES["mov"], opaque=True)
    assert not any("transparency" in note for note in convert(source, tmp_path / "b.mp4"))


@pytest.mark.parametrize("form", ["yuva444p12le", "gbrap10le", "bgra", "rgba64be", "ya8"])
def test_every_form_of_it_is_read(form: str) -> None:
    pixels = np.full((HEIGHT, WIDTH, 4), 65535, np.uint16)
    pixels[..., 3] = shades()
    frame = av.VideoFrame.from_ndarray(pixels, "rgba64le").reformat(format=form)
    alpha = alpha_of(frame, HEIGHT, WIDTH, Orientation())
    assert alpha is not None
    bits = frame.format.components[-1].bits
    assert alpha.dtype == (np.uint8 if bits == 8 else np.uint16)
    error = np.abs(alpha / np.iinfo(alpha.dtype).max - shades() / 65535)
    assert error.max() <= 2.1 / ((1 << bits) - 1)  # the way into that form dithers


def test_it_is_scaled_cut_and_shown_beside_itself(tmp_path: Path) -> None:
    source = clear_clip(tmp_path / "a.webm", *SOURCES["webm"])
    convert(source, tmp_path / "b.mkv", codec="ffv1", size="32x24", start=0.04, side_by_side=True)
    found = shades_in(tmp_path / "b.mkv")
    assert len(found) == 2
    left, right = np.split(found[0], 2, axis=1)
    assert left.shape == (24, 32)
    assert np.array_equal(left, right)
    assert np.median(np.abs(left[:, 0] - shades(1)[::2, 0] / 65535)) < 0.03


def test_frames_of_another_size_such_as_a_comparison_have_none(tmp_path: Path) -> None:
    options = VideoConversion()
    with VideoReader(clear_clip(tmp_path / "a.webm", *SOURCES["webm"]), options) as reader:
        writer = VideoWriter(tmp_path / "b.webm", reader, options, size=(2 * HEIGHT, WIDTH))
        for chunk in reader:
            writer.write(torch.cat([chunk, chunk], dim=1))
        writer.finish()
    assert not probe(tmp_path / "b.webm").alpha
    said = [note for note in writer.warnings if "transparency" in note]
    assert said == ["the transparency is left out: footage laid out for review is opaque"]


@row("clip of 12 bits with transparency, such as ProRes 4444, into FFV1", "old readers")
@pytest.mark.parametrize("depth", [None, 10])
def test_ffv1_that_old_readers_cannot_read_is_said(depth: Any, tmp_path: Path) -> None:
    source = clear_clip(tmp_path / "a.mov", *SOURCES["mov"])
    notes = convert(source, tmp_path / "b.mkv", codec="ffv1", depth=depth)
    assert any("FFmpeg 5.1 cannot read" in note for note in notes) == (depth is None)


@row("numbered pictures with transparency into a clip, and a clip into numbered pictures", "transparency")
@pytest.mark.parametrize("deep", [False, True])
def test_pictures_become_a_clip_and_pictures_again(deep: bool, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(3):
        alpha = shades(number) // 257
        Image.fromarray(np.dstack([picture(number), alpha.astype(np.uint8)])).save(folder / f"f{number}.png")
    options = VideoConversion(codec="ffv1", rate=25, depth=16 if deep else None)
    with SequenceReader(folder, options) as reader:
        notes = write_through(reader, VideoWriter(tmp_path / "b.mkv", reader, options))
    assert not any("transparency" in note for note in notes)
    with VideoReader(tmp_path / "b.mkv", options) as clip:
        write_through(clip, SequenceWriter(tmp_path / "out/g_%d.png", clip, options))
    for number in range(3):
        with Image.open(tmp_path / f"out/g_{number + 1}.png") as again:
            assert again.mode == "RGBA"
            assert np.abs(np.asarray(again)[..., 3].astype(int) - shades(number) // 257).max() <= 1


@row("AV1 whose container says that it has transparency", "transparency")
def test_what_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mkv", "w") as out:
        stream: Any = out.add_stream("libsvtav1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.metadata["alpha_mode"] = "1"
        with scheduling_kept():
            stream.codec_context.open()
        out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), "rgb24").reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    notes = convert(tmp_path / "a.mkv", tmp_path / "b.webm")
    assert sum("its transparency is left out: it cannot be decoded here" in note for note in notes) == 1
