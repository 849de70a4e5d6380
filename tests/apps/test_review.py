"""`unpaired convert --wipe`, `--grid`, `--side-by-side`, `--burn-in`: several models on the same files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from synthetic_footage import moving, write_clip

from .conftest import Run


@pytest.fixture
def place(model: Path, tmp_path: Path) -> Path:
    """A folder with two models, a clip and a picture."""
    for name in ("one", "two"):
        shutil.copy(model, tmp_path / f"{name}.safetensors")
    write_clip(tmp_path / "a.mkv", moving(3))
    Image.fromarray(moving(1)[0]).save(tmp_path / "a.png")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (("a.png", "b.png", "--model", "one", "--side-by-side"), (128, 48)),
        (("one", "a.png", "b.png", "--model", "two", "--grid"), (128, 96)),
        (("a.png", "b.png", "--model", "one,two", "--wipe", "--burn-in"), (64, 48)),
        (("one", "a.png", "b.png", "--burn-in"), (64, 48)),
    ],
)
def test_pictures_laid_out(words: tuple[str, ...], size: tuple[int, int], unpaired: Run, place: Path) -> None:
    done = unpaired("convert", *in_place(words, place), "--runtime", "torch")
    assert done.code == 0, done.err
    assert Image.open(place / "b.png").size == size
    assert done.out == "1 converted, 0 skipped, 0 refused\n"


def test_footage_laid_out_and_left_alone_the_next_time(unpaired: Run, place: Path) -> None:
    words = ["convert", place / "a.mkv", place / "b.mkv", "--model", place / "one.safetensors", "--runtime", "torch"]
    words += ["--model", place / "two.safetensors", "--grid", "--skip-existing"]
    assert unpaired(*words).out.startswith("1 converted")
    assert unpaired(*words).out.startswith("0 converted, 1 skipped")
    assert unpaired(*words, "--burn-in").out.startswith("1 converted")


def test_footage_beside_its_source_is_a_setting_that_workers_take(unpaired: Run, place: Path) -> None:
    words = ["convert", place / "one.safetensors", place / "a.mkv"]
    options = ["--side-by-side", "--runtime", "torch"]
    assert unpaired(*words, place / "one.mkv", *options).code == 0
    assert unpaired(*words, place / "out/a.mkv", "--shard", "0/1", *options).code == 0
    assert (place / "out/a.mkv").read_bytes() == (place / "one.mkv").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.mkv", "b.mkv", "--model", "one", "--model", "two"), "2 models are named"),
        (("one", "a.mkv", "b.mkv", "--wipe", "--grid"), "not allowed with"),
        (("one", "a.mkv", "b.mkv", "--wipe", "--live"), "are for files; leave --live and pipes out"),
        (("one", "a.png", "b.png", "--burn-in", "--shard", "0/2"), "leave layouts and --burn-in out"),
        (("one", "a.mkv", "b.mkv", "--wipe", "--workers", "2"), "write translations alone"),
        (("one", "a.mkv", "s3://bucket/b.mkv", "--grid"), "files in a store are translated alone"),
        (
            ("a.png", "s3://bucket/b.png", "--model", "one,two", "--side-by-side"),
            "files in a store are translated alone",
        ),
        (("one", "a.mkv", "b.mkv", "--start", "noon"), "--start is noon; expected seconds (62.5)"),
        (("one", "a.mkv", "b.mkv", "--start", "01:00:00:00"), "has no timecode"),
        (("one", "a.mkv", "b.mkv", "--cuts", "none.edl"), "there is no file of cuts"),
        (("one", "a.png", "b.png", "--contact-sheet", "c.jpg"), "--contact-sheet is for footage; leave it out"),
        (("one", "a.png", "b.png", "--start", "1"), "--start is for footage and sound; leave it out"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(words: tuple[str, ...], said: str, unpaired: Run, place: Path) -> None:
    done = unpaired("convert", *in_place(words, place), "--runtime", "torch")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err.replace("'", "")
    assert not list(place.glob("b.*"))


def test_a_part_by_frames(unpaired: Run, place: Path) -> None:
    done = unpaired("convert", *in_place(("one", "a.mkv", "b.mkv", "--start", "f1", "--end", "0:00.3"), place))
    assert "2 frames in" in done.out, done.err


def test_models_of_pictures_and_of_footage_on_a_picture(unpaired: Run, place: Path) -> None:
    words = ("convert", place / "a.png", place / "b.png", "--model", place / "one.safetensors", "--grid", "--burn-in")
    done = unpaired(*words, "--model", "day2night-video-mobile", "--full")
    assert done.code == 0, done.err
    assert Image.open(place / "b.png").size == (128, 96)


def in_place(words: tuple[str, ...], place: Path) -> list[str]:
    """The words with names made paths."""
    known = {"one": "one.safetensors", "two": "two.safetensors"}
    return [
        ",".join(str(place / known.get(each, each)) for each in word.split(","))
        if not word.startswith("-") and (word in ("one", "two", "one,two") or word[:2] in ("a.", "b."))
        else word
        for word in words
    ]
