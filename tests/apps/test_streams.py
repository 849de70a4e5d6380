"""Standard output and error as callers make them: full, closed, in memory, and for names that are no Unicode."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept import row
from PIL import Image

from unpaired.apps.main import main

SPEECH = Path(__file__).parents[1] / "assets/speech/male-1.flac"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full and names of any bytes are Linux's")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (36, 44, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@row("any", "standard output that is full or closed for writing")
@pytest.mark.parametrize(("place", "mode", "reason"), [("/dev/full", os.O_WRONLY, "No space left on device"),
                                                       (os.devnull, os.O_RDONLY, "Bad file descriptor")])  # fmt: skip
@pytest.mark.parametrize("words", ["models", "--help", "train --help", "inspect MODEL --json", "convert MODEL A B"])
def test_standard_output_that_takes_nothing(
    words: str, place: str, mode: int, reason: str, model: Path, picture: Path
) -> None:
    places = {"MODEL": str(model), "A": str(picture), "B": str(picture.with_name("b.png"))}
    typed = [places.get(word, word) for word in words.split()]
    out = os.open(place, mode)
    done = subprocess.run([sys.executable, "-m", "unpaired.apps.main", *typed], stdout=out, stderr=subprocess.PIPE,
                          text=True, check=False)  # fmt: skip
    os.close(out)
    assert (done.returncode, done.stderr) == (2, f"unpaired: standard output cannot be written: {reason}\n")


def test_standard_error_that_is_full(picture: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "unpaired.apps.main", "convert", "no-such-model", str(picture), "b.png"]
        assert subprocess.run(words, stderr=full, check=False).returncode == 2


@pytest.mark.parametrize("words", ["models", "convert MODEL A B", "convert MODEL A B --json", "inspect A",
                                   "export MODEL C", "convert no-such-model A B"])  # fmt: skip
def test_streams_in_memory(words: str, model: Path, picture: Path) -> None:
    places = {"MODEL": str(model), "A": str(picture)} | {
        name: str(picture.with_name(file)) for name, file in {"B": "b.png", "C": "c.onnx"}.items()
    }
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([places.get(word, word) for word in words.split()])
    assert "fault of unpaired" not in err.getvalue()
    if "no-such-model" in words:
        assert (code, out.getvalue()) == (2, "")
        assert err.getvalue().count("\n") == 1
    else:
        assert code == 0, err.getvalue()
        assert out.getvalue()


@row("any", "names that are not UTF-8")
def test_names_that_are_no_unicode_can_be_printed(model: Path, picture: Path, program: Any) -> None:
    """The odd bytes are escaped; in JSON the escape is the name."""
    place = picture.parent / "\udcff"
    place.mkdir()
    odd = picture.rename(place / "\udcfe.png")
    done = program("-m", "unpaired.apps.main", "convert", model, odd, place / "\udcfc.png", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["converted"] == [str(place / "\udcfc.png")]


def test_commands_take_names_that_are_no_unicode(model: Path, picture: Path, unpaired: Any) -> None:  # a command line
    a, b = picture.parent / "\udcff", picture.parent / "b"
    for folder in (a, b):
        folder.mkdir()
        (folder / "\udcfe.png").write_bytes(picture.read_bytes())
    own, odd = a / "m\udcfd.safetensors", a / "\udcfe.png"
    own.write_bytes(model.read_bytes())
    scores = ("--json", a / "s\udcff.json", "--sheet", a / "s\udcff.jpg")
    for words in (
        ("inspect", own),
        ("inspect", odd),
        ("inspect", a),
        ("export", own, a / "x\udcfb.onnx"),
        ("export", own, a / "x\udcfb.safetensors"),
        ("evaluate", own, "--a", a, "--b", b, *scores),
    ):
        done = unpaired(*words)
        assert done.code == 0, done.err
    shutil.copy(SPEECH, a / "v\udcff.flac")
    done = unpaired("convert", "female-male", a / "v\udcff.flac", a / "w\udcff.wav", "--vocoder", "griffin-lim")
    assert done.code == 0, done.err
    broken = a / "b\udcfa.safetensors"
    broken.write_bytes(b"x" * 100)
    for words in (("convert", broken, odd, a / "y.png"), ("convert", a / "none\udcff", odd, a / "y.png"),
                  ("convert", own, a / "none\udcff.png", a / "y.png"), ("convert", "\udcff", odd, "y.png"),
                  ("convert", own, odd, a / "y.\udcff"), ("inspect", a / "no\udcff"), ("mod\udcff",)):  # fmt: skip
        done = unpaired(*words)
        assert (done.code, done.err.count("\n"), done.err.isascii()) == (2, 1, True), done.err
