"""Places that cannot be written to: read-only, full, too near the input."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from kept import row
from PIL import Image

Refused = Callable[..., str]
Words = tuple[str, ...]


def commands(model: Path, folders: Path, out: Path, train: Words) -> dict[str, tuple[str | Path, ...]]:
    """Every command that writes, writing below `out`."""
    evaluate = ("evaluate", model, "--a", folders / "a", "--b", folders / "b", "--limit", "1", "--direction", "a2b")
    return {
        "a file": ("convert", model, folders / "a/0.png", out / "0.png"),
        "a folder": ("convert", model, folders / "a", out / "sub"),
        "a graph": ("export", model, out / "m.onnx"),
        "a model": ("export", model, out / "m.safetensors"),
        "scores": (*evaluate, "--json", out / "s.json"),
        "a sheet": (*evaluate, "--sheet", out / "s.jpg"),
        "a run": (*train, "--a", folders / "a", "--b", folders / "b", "--out", out / "run"),
    }


WRITTEN = ("a file", "a folder", "a graph", "a model", "scores", "a sheet", "a run")


@pytest.mark.parametrize("what", WRITTEN)
def test_a_file_where_a_folder_is_needed(
    what: str, refused: Refused, model: Path, folders: Path, tmp_path: Path, train: Words
) -> None:
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in refused(*commands(model, folders, tmp_path / "file", train)[what])
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.usefixtures("ordinary_user")
@pytest.mark.parametrize("what", WRITTEN)
def test_a_read_only_folder(
    what: str, refused: Refused, model: Path, folders: Path, tmp_path: Path, train: Words
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert str(tmp_path / "locked") in refused(*commands(model, folders, tmp_path / "locked", train)[what])


@pytest.fixture
def large(folders: Path) -> Path:
    """Noise that no file format makes small, in place of the small pictures."""
    random = np.random.default_rng(0)
    for file in folders.rglob("*.png"):
        Image.fromarray(random.integers(0, 256, (128, 128, 3), dtype=np.uint8)).save(file)
    return folders


@pytest.mark.parametrize("what", ["a file", "a folder", "a graph", "a model", "a sheet"])
def test_a_full_disk(what: str, refused: Refused, full_disk: Path, model: Path, large: Path, train: Words) -> None:
    line = refused(*commands(model, large, full_disk, train)[what], watched=full_disk)
    assert str(full_disk) in line
    assert "No space left" in line


def test_a_disk_that_fills_up_in_training(unpaired: Callable, full_disk: Path, large: Path, train: Words) -> None:
    os.truncate(full_disk / "filling", 32 * 1024)
    out = full_disk / "run"
    done = unpaired(*train, "--a", large / "a", "--b", large / "b", "--out", out)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert done.err.splitlines()[-1].startswith("unpaired: ")
    assert "No space left" in done.err.splitlines()[-1]
    assert not (out / "model.safetensors").exists()
    assert not list(out.rglob("*.part*"))
    assert not list(out.glob("checkpoints/*"))


@pytest.mark.parametrize("what", ["a file", "a folder", "a graph", "a model"])
def test_a_limit_on_file_size(
    what: str, refused: Refused, small_files: Callable, model: Path, large: Path, tmp_path: Path, train: Words
) -> None:
    (tmp_path / "out").mkdir()
    with small_files():
        line = refused(*commands(model, large, tmp_path / "out", train)[what])
    assert str(tmp_path / "out") in line


def test_an_output_folder_inside_the_input(refused: Refused, model: Path, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folders)
    for out in (folders, folders / "out", folders / "a/deep/out", tmp_path / "link/out"):
        assert str(out) in refused("convert", model, folders, out)


def test_an_output_over_the_input(refused: Refused, model: Path, folders: Path, tmp_path: Path) -> None:
    file = folders / "a/0.png"
    (tmp_path / "link.png").symlink_to(file)
    os.link(file, tmp_path / "hard.png")
    for out in (file, folders / "a", tmp_path / "link.png", tmp_path / "hard.png"):
        assert "input" in refused("convert", model, file, out)


def test_a_folder_converted_into_a_file(refused: Refused, model: Path, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    assert str(tmp_path / "taken") in refused("convert", model, folders, tmp_path / "taken")


def test_an_output_format_that_is_not_known(refused: Refused, model: Path, folders: Path, tmp_path: Path) -> None:
    for name in ("out.xyz", "out", "out.mp4"):
        assert name in refused("convert", model, folders / "a/0.png", tmp_path / name)


@row("any", "an impossible ending or location of the output")
@pytest.mark.parametrize(
    ("model_of", "name", "ending"),
    [("image", "in.png", "out.xyz"), ("video", "in.mkv", "out.mp3"), ("video", "in.png", "out.mkv"),
     ("audio", "in.wav", "out.png")],
)  # fmt: skip
def test_an_ending_is_judged_before_the_input_is_opened(
    model_of: str, name: str, ending: str, refused: Refused, tmp_path: Path, model: Path, voice_model: Path
) -> None:
    (tmp_path / name).write_bytes(b"nothing that could be decoded")
    words = ("convert", voice_model if model_of == "audio" else model, tmp_path / name, tmp_path / ending)
    line = refused(*words, *(("--domain", "video") if model_of == "video" else ()))
    assert ending in line
    assert "cannot be written" in line


def test_a_place_is_judged_before_the_model_is_loaded(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    line = refused("convert", tmp_path / "no-such-model", tmp_path / "in.png", tmp_path / "file" / "out.png")
    assert str(tmp_path / "file") in line


def test_files_of_a_folder_that_cannot_be_written_are_listed_without_being_opened(
    unpaired: Callable, model: Path, folders: Path, tmp_path: Path
) -> None:
    (folders / "a" / "photo.heic").write_bytes(b"nothing that could be decoded")
    done = unpaired("convert", model, folders / "a", tmp_path / "out")
    assert done.code == 2
    assert f"unpaired: {folders / 'a/photo.heic'}: " in done.err
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["0.png", "1.png", "2.png"]
