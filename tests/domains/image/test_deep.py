"""Pictures of more than 8 bits that are no TIFFs: no bit is lost on the way to a format that holds it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from kept import row
from PIL import Image as Pillow

from unpaired import MediaError, Translator
from unpaired.domains.image.files import read_header, read_picture

Array = npt.NDArray[Any]


def ramp(top: int, channels: int, height: int = 20, width: int = 30) -> Array:
    rows, columns, channel = np.mgrid[:height, :width, :channels]
    return ((rows * 61 + columns * 37 + channel * 501) % (top + 1)).astype(np.uint16)


def spread(values: Array, top: int) -> Array:
    """The values from 0 to 65535, rounded."""
    return np.floor(values.astype(np.float64) * 65535 / top + 0.5).astype(np.uint16)


@row("PPM, PGM of more than 8 bits", "depth")
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("top", [256, 1000, 1023, 4095, 65535])
def test_netpbm_goes_to_png_in_16_bits(
    top: int, channels: int, plain: bool, translator: Translator, tmp_path: Path
) -> None:
    values = ramp(top, channels)
    values[0, 0], values[0, 1] = 0, top
    kind = {(1, False): 5, (3, False): 6, (1, True): 2, (3, True): 3}[channels, plain]
    head = f"P{kind} # a comment\n30 # width\n20\n{top}\n".encode()
    body = " ".join(map(str, values.flatten())).encode() if plain else values.astype(">u2").tobytes()
    (tmp_path / "x.ppm").write_bytes(head + body)
    assert read_header(tmp_path / "x.ppm").bits == top.bit_length()
    for name in ("y.png", "y.ppm", "y.tif"):
        report = translator.convert(tmp_path / "x.ppm", tmp_path / name, strength=0.0)
        assert report.notes == ()
        found = read_picture(tmp_path / name).pixels
        assert found.dtype == np.uint16
        assert np.array_equal(found, np.broadcast_to(spread(values, top), found.shape))
    assert np.array_equal(cv2.imread(str(tmp_path / "y.ppm"), cv2.IMREAD_UNCHANGED)[..., ::-1], found)


def test_a_netpbm_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ppm").write_bytes(b"P6 30 20 1023\n" + bytes(500))
    with pytest.raises(MediaError, match=r"x\.ppm cannot be decoded"):
        read_picture(tmp_path / "x.ppm")


@row("JPEG 2000 and AVIF of more than 8 bits", "depth")
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_jpeg_2000_and_avif_keep_their_depth(bits: int, translator: Translator, tmp_path: Path) -> None:
    values = ramp(2**bits - 1, 3, 64, 64)  # OpenJPEG wants some size
    values[:, :32], values[:, 32:] = 0, 2**bits - 1
    written = cv2.imencode(".jp2", values if bits == 16 else values << (16 - bits))[1]
    (tmp_path / "x.jp2").write_bytes(written.tobytes())
    files = {"x.jp2": 16}
    if bits < 16:
        options = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100]
        (tmp_path / "x.avif").write_bytes(cv2.imencode(".avif", values, options)[1].tobytes())
        files["x.avif"] = bits
    for name, depth in files.items():
        assert read_header(tmp_path / name).bits == depth
        report = translator.convert(tmp_path / name, tmp_path / "y.png", strength=0.0)
        assert report.notes == ()
        found = read_picture(tmp_path / "y.png").pixels
        assert found.dtype == np.uint16
        top = 65535 if name == "x.avif" or bits == 16 else (2**bits - 1) << (16 - bits)
        assert (int(found.min()), int(found.max())) == (0, top)


MASKS = {
    "565": (0xF800, 0x07E0, 0x001F, 0),
    "555": (0x7C00, 0x03E0, 0x001F, 0),
    "1555": (0x7C00, 0x03E0, 0x001F, 0x8000),
}


@row("BMP with 16 bits per pixel", "colours, and the transparency bit")
@pytest.mark.parametrize("name", MASKS)
def test_bmp_with_masks(name: str, tmp_path: Path) -> None:
    masks = MASKS[name]
    values = np.stack([ramp(2 ** mask.bit_count() - 1, 1)[..., 0] for mask in masks[:3]], axis=2).astype(np.uint32)
    shifts = [(mask & -mask).bit_length() - 1 for mask in masks[:3]]
    packed = np.add.reduce([values[..., channel] << shift for channel, shift in enumerate(shifts)]).astype("<u2")
    head = struct.pack("<IiiHHIIiiII4I", 56, 30, -20, 1, 16, 3, packed.nbytes, 2835, 2835, 0, 0, *masks)
    start = 14 + len(head)
    whole = struct.pack("<2sIHHI", b"BM", start + packed.nbytes, 0, 0, start) + head + packed.tobytes()
    (tmp_path / "x.bmp").write_bytes(whole)
    found = read_picture(tmp_path / "x.bmp")
    expected = values * 255 / (2.0 ** np.array([mask.bit_count() for mask in masks[:3]]) - 1)
    assert np.abs(found.pixels - expected).max() <= 1
    assert found.notes == (("its transparency of one bit is left out",) if name == "1555" else ())


@row("CMYK JPEG", "colours")
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_cmyk_is_translated_as_rgb_and_said(suffix: str, translator: Translator, tmp_path: Path) -> None:
    Pillow.new("CMYK", (20, 20), (255, 0, 0, 0)).save(tmp_path / "x.jpg", quality=100)
    report = translator.convert(tmp_path / "x.jpg", tmp_path / f"y{suffix}", strength=0.0)
    assert [note.text for note in report.notes] == ["it is CMYK; the translation is RGB of 8 bits"]
    red, green, blue = read_picture(tmp_path / f"y{suffix}").pixels[5, 5].tolist()
    assert red < 40
    assert min(green, blue) > 200
