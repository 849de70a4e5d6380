"""A file of another medium than the model's: the message names both media, not the ending of the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from kept import row
from PIL import Image

import unpaired


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "in/photo.jpg")
    return tmp_path / "in/photo.jpg"


@row("any", "a model for another medium than the file's")
@pytest.mark.parametrize("output", ["x.jpg", "x.wav", "x"])
def test_a_model_of_voices_on_a_picture(output: str, picture: Path, tmp_path: Path) -> None:
    translator = unpaired.load("female-male")
    with pytest.raises(unpaired.MediaError) as caught:
        translator.convert(picture, tmp_path / output)
    assert str(caught.value) == (
        f"{picture} is named as a file of pictures, but the model translates sound (domain audio); give it sound, or "
        "name a model for pictures"
    )
    assert not (tmp_path / output).exists()
    with pytest.raises(unpaired.MissingFile, match=r"\(files found: 1, 1 of them pictures\)"):
        translator.convert(picture.parent, tmp_path / "out")


def test_a_model_of_pictures_on_a_recording(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    for name in ("day2night", "day2night-video"):
        with pytest.raises(unpaired.MediaError, match=r"a file of sound, but the model translates (pictures|footage)"):
            unpaired.load(name).convert(tmp_path / "a.wav", tmp_path / "y.wav")


def test_what_a_file_holds_goes_before_its_name(picture: Path, tmp_path: Path) -> None:
    named = picture.rename(picture.with_suffix(".wav"))
    assert unpaired.load("day2night").convert(named, tmp_path / "y.png").converted


def test_the_ending_is_blamed_where_the_medium_is_right(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(unpaired.MediaError, match="pictures of this kind cannot be written"):
        unpaired.load("day2night").convert(picture, tmp_path / "y.wav")


@row("model file", "an export or a checkpoint of PyTorch in its place")
@pytest.mark.parametrize(
    ("ending", "words"), [(".onnx", "is an ONNX file, as `unpaired export` writes"), (".pth", "`unpaired import`")]
)
def test_what_is_given_in_place_of_a_model(
    ending: str,
    words: str,
    unpaired: Callable[..., Any],  # the command line
    picture: Path,
) -> None:
    file = picture.with_suffix(ending)
    file.write_bytes(b"\x08\x08\x12\x07pytorch" * 9)
    for line in (("convert", file, picture, picture.with_suffix(".png")), ("export", file, file.parent / "y.onnx")):
        done = unpaired(*line)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert words in done.err
    if ending == ".onnx":
        assert words in unpaired("inspect", file).err
