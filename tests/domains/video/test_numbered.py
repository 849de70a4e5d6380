"""Patterns of numbered pictures in and out: numbers, gaps, sound beside them, and going on frame by frame."""

from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio  # noqa: N813
import pytest
import soundfile
from kept import row
from PIL import Image as Pillow
from synthetic_footage import moving, write_frames

import unpaired
from unpaired import ConfigError, Image, MediaError, MissingFile, OutputError, Translator, Video
from unpaired.core.adapter.patterns import Pattern
from unpaired.domains.video.inspection.file import header
from unpaired.domains.video.reading.sequence import SequenceReader
from unpaired.domains.video.settings import VideoConversion

from .clips import contents, make
from .test_domain import model_of


@pytest.fixture(scope="module")
def pictures() -> Translator:
    """A small untrained model of pictures."""
    return Translator(model_of(Image(size=32)), "torch", "cpu")


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Six numbered pictures, of which the third is missing."""
    folder = write_frames(tmp_path / "in", moving(6), "shot_{:04d}.png")
    (folder / "shot_0003.png").unlink()
    return folder


def texts(report: object) -> str:
    return "\n".join(note.text for note in report.notes)  # type: ignore[attr-defined]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def read(path: Path) -> np.ndarray:
    with Pillow.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize(
    ("name", "fits", "others"),
    [
        ("shot_%04d.png", ["shot_0001.png", "shot_12345.png"], ["shot_001.png", "shot_01234.png", "shot_0001.jpg"]),
        ("shot_####.png", ["shot_0001.png", "shot_12345.png"], ["shot_001.png", "shot_00001.png"]),
        ("%d.png", ["1.png", "10.png"], ["01.png"]),
        ("shot_*.png", ["shot_1.png", "shot_0020.png"], ["shot_a.png", "shot_.png"]),
        ("a.#.b.tif", ["a.7.b.tif", "a.12.b.tif"], ["a.07.b.tif"]),
    ],
)
def test_which_files_a_pattern_names(name: str, fits: list[str], others: list[str], tmp_path: Path) -> None:
    for each in (*fits, *others):
        (tmp_path / each).touch()
    pattern = Pattern.of(tmp_path / name)
    assert pattern is not None
    assert [path.name for path in pattern.files().values()] == fits


def test_what_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "100%d.png").touch()
    assert Pattern.of(tmp_path / "100%d.png") is None
    assert Pattern.of(tmp_path / "shot.png") is None
    assert Pattern.of(tmp_path / "*_####.png") is None


@row("pattern of numbered pictures (`shot_%04d.png`, `shot_####.png`, `shot_*.png`)", "numbers, gaps, steadiness")
def test_a_pattern_keeps_numbers_and_gaps(pictures: Translator, frames: Path, tmp_path: Path) -> None:
    (frames / "other_0001.png").write_bytes(b"not of this sequence")
    pattern, out = frames / "shot_%04d.png", tmp_path / "out"
    report = pictures.convert(pattern, out / "night.####.png")
    assert report.converted == (out / "night.####.png",)
    assert names(out) == [f"night.{number:04d}.png" for number in (1, 2, 4, 5, 6)]
    assert "1 is missing (3); their places are kept" in texts(report)
    folder = tmp_path / "same"
    pictures.convert(frames / "shot_*.png", folder)
    assert names(folder) == [f"shot_{number:04d}.png" for number in (1, 2, 4, 5, 6)]
    same = (np.array_equal(read(folder / f"shot_{n:04d}.png"), read(out / f"night.{n:04d}.png")) for n in (1, 6))
    assert all(same)


@row("numbered pictures with missing numbers", "`--missing skip`, `hold`, `error`")
def test_a_missing_frame_is_left_out_or_repeated_or_refused(pictures: Translator, frames: Path, tmp_path: Path) -> None:
    pattern = frames / "shot_%04d.png"
    report = pictures.convert(pattern, tmp_path / "held" / "n_%d.png", missing="hold", strength=0.0)
    assert names(tmp_path / "held") == [f"n_{number}.png" for number in range(1, 7)]
    assert np.array_equal(read(tmp_path / "held" / "n_3.png"), moving(6)[1])
    assert "each is the frame before it once more" in texts(report)
    pictures.for_medium("video").convert(frames, tmp_path / "folder", missing="hold", strength=0.0)
    assert names(tmp_path / "folder") == [f"shot_{number:04d}.png" for number in range(1, 7)]
    pictures.convert(pattern, tmp_path / "held.mkv", missing="hold")
    assert len(contents(tmp_path / "held.mkv").times) == 6
    pictures.convert(pattern, tmp_path / "kept.mkv")
    assert contents(tmp_path / "kept.mkv").times == [Fraction(n, 25) for n in (0, 1, 3, 4, 5)]
    with pytest.raises(MediaError, match=r"1 is missing \(3\); --missing hold repeats"):
        pictures.convert(pattern, tmp_path / "no", missing="error")
    assert not (tmp_path / "no").exists()


@row("numbered pictures that are damaged", "`--missing skip`, `hold`, `error`")
def test_a_damaged_frame_is_left_out_or_repeated_or_refused(pictures: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(4), "s_{:d}.png")
    whole = (folder / "s_2.png").read_bytes()
    (folder / "s_2.png").write_bytes(whole[: len(whole) // 2])
    pattern = folder / "s_%d.png"
    report = pictures.convert(pattern, tmp_path / "held" / "n_%d.png", missing="hold", strength=0.0)
    assert "1 frame cannot be read and is replaced by the one before (" in texts(report)
    first = int(names(folder)[0][2])
    assert names(tmp_path / "held") == [f"n_{first + number}.png" for number in range(4)]
    assert np.array_equal(read(tmp_path / "held" / "n_2.png"), moving(4)[1 - first])
    assert "left out (" in texts(pictures.convert(pattern, tmp_path / "skip" / "n_%d.png"))
    with pytest.raises(MediaError, match=r"s_2\.png cannot be decoded"):
        pictures.convert(pattern, tmp_path / "no" / "n_%d.png", missing="error")
    assert not list(tmp_path.glob("no/*"))


@row("clip into numbered pictures", "frames, depth, sound")
@row("numbered pictures with a .wav of their name beside them, into a clip", "sound")
def test_a_clip_to_numbered_pictures_and_back_with_its_sound(pictures: Translator, tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", 8, codec="ffv1", pixel_format="bgr0", sound="pcm_s16le")
    report = pictures.convert(clip, tmp_path / "seq" / "n_%03d.png", start=0.08, strength=0.0, first_number=1001)
    assert names(tmp_path / "seq") == ["n.wav", *(f"n_{number}.png" for number in range(1001, 1007))]
    assert "its sound is kept in n.wav, beside the frames" in texts(report)
    with av.open(str(clip)) as source:
        third = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)][2]
    assert np.array_equal(read(tmp_path / "seq" / "n_1001.png"), third)
    sound, rate = soundfile.read(tmp_path / "seq" / "n.wav", dtype="int16")
    with av.open(str(clip)) as source:
        whole = np.concatenate([frame.to_ndarray() for frame in source.decode(audio=0)], axis=1)[0]
    assert np.array_equal(sound.ravel(), whole[2 * rate // 25 * (1 if sound.ndim == 1 else sound.shape[1]) :])
    back = pictures.convert(tmp_path / "seq" / "n_%d.png", tmp_path / "back.mov", rate=25, strength=0.0)
    assert "its sound is n.wav, beside the frames" in texts(back)
    with av.open(str(tmp_path / "back.mov")) as container:
        again = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert np.array_equal(again[0], sound.ravel())


def test_ten_bits_of_a_clip_are_written_as_sixteen(pictures: Translator, tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mkv", 2, codec="ffv1", pixel_format="yuv420p10le")
    pictures.convert(clip, tmp_path / "seq" / "n_%d.png")
    assert read(tmp_path / "seq" / "n_1.png").shape == (48, 64, 3)
    assert (tmp_path / "seq" / "n_1.png").read_bytes()[24] == 16  # bits a sample


@row("numbered pictures, a folder that holds more of them", "those that a conversion does not write")
def test_pictures_that_stay_from_before_are_said(pictures: Translator, tmp_path: Path) -> None:
    folder, target = write_frames(tmp_path / "in", moving(5), "s_{}.png"), tmp_path / "out" / "n_%d.png"
    assert "from before" not in texts(pictures.convert(folder / "s_%d.png", target))
    report = pictures.convert(folder / "s_%d.png", target, end="f3", strength=0.5)
    assert "3 numbered pictures from before stay there (n_3.png to n_5.png)" in texts(report)
    report = pictures.convert(folder / "s_%d.png", target, start="f2", end="f4", strength=0.4)
    assert "3 numbered pictures from before stay there (n_1.png, n_4.png to n_5.png)" in texts(report)
    report = pictures.convert(folder / "s_%d.png", target.with_name("m_%d.png"), end="f2")
    assert "from before" not in texts(report)


@row("numbered pictures, with `--skip-existing`", "a conversion that was ended")
def test_a_conversion_goes_on_frame_by_frame(pictures: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(5), "s_{:02d}.png")
    pattern, target = folder / "s_%02d.png", tmp_path / "out" / "n_%02d.png"
    out = target.parent

    class Killed(Exception):
        pass

    def kill(stand: object) -> None:
        if stand.chunks == 5:  # type: ignore[attr-defined]
            while not names(out):
                time.sleep(0.01)
            raise Killed

    with pytest.raises(Killed):
        pictures.convert(pattern, target, skip_existing=True, progress=kill)
    begun = names(out)
    assert begun == [f"n_{number:02d}.png" for number in range(1, len(begun) + 1)]
    assert begun
    (out / "n_05.png").unlink(missing_ok=True)
    before = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    pictures.convert(pattern, target, skip_existing=True)
    assert names(out) == [f"n_{number:02d}.png" for number in range(1, 6)]
    assert all((out / name).stat().st_mtime_ns == stamp for name, stamp in before.items())
    pictures.convert(pattern, tmp_path / "whole" / "n_%02d.png")
    for name in names(out):  # warmed up by all frames before it, it is the same to the bit
        assert np.array_equal(read(out / name), read(tmp_path / "whole" / name))
    assert pictures.convert(pattern, target, skip_existing=True).skipped == (target,)
    os.utime(folder / "s_02.png")  # rendered anew
    times = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    pictures.convert(pattern, target, skip_existing=True)
    assert [name for name in names(out) if (out / name).stat().st_mtime_ns != times[name]] == ["n_02.png"]


def test_what_other_settings_began_is_begun_again(pictures: Translator, tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "in", moving(3), "s_{}.png")
    pictures.convert(folder / "s_#.png", tmp_path / "out" / "n_#.png", skip_existing=True, strength=0.0)
    (tmp_path / "out" / "n_3.png").unlink()
    pictures.convert(folder / "s_#.png", tmp_path / "out" / "n_#.png", skip_existing=True)
    assert not np.array_equal(read(tmp_path / "out" / "n_1.png"), moving(3)[0])


def test_a_clip_goes_on_too(pictures: Translator, tmp_path: Path) -> None:
    clip, target = make(tmp_path / "clip.mkv", 4, sound="pcm_s16le"), tmp_path / "out" / "n_%d.png"
    pictures.convert(clip, target, skip_existing=True)
    (tmp_path / "out" / "n_3.png").unlink()
    times = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in ("n_1.png", "n_4.png")}
    pictures.convert(clip, target, skip_existing=True)
    assert names(tmp_path / "out") == ["n.wav", "n_1.png", "n_2.png", "n_3.png", "n_4.png"]
    assert all((tmp_path / "out" / name).stat().st_mtime_ns == stamp for name, stamp in times.items())


def test_places_that_cannot_be(pictures: Translator, frames: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match=r"no file in .* is called shot_%02d\.png; it holds shot_0001\.png"):
        pictures.convert(frames / "shot_%02d.png", tmp_path / "out")
    with pytest.raises(MissingFile, match="there is no folder"):
        pictures.convert(tmp_path / "no" / "shot_%02d.png", tmp_path / "out")
    with pytest.raises(OutputError, match="is one of the inputs"):
        pictures.convert(frames / "shot_%04d.png", frames / "shot_####.png")
    (frames / "shot_2.png").write_bytes((frames / "shot_0002.png").read_bytes())
    with pytest.raises(
        MediaError, match=r"in two ways \(shot_0002\.png and shot_2\.png\); .*: shot_%d\.png or shot_%04d\.png"
    ):
        pictures.convert(frames / "shot_*.png", tmp_path / "out")
    with pytest.raises(MediaError, match=r"n_%d\.xyz"):
        pictures.convert(frames / "shot_%04d.png", tmp_path / "out" / "n_%d.xyz")
    assert not (tmp_path / "out").exists()


@row("pattern of numbered pictures (`shot_%04d.png`, `shot_####.png`, `shot_*.png`)", "`inspect`, `train`, `evaluate`")
def test_a_pattern_is_one_clip_to_scans(frames: Path) -> None:
    pattern = frames / "shot_%04d.png"
    (frames / "another.png").write_bytes((frames / "shot_0001.png").read_bytes())
    found = header(pattern)
    assert (found.kind, found.frames, found.width) == ("frames", 5, 64)
    footage = Video(size=32)
    assert footage.scan(pattern, thorough=True).files == (pattern,)
    assert footage.describe(pattern)["frames"] == 5
    assert footage.load(pattern, "a").shape == (3, 32, 32)
    assert len(Image(size=32).scan(pattern).files) == 5


def test_rates_and_lengths(frames: Path) -> None:
    reader = SequenceReader(frames / "shot_%04d.png", VideoConversion(rate=24))
    assert reader.info.duration == Fraction(6, 24)
    assert len(list(reader)) == 5


def test_patterns_are_trained_on(tmp_path: Path) -> None:
    for side in "ab":
        for clip in "xy":
            write_frames(tmp_path / side / clip, moving(4), "s_{:03d}.png")
    a = tmp_path / "a" / "x" / "s_%03d.png"
    for domain in (Video(size=32), Image(size=32)):
        run = tmp_path / domain.name
        unpaired.train(domain=domain, a=a, b=tmp_path / "b", out=run, preset="tiny", steps=1)
        assert (run / "model.safetensors").is_file()


def told(path: Path, *attributes: str) -> list[object]:
    spec = oiio.ImageInput.open(str(path)).spec()
    return [spec.getattribute(each) for each in attributes]


@row("OpenEXR and DPX of footage", "rate, timecode, stretched pixels")
@pytest.mark.parametrize("kind", ["exr", "dpx"])
def test_headers_tell_where_a_frame_belongs(kind: str, pictures: Translator, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("prores_ks", 24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv422p10le"
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        stream.metadata["timecode"] = "01:00:10:12"
        for frame in moving(4):
            small = np.ascontiguousarray(np.resize(frame, (48, 64, 3)))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(small, "rgb24")))
        container.mux(stream.encode(None))
    report = pictures.convert(clip, tmp_path / "s" / f"n_%04d.{kind}", start="f2")
    assert "as wide as high" not in texts(report)
    first = tmp_path / "s" / f"n_0001.{kind}"
    assert told(first, "smpte:TimeCode", "PixelAspectRatio") == [(0x01001014, 0), 2.0]
    assert header(tmp_path / "s" / f"n_%04d.{kind}").rate == 24
    pictures.convert(tmp_path / "s" / f"n_%04d.{kind}", tmp_path / "back.mov", codec="prores", start="01:00:10:15")
    with av.open(str(tmp_path / "back.mov")) as back:
        assert back.streams.video[0].metadata["timecode"] == "01:00:10:15"
        assert back.streams.video[0].sample_aspect_ratio == 2
        assert back.streams.video[0].average_rate == 24
    pictures.convert(write_frames(tmp_path / "p", moving(2), "p_{}.png") / "p_%d.png", tmp_path / "t" / f"n_%d.{kind}")
    assert header(tmp_path / "t" / f"n_%d.{kind}").rate != 24


def write_exr(path: Path, values: np.ndarray) -> None:
    """Half floats with a rate and an alpha of 1."""
    spec = oiio.ImageSpec(values.shape[1], values.shape[0], 4, oiio.TypeDesc("half"))
    spec.attribute("FramesPerSecond", "rational", (24, 1))
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.dstack([values, np.ones(values.shape[:2])]).astype(np.float16))
    out.close()


def read_exr(path: Path) -> np.ndarray:
    file = oiio.ImageInput.open(str(path))
    values = file.read_image(0, 0, 0, file.spec().nchannels, "half")
    assert file.spec().getattribute("FramesPerSecond") == (24, 1)
    file.close()
    return np.asarray(values)


@row("sequence of OpenEXR", "light, numbers, rate")
def test_a_sequence_of_scene_linear_light(pictures: Translator, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, frame in enumerate(moving(4), 1001):
        write_exr(tmp_path / "in" / f"s.{number}.exr", (frame / 255.0) ** 2.2 * 6)
    pattern = tmp_path / "in" / "s.####.exr"
    assert header(pattern).rate == 24
    pictures.convert(pattern, tmp_path / "same" / "n.####.exr", strength=0.0)
    assert names(tmp_path / "same") == [f"n.{number}.exr" for number in range(1001, 1005)]
    for number in range(1001, 1005):
        before = read_exr(tmp_path / "in" / f"s.{number}.exr")
        assert np.array_equal(before, read_exr(tmp_path / "same" / f"n.{number}.exr"))
    report = pictures.convert(pattern, tmp_path / "out" / "n.####.exr", exposure=-1.0)
    assert "assumed" not in texts(report)
    assert not np.array_equal(before, read_exr(tmp_path / "out" / "n.1004.exr"))
    pictures.convert(pattern, tmp_path / "out.mkv", side_by_side=True)
    pictures.convert(pattern, tmp_path / "out.mov", codec="prores")
    assert contents(tmp_path / "out.mov").times == [Fraction(n, 24) for n in range(4)]
    small = pictures.convert(pattern, tmp_path / "small" / "n.####.exr", size="32x24")
    assert "light above 1, other layers and attributes (the picture has another size" in texts(small)
    with pytest.raises(ConfigError, match="is for OpenEXR and DPX"):
        pictures.convert(make(tmp_path / "c.mkv", 2), tmp_path / "d.mkv", exposure=1.0)
