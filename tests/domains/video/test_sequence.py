"""A folder of numbered pictures is a clip: read, held steady, and written as pictures or as a clip."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from kept import row
from PIL import Image as Pillow
from PIL import ImageCms
from synthetic_footage import moving, write_clip, write_frames
from written_through import write_through

from unpaired import Image, MediaError, OutputError, Translator, Video
from unpaired.core.conversion.input_files import InputFiles
from unpaired.core.conversion.jobs import names_file
from unpaired.domains.image.picture import to_pixels, to_tensor
from unpaired.domains.video import VideoConversion
from unpaired.domains.video.conversion import stabiliser
from unpaired.domains.video.evaluation.clips import score_clip
from unpaired.domains.video.inspection.file import header
from unpaired.domains.video.reading.naming import missing
from unpaired.domains.video.reading.probe import probe
from unpaired.domains.video.reading.sequence import SequenceReader, exact_rate
from unpaired.domains.video.writing.writer import VideoWriter

from .clips import contents
from .test_domain import model_of


@pytest.fixture(scope="module")
def footage() -> Translator:
    """A small untrained model of footage."""
    return Translator(model_of(Video(size=32)), "torch", "cpu")


@pytest.fixture(scope="module")
def pictures() -> Translator:
    """The same of pictures."""
    return Translator(model_of(Image(size=32)), "torch", "cpu")


def deep(path: Path, pixels: np.ndarray) -> None:
    """A picture of 16 bits a channel, whose low bits say something too."""
    values = pixels.astype(np.uint16) * 257 + 3
    if path.suffix == ".png":
        path.write_bytes(cv2.imencode(".png", np.ascontiguousarray(values[..., ::-1]))[1].tobytes())
    else:
        tifffile.imwrite(path, values, photometric="rgb")


def read(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return np.asarray(tifffile.imread(path))
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))[..., ::-1]


def texts(report: object) -> str:
    return "\n".join(note.text for note in report.notes)  # type: ignore[attr-defined]


@row("numbered pictures into a clip", "what their numbers stand for")
@pytest.mark.parametrize("profile", [False, True])
def test_pictures_without_a_profile_make_a_clip_of_bt709(profile: bool, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() if profile else None
    for number, frame in enumerate(moving(2)):
        Pillow.fromarray(frame).save(folder / f"f{number}.png", icc_profile=icc)
    options = VideoConversion(codec="prores")
    with SequenceReader(folder, options) as reader:
        write_through(reader, VideoWriter(tmp_path / "b.mov", reader, options))
    colour = probe(tmp_path / "b.mov").colour
    assert (colour.matrix, colour.transfer, colour.primaries) == ((5, 2, 2) if profile else (5, 1, 1))


def test_bits_that_pictures_are_read_with_are_not_said_to_be_their_own(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    deep(tmp_path / "in/f1.png", moving(1)[0])
    deep(tmp_path / "in/f2.png", moving(1)[0])
    options = VideoConversion(codec="prores")
    with SequenceReader(tmp_path / "in", options) as reader:
        notes = write_through(reader, VideoWriter(tmp_path / "b.mov", reader, options))
    assert "the input is read with 16 bits; prores here takes 10" in notes


@row("folder of numbered pictures into a folder", "names, numbers, kind, depth, steadiness")
def test_frames_are_held_steady_and_keep_names_numbers_and_kind(footage: Translator, tmp_path: Path) -> None:
    frames = moving(7)
    folder = write_frames(tmp_path / "in", frames, "shot_{:04d}.png")
    (folder / "shot_0003.png").unlink()
    del frames[2]
    report = footage.convert(folder, tmp_path / "out", dither=False)
    assert report.converted == (tmp_path / "out",)
    assert "of the frames 1 to 7, 1 is missing (3)" in texts(report)
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == [f"shot_{number:04d}.png" for number in (1, 2, 4, 5, 6, 7)]
    framewise = footage.domain.framewise(footage.for_direction(), "a")  # type: ignore[attr-defined]
    tensors = [to_tensor(frame) for frame in frames]
    steady = list(stabiliser.convert(iter(tensors), framewise, VideoConversion()))
    expected = [to_pixels(each, np.dtype(np.uint8)) for each in steady]
    assert all(np.array_equal(read(path), pixels) for path, pixels in zip(written, expected, strict=True))
    alone = [to_pixels(framewise(each[None])[0], np.dtype(np.uint8)) for each in tensors]
    assert not np.array_equal(expected[-1], alone[-1])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_stay_sixteen(suffix: str, footage: Translator, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, pixels in enumerate(moving(3)):
        deep(tmp_path / "in" / f"{number}{suffix}", pixels)
    footage.convert(tmp_path / "in", tmp_path / "out", strength=0.0)
    for number in range(3):
        before, after = (read(tmp_path / place / f"{number}{suffix}") for place in ("in", "out"))
        assert after.dtype == np.uint16
        assert np.array_equal(before, after)


def test_transparency_goes_along_also_beside_the_input(footage: Translator, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, pixels in enumerate(moving(2)):
        clear = np.dstack([pixels, np.full(pixels.shape[:2], 90 + number, np.uint8)])
        Pillow.fromarray(clear).save(tmp_path / "in" / f"{number}.png")
    footage.convert(tmp_path / "in", tmp_path / "out", strength=0.0, side_by_side=True)
    with Pillow.open(tmp_path / "out" / "1.png") as picture:
        pixels = np.asarray(picture)
    left, right = np.split(pixels, 2, axis=1)
    assert np.array_equal(left, right)
    assert np.array_equal(left[..., :3], moving(2)[1])
    assert (left[..., 3] == 91).all()
    assert "transparency" in texts(footage.convert(tmp_path / "in", tmp_path / "out.mkv"))


@row("folder of numbered pictures into a clip", "rate, missing numbers")
def test_a_clip_of_frames_has_the_rate_asked_for_and_leaves_gaps_where_they_are(
    footage: Translator, tmp_path: Path
) -> None:
    folder = write_frames(tmp_path / "in", moving(6), "f{}.png")
    (folder / "f3.png").unlink()
    report = footage.convert(folder, tmp_path / "out.mp4")
    assert report.converted == (tmp_path / "out.mp4",)
    assert "25 frames/s is assumed" in texts(report)
    assert contents(tmp_path / "out.mp4").times == [Fraction(n, 25) for n in (0, 1, 3, 4, 5)]
    report = footage.convert(folder, tmp_path / "ntsc.mov", rate=23.976, start=0.04)
    assert "frames/s" not in texts(report)
    assert contents(tmp_path / "ntsc.mov").times == [Fraction(1001 * n, 24000) for n in (0, 2, 3, 4)]


@pytest.mark.parametrize(
    ("given", "meant"),
    [(25, "25"), (23.976, "24000/1001"), (29.97, "30000/1001"), (59.94, "60000/1001"), (12.5, "25/2"), (0.5, "1/2")],
)
def test_rates_are_what_people_mean(given: float, meant: str) -> None:
    assert exact_rate(given) == Fraction(meant)


@row("folder of numbered pictures, picture model", "whether they are a clip")
def test_a_model_of_pictures_takes_a_sequence_for_pictures_unless_the_output_is_a_clip(
    pictures: Translator, tmp_path: Path
) -> None:
    folder = write_frames(tmp_path / "in", moving(3))
    report = pictures.convert(folder, tmp_path / "out")
    assert len(report.converted) == 3
    assert "3 files are numbered like the parts of one recording, but were translated one by one (image)" in texts(
        report
    )
    assert pictures.convert(folder, tmp_path / "out.mov").converted == (tmp_path / "out.mov",)
    assert len(contents(tmp_path / "out.mov").frames) == 3
    assert texts(pictures.convert(folder / "frame1.png", tmp_path / "one.png")) == ""


def test_sequences_and_clips_of_a_tree_keep_their_places(footage: Translator, tmp_path: Path) -> None:
    write_frames(tmp_path / "in" / "a", moving(2))
    write_frames(tmp_path / "in" / "b" / "deep", moving(3), "{}.jpg")
    write_clip(tmp_path / "in" / "b" / "clip.mkv", moving(2))
    report = footage.convert(tmp_path / "in", tmp_path / "out")
    assert report.converted == tuple(tmp_path / "out" / name for name in ("a", "b/clip.mkv", "b/deep"))
    assert sorted(path.name for path in (tmp_path / "out/b/deep").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    again = footage.convert(tmp_path / "in", tmp_path / "out", skip_existing=True)
    assert (again.converted, len(again.skipped)) == ((), 3)


@row("folder of several files, output named as one file (`out.mov`)", "the output")
@pytest.mark.parametrize("name", ["out.mov", "out.png", "out.wav"])
def test_several_files_are_not_put_into_one(name: str, footage: Translator, tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "a.mkv", moving(2))
    write_clip(tmp_path / "in" / "b.mkv", moving(2))
    with pytest.raises(OutputError, match=r"holds 2 files to convert, but .* ends as one file does"):
        footage.convert(tmp_path / "in", tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *(
            (name, r"of this kind cannot be written; .* by a pattern \(out_%04d\.png\)")
            for name in ("o.png", "o.wav", "o.gif")
        ),
        ("out.MXF", r"out\.MXF: MXF is not written; end the name with \.mov, and add --codec"),
    ],
)
def test_frames_are_not_put_into_what_is_no_clip(name: str, said: str, footage: Translator, tmp_path: Path) -> None:
    write_frames(tmp_path / "in", moving(2))
    with pytest.raises(MediaError, match=said):
        footage.convert(tmp_path / "in", tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_of_one_clip_goes_into_the_file_that_is_named(footage: Translator, tmp_path: Path) -> None:
    write_clip(tmp_path / "in" / "a.mkv", moving(2))
    assert footage.convert(tmp_path / "in", tmp_path / "out.mp4").converted == (tmp_path / "out.mp4",)
    assert len(contents(tmp_path / "out.mp4").frames) == 2


def test_frames_that_cannot_be_read_are_left_out_and_said(footage: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(4))
    (folder / "frame2.png").write_bytes(b"no picture")
    (folder / "frame3.png").write_bytes((folder / "frame3.png").read_bytes()[:200])
    report = footage.convert(folder, tmp_path / "out.mkv")
    assert "2 frames cannot be read and are left out" in texts(report)
    assert contents(tmp_path / "out.mkv").times == [Fraction(0), Fraction(3, 25)]


def test_nothing_is_left_of_a_sequence_that_fails(tmp_path: Path, footage: Translator) -> None:
    folder = write_frames(tmp_path / "in", moving(2))
    with pytest.raises(MediaError, match=r"no frame between start and end; it is 0\.08 s long"):
        footage.convert(folder, tmp_path / "out", start=5.0)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_photographs_of_several_sizes_are_no_clip(footage: Translator, tmp_path: Path) -> None:
    write_frames(tmp_path, moving(3), "IMG_{:04d}.png")
    Pillow.new("RGB", (48, 64)).save(tmp_path / "IMG_0004.png")
    assert len(InputFiles(tmp_path).parts(footage.domain)) == 4
    assert "several sizes, 64x48 (IMG_0001.png) and 48x64 (IMG_0004.png); a pattern" in footage.domain.remark(tmp_path)
    assert not footage.domain.recording(tmp_path / "absent")


def test_an_output_folder_that_is_there_keeps_what_else_it_holds(footage: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(2))
    (tmp_path / "out.mov").mkdir()
    (tmp_path / "out.mov" / "notes.txt").write_text("mine")
    footage.convert(folder, tmp_path / "out.mov")
    assert sorted(path.name for path in (tmp_path / "out.mov").iterdir()) == ["frame1.png", "frame2.png", "notes.txt"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1, 2, 3], ""),
        ([10, 20, 40], "of the frames 10 to 40, 1 is missing (30)"),
        ([1, 2, 6, 7, 9], "of the frames 1 to 9, 4 are missing (3 to 5, 8)"),
    ],
)
def test_missing_numbers(numbers: Sequence[int], said: str) -> None:
    assert missing(numbers) == said


def test_names_of_files_and_of_folders() -> None:
    files = ["night.mov", "night.PNG", "a.wav", "shot.v2.mkv"]
    folders = ["night", "night.v2", "2024.06.01", ".mov"]
    assert [name for name in files + folders if names_file(Path(name))] == files


def test_the_reader_says_how_many_frames_there_will_be(tmp_path: Path) -> None:
    folder = write_frames(tmp_path, moving(10))
    with SequenceReader(folder, VideoConversion(start=0.1, end=0.3)) as reader:
        assert reader.__length_hint__() == 5
        assert len(list(reader)) == 5


def test_a_sequence_is_looked_at_as_a_clip(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(6))
    (folder / "frame4.png").unlink()
    found = header(folder)
    assert (found.kind, found.frames, found.rate) == ("frames", 5, 25.0)
    assert found.remarks == ("of the frames 1 to 6, 1 is missing (4)",)


def test_the_steadiness_of_a_sequence_is_scored(footage: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(4))
    scores = score_clip(footage.domain, footage.for_direction(), folder, VideoConversion())  # type: ignore[arg-type]
    assert scores.figures["frames"] == 4


@row("several series of numbered pictures in one folder", "steadiness")
def test_series_side_by_side_are_pictures_and_that_is_said(footage: Translator, tmp_path: Path) -> None:
    write_frames(tmp_path / "in", moving(2), "left{}.png")
    write_frames(tmp_path / "in", moving(2), "right{}.png")
    report = footage.convert(tmp_path / "in", tmp_path / "out")
    assert len(report.converted) == 4
    assert "translated one by one and not held steady as a clip; they are 2 series" in texts(report)


def test_a_picture_beside_the_frames_is_translated_by_itself(footage: Translator, tmp_path: Path) -> None:
    write_frames(tmp_path / "in", moving(3))
    Pillow.new("RGB", (30, 20)).save(tmp_path / "in" / "poster.png")
    report = footage.convert(tmp_path / "in", tmp_path / "out")
    assert report.converted == (tmp_path / "out", tmp_path / "out" / "poster.png")
    assert sorted(path.name for path in (tmp_path / "out").glob("*.png")) == [
        "frame1.png", "frame2.png", "frame3.png", "poster.png"
    ]  # fmt: skip
    report = footage.convert(tmp_path / "in", tmp_path / "out.mov")
    assert report.converted == (tmp_path / "out.mov",)
    assert "files beside the recording are left out: 1 file (poster.png)" in texts(report)


@row("numbered pictures", "frames of another size")
def test_frames_of_two_sizes_are_refused_before_work_unless_a_size_is_given(tmp_path: Path) -> None:
    frames = moving(4)
    write_frames(tmp_path, frames, "f_{:02d}.png")
    Pillow.fromarray(frames[2][:40]).save(tmp_path / "f_03.png")
    height, width = frames[0].shape[:2]
    said = rf"f_03\.png has {width}x40 pixels, but the first frame has {width}x{height}; .* --size {width}x{height}"
    with pytest.raises(MediaError, match=said):
        SequenceReader(tmp_path / "f_%02d.png", VideoConversion())
    reader = SequenceReader(tmp_path / "f_%02d.png", VideoConversion(size=f"{width}x{height}"))
    assert [tuple(frame.shape) for frame in reader] == [(3, height, width)] * 4
    assert any("not all frames have the size of the first" in note for note in reader.warnings)
    assert len(list(SequenceReader(tmp_path / "f_%02d.png", VideoConversion(end="f3")))) == 2
