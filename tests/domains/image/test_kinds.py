"""Kinds of pictures that are known and not read: said once a kind, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kept import row
from PIL import Image as Pillow

from unpaired import BrokenFile, Image, MediaError, Translator
from unpaired.core.adapter.folders import told
from unpaired.domains.image.files import read_picture
from unpaired.domains.image.kinds import READ, UNREAD, is_picture_name

STARTS = {
    "x.hdr": b"#?RADIANCE\n", "x.jxl": b"\xff\x0a\xfa\x7f", "x.psd": b"8BPS\0\1",
    "x.heic": b"\0\0\0\x18ftypheic\0\0\0\0", "x.cr2": b"II*\0\x10\0\0\0CR\2\0",
    "x.nef": b"MM\0*\0\0\0\x08", "x.dng": b"II*\0\x08\0\0\0", "x.svg": b"<svg xmlns=", "x.ico": b"\0\0\1\0\1\0",
    "x.npz": b"PK\3\4",
}  # fmt: skip
"""The first bytes of files that are not read."""


def test_no_kind_is_read_and_unread() -> None:
    endings = [ending for kind in UNREAD for ending in kind.endings]
    assert len(endings) == len(set(endings))
    assert not READ & set(endings)
    assert all(is_picture_name(f"x{ending}") for ending in endings)


@row("12-bit JPEG, lossless JPEG", "everything")
@pytest.mark.parametrize(("marker", "bits"), [(0xC1, 12), (0xC3, 16)])
def test_a_jpeg_that_pillow_does_not_know(marker: int, bits: int, photo: Path, tmp_path: Path) -> None:
    Pillow.open(photo).save(tmp_path / "x.jpg")
    data = bytearray((tmp_path / "x.jpg").read_bytes())
    place = data.index(b"\xff\xc0")
    data[place + 1], data[place + 4] = marker, bits
    (tmp_path / "x.jpg").write_bytes(data)
    with pytest.raises(MediaError, match=r"x\.jpg: JPEGs that are damaged, lossless or of 12 bits cannot be read; "):
        read_picture(tmp_path / "x.jpg")


@row(
    "HDR, JPEG XL, HEIC, PSD, raw photographs, SVG, icons and other unsupported kinds",
    "a single file",
)
@pytest.mark.parametrize("name", STARTS)
def test_what_a_file_is_and_what_to_do_about_it(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(STARTS[name] + bytes(200))
    kind = next(kind for kind in UNREAD if (tmp_path / name).suffix in kind.endings)
    with pytest.raises(MediaError) as caught:
        read_picture(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: {kind.reason}"


OTHERS = {"x.exr": b"v/1\x01\x02\0\0\0", "x.dpx": b"SDPX\0\0"}


@pytest.mark.parametrize("name", ["x.exr", "x.hdr", "x.jxl", "x.psd", "x.dpx", "x.heic", "x.cr2"])
def test_content_under_another_name_is_told_too(name: str, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes((STARTS | OTHERS)[name] + bytes(200))
    with pytest.raises(MediaError, match=r"photo\.jpg: .* cannot be read; "):
        read_picture(tmp_path / "photo.jpg")


@row("HDR, JPEG XL, HEIC, PSD, raw photographs, SVG, icons and other unsupported kinds", "in a folder")
def test_a_folder_says_how_many_of_which_kind_and_what_to_do(
    translator: Translator, tmp_path: Path, photo: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes(photo.read_bytes())
    for number in range(5):
        (folder / f"raw{number}.cr2").write_bytes(STARTS["x.cr2"] + bytes(200))
    for name, start in STARTS.items():
        (folder / name).write_bytes(start + bytes(200))
    report = translator.convert(folder, tmp_path / "out")
    assert [path.name for path in report.converted] == ["a.png"]
    assert {each.path.name for each in report.failed} == {*STARTS, *(f"raw{number}.cr2" for number in range(5))}
    lines = list(told(report.failed))
    assert len(lines) == 8  # one for all raw photographs
    raw = "8 files (raw0.cr2, raw1.cr2, raw2.cr2, ...): raw photographs cannot be read; develop them to TIFF of 16 bits"
    assert any(line.startswith(raw) for line in lines)
    found = Image(size=32).scan(folder)
    assert [path.name for path in found.files] == ["a.png"]
    assert len(found.broken) == 15
    assert any("8 files are left out: raw photographs cannot be read; develop" in line for line in found.warnings)


def test_a_picture_under_the_name_of_another_kind_is_read(translator: Translator, tmp_path: Path, photo: Path) -> None:
    Pillow.open(photo).save(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").rename(tmp_path / "x.heic")  # phones give such files away
    assert read_picture(tmp_path / "x.heic").width == 200
    assert Image().scan(tmp_path).files == (tmp_path / "x.heic",)
    assert translator.convert(tmp_path / "x.heic", tmp_path / "y.png").converted


def test_equal_reasons_are_told_once() -> None:
    files = [BrokenFile(Path(f"in/{name}"), reason) for name, reason in
             (("a", "in/a: is bad"), ("b", "is worse"), ("c", "in/c: is bad"))]  # fmt: skip
    assert list(told(files)) == ["2 files (a, c): is bad", "in/b: is worse"]


def test_training_says_what_it_leaves_out(tmp_path: Path, photo: Path, capsys: Any) -> None:
    import unpaired

    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for number in range(2):
            (tmp_path / side / f"{number}.png").write_bytes(photo.read_bytes() + bytes(number + (side == "a") * 5))
    (tmp_path / "a" / "x.hdr").write_bytes(STARTS["x.hdr"])
    unpaired.train(
        domain=Image(size=32), a=tmp_path / "a", b=tmp_path / "b", out=tmp_path / "run", preset="tiny", steps=1
    )
    assert "left out " + str(tmp_path / "a" / "x.hdr") + ": Radiance pictures cannot be read" in capsys.readouterr().out
