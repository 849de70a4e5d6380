"""Pictures that cannot be decoded, are far too large, or are no pictures."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired import BrokenFile
from unpaired.core.adapter.folders import told

Refused = Callable[..., str]


def encoded(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def bomb(width: int = 100_000, height: int = 100_000) -> bytes:
    """A PNG of a few kilobytes that says it holds 10,000 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


BROKEN = {
    "truncated.jpg": encoded(noise(64, 64), "JPEG")[:1500],
    "truncated.png": encoded(noise(64, 64), "PNG")[:3000],
    "empty.jpg": b"",
    "text.png": b"This is a text, whatever its name says.\n",
    "bomb.png": bomb(),
    "header.jpg": b"\xff\xd8\xff\xe0",
    "page.png": b"<!doctype html><html></html>",
}


LIMITED = """
import sys
from unpaired.apps.main import main
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (3 * 2**30, 3 * 2**30))
except ImportError:
    pass  # Windows has no resource limits
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_picture_is_refused(name: str, refused: Refused, model: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BROKEN[name])
    line = refused("convert", model, tmp_path / name, tmp_path / "out.png")
    assert str(tmp_path / name) in line
    assert refused("inspect", tmp_path / name) == line


def test_broken_pictures_are_passed_over_in_training_and_listed(
    train: tuple[str, ...], unpaired: Callable, folders: Path, tmp_path: Path
) -> None:
    for name, content in BROKEN.items():
        (folders / "a" / name).write_bytes(content)
    done = unpaired(*train, "--a", folders / "a", "--b", folders / "b", "--out", tmp_path / "run", "--steps", "12")
    assert done.code == 0, done.err
    report = json.loads(unpaired("inspect", folders / "a", "--json").out)["folders"][0]
    assert report["usable"] == 3
    assert {Path(each["file"]).name for each in report["broken"]} == set(BROKEN)
    assert all(each["reason"] for each in report["broken"])


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_links_in_circles_are_passed_over_and_named(
    unpaired: Callable, model: Path, folders: Path, tmp_path: Path
) -> None:
    for name in ("circle.png", "circle"):
        (folders / "a" / name).symlink_to(name)
    done = unpaired("convert", model, folders / "a", tmp_path / "out", "--runtime", "torch")
    assert (done.code, "circle.png" in done.err) == (2, True), done.err
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["0.png", "1.png", "2.png"]


def test_a_folder_of_broken_pictures_alone(
    refused: Refused, train: tuple[str, ...], folders: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    for name, content in BROKEN.items():
        (tmp_path / "broken" / name).write_bytes(content)
    line = refused(*train, "--a", tmp_path / "broken", "--b", folders / "b", "--out", tmp_path / "run")
    assert str(tmp_path / "broken") in line


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (20_000, 1), (3, 2)])
def test_an_odd_size_is_converted(width: int, height: int, unpaired: Callable, model: Path, tmp_path: Path) -> None:
    noise(width, height).save(tmp_path / "in.png")
    done = unpaired("convert", model, tmp_path / "in.png", tmp_path / "out.png", "--runtime", "torch")
    assert done.code == 0, done.err
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (width, height)


def test_an_animation_is_converted_or_refused(unpaired: Callable, model: Path, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    for name in ("out.png", "out.gif"):
        done = unpaired("convert", model, tmp_path / "in.gif", tmp_path / name)
        assert done.code in (0, 2)
        assert "Traceback" not in done.err
        assert done.err.count("\n") == (1 if done.code else 0)
        assert (tmp_path / name).exists() == (done.code == 0)


def test_hostile_pictures_of_others(shared: Path, model: Path, tmp_path: Path) -> None:
    """Every picture of the collection converts or is refused, in a few GB of memory, and nothing else happens."""
    source, out = shared / "data/robustness/images", tmp_path / "out"
    if not source.is_dir():
        pytest.skip(f"no collection at {source}")
    files = [path for path in source.rglob("*") if path.is_file()]
    words = ("convert", model, source, out, "--runtime", "torch", "--json")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 2), done.stderr
    assert "Traceback" not in done.stderr
    figures = json.loads(done.stdout)
    said = [line for line in done.stderr.splitlines() if not line.startswith("converted: ")]
    refusals = [line for line in said if not line.startswith("unpaired: note: ")]
    assert len(said) - len(refusals) == len(figures["notes"])
    lines = told([BrokenFile(Path(each["file"]), each["reason"]) for each in figures["refused"]])
    assert refusals == [f"unpaired: {line}" for line in lines]
    assert len(figures["converted"]) + len(figures["refused"]) <= len(files)
    assert len(figures["converted"]) > len(files) / 3
    assert {path for path in out.rglob("[!.]*") if path.is_file()} == {Path(file) for file in figures["converted"]}
    for file in figures["converted"]:
        with Image.open(file) as picture:
            picture.load()
    for each in figures["refused"]:
        assert each["reason"]
        assert "\n" not in each["reason"]
