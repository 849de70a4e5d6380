"""Pictures whose headers are broken: refused in plain words, or read with a note on what is lost."""

from __future__ import annotations

import re
import struct
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from kept import row
from PIL import ExifTags
from PIL import Image as Pillow

from unpaired import MediaError, Translator
from unpaired.domains.image.files import read_header, read_picture

INTERNAL = re.compile(r"literal|NoneType|object|instances|operand|argument|indices|index out|divi[ds]|'tuple'|b'|np\.")
"""Words of Python's errors."""


@row("TIFF with broken tags", "everything")
@pytest.mark.parametrize("field", [(2, "<H"), (4, "<I"), (8, "<I")], ids=["type", "count", "value"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_tags_of_a_tiff_are_told_in_plain_words(field: tuple[int, str], dtype: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, np.full((32, 32, 3), 90, dtype), photometric="rgb", tile=(16, 16))
    whole = path.read_bytes()
    (start,) = struct.unpack_from("<I", whole, 4)
    (count,) = struct.unpack_from("<H", whole, start)
    at, kind = field
    told = []
    for tag, wrong, read in product(range(count), (0, 1, 2, 5, 7, 11, 12, 60_000), (read_header, read_picture)):
        broken = bytearray(whole)
        struct.pack_into(kind, broken, start + 2 + 12 * tag + at, wrong)
        path.write_bytes(broken)
        try:
            read(path)
        except MediaError as error:
            told.append(str(error))
    assert len(told) > 20
    for line in told:
        assert not INTERNAL.search(line), line
        assert len(line) < 300
        assert "\n" not in line


@row("pictures with EXIF", "broken tags")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_broken_tag_of_exif_takes_no_other_with_it(suffix: str, translator: Translator, tmp_path: Path) -> None:
    maker = b"A maker of cameras\0"
    entries = [(271, 2, len(maker), 8 + 2 + 3 * 12 + 4), (282, 2, 4, int.from_bytes(b"300\0", "little")),
               (34665, 4, 1, 8 + 2 + 3 * 12 + 4 + 20)]  # fmt: skip
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 3) + b"".join(struct.pack("<HHII", *each) for each in entries)
    block += struct.pack("<I", 0) + maker.ljust(20, b"\0")
    block += struct.pack("<HHHIII", 1, 37385, 3, 1, 15, 0)
    Pillow.new("RGB", (40, 24), "red").save(tmp_path / "x.jpg", exif=block)
    report = translator.convert(tmp_path / "x.jpg", tmp_path / f"y{suffix}")
    assert [note.text for note in report.notes] == ["broken tags of its EXIF are left out (XResolution)"]
    with Pillow.open(tmp_path / f"y{suffix}") as image:
        exif = image.getexif()
        assert exif[ExifTags.Base.Make] == "A maker of cameras"
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.Flash] == 15


@row(".ppm, .pgm, .pbm", "colour and grey")
def test_a_name_for_grey_is_refused_for_colour(translator: Translator, tmp_path: Path, random_translator: Any) -> None:
    from unpaired import Image

    Pillow.new("L", (40, 24), 90).save(tmp_path / "x.pgm")
    for name, told in (("y.pgm", "is for grey, and the translation has 3 channels"), ("y.pbm", "cannot be written")):
        with pytest.raises(MediaError, match=told):
            translator.convert(tmp_path / "x.pgm", tmp_path / name)
        assert not (tmp_path / name).exists()
    grey = random_translator(Image(size=64, mode="grey"))
    for name, kind in (("y.pgm", b"P5"), ("y.pnm", b"P5"), ("y.ppm", b"P6")):
        assert grey.convert(tmp_path / "x.pgm", tmp_path / name).notes == ()
        assert (tmp_path / name).read_bytes().startswith(kind)
