"""TIFF in its many forms: every one shows the picture that it holds, or is refused in one line."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kept import row
from PIL import Image as Pillow

from unpaired import MediaError
from unpaired.domains.image.files import read_header, read_picture
from unpaired.domains.image.tiff import divided

Array = npt.NDArray[Any]
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = range(4)
PLAIN, LZW, DEFLATE, PACKBITS = 1, 5, 8, 32773


@dataclass(frozen=True)
class Tiff:
    """A TIFF as it is to be written; `values` (H, W, C) are the numbers in the file."""

    values: Array
    bits: int
    photometric: int = BLACK_IS_ZERO
    compression: int = PLAIN
    predictor: int = 1
    planes: bool = False
    tile: int = 0
    rows: int = 5
    big: bool = False
    extras: tuple[int, ...] = ()
    kind: int = 1
    reversed_bits: bool = False
    orientation: int = 1
    palette: tuple[int, ...] = ()

    def write(self, path: Path) -> None:
        """Lay the file out by TIFF 6.0: nothing here is shared with what reads it."""
        parts = [self._packed(part) for part in self._parts()]
        height, width, channels = self.values.shape
        order, long, short = ">" if self.big else "<", 4, 3
        data, offsets = b"", []
        for part in parts:
            offsets.append(8 + len(data))
            data += part + b"\0" * (len(part) % 2)
        where, length, rows = (324, 325, None) if self.tile else (273, 279, self.rows)
        tags: dict[int, tuple[int, tuple[int, ...]]] = {
            256: (long, (width,)), 257: (long, (height,)), 258: (short, (self.bits,) * channels),
            259: (short, (self.compression,)), 262: (short, (self.photometric,)),
            266: (short, (1 + self.reversed_bits,)),
            where: (long, tuple(offsets)), 274: (short, (self.orientation,)), 277: (short, (channels,)),
            length: (long, tuple(map(len, parts))), 284: (short, (1 + self.planes,)), 317: (short, (self.predictor,)),
            339: (short, (self.kind,) * channels),
        }  # fmt: skip
        if rows:
            tags[278] = (long, (rows,))
        if self.tile:
            tags |= {322: (long, (self.tile,)), 323: (long, (self.tile,))}
        if self.extras:
            tags[338] = (short, self.extras)
        if self.palette:
            tags[320] = (short, self.palette)
        head = (b"MM\0*" if self.big else b"II*\0") + struct.pack(order + "I", 8 + len(data))
        directory, beyond = struct.pack(order + "H", len(tags)), b""
        start = 8 + len(data) + 2 + 12 * len(tags) + 4
        for tag, (kind, numbers) in sorted(tags.items()):
            packed = struct.pack(f"{order}{len(numbers)}{'H' if kind == short else 'I'}", *numbers)
            if len(packed) > 4:
                packed, beyond = struct.pack(order + "I", start + len(beyond)), beyond + packed
            directory += struct.pack(order + "HHI", tag, kind, len(numbers)) + packed.ljust(4, b"\0")
        path.write_bytes(head + data + directory + bytes(4) + beyond)

    def _parts(self) -> list[Array]:
        height, width, _ = self.values.shape
        planes = [self.values[..., [c]] for c in range(self.values.shape[2])] if self.planes else [self.values]
        parts = []
        for plane in planes:
            if not self.tile:
                parts += [plane[top : top + self.rows] for top in range(0, height, self.rows)]
                continue
            wide = np.pad(plane, [(0, -height % self.tile), (0, -width % self.tile), (0, 0)])
            parts += [
                wide[top : top + self.tile, left : left + self.tile]
                for top in range(0, height, self.tile) for left in range(0, width, self.tile)
            ]  # fmt: skip
        return parts

    def _packed(self, part: Array) -> bytes:
        if self.bits % 8:
            bits = (part.reshape(len(part), -1, 1).astype(np.uint16) >> np.arange(self.bits)[::-1]) & 1
            raw = np.packbits(bits.reshape(len(part), -1).astype(np.uint8), axis=1)
        else:
            raw = self._whole(part)
        data = raw.tobytes()
        if self.compression == DEFLATE:
            data = zlib.compress(data)
        elif self.compression == LZW:
            data = lzw(data)
        elif self.compression == PACKBITS:  # a row at a time, as the standard wants it
            rows = [data[at : at + len(data) // len(part)] for at in range(0, len(data), len(data) // len(part))]
            data = b"".join(literal(line) for line in rows)
        if self.reversed_bits:
            data = np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)), bitorder="little").tobytes()
        return data

    def _whole(self, part: Array) -> Array:
        if self.bits == 24:
            return np.zeros((len(part), 3 * part[0].size), np.uint8)
        rows = part.astype(f"{'f' if self.kind == 3 else 'u'}{self.bits // 8}")
        if self.predictor == 3:
            split = rows.astype(rows.dtype.newbyteorder(">")).view(np.uint8).reshape(len(rows), -1, rows.itemsize)
            flat = split.swapaxes(1, 2).reshape(len(rows), -1, part.shape[2])
            flat[:, 1:] -= flat[:, :-1].copy()
            return flat
        if self.predictor == 2:
            rows[:, 1:] -= rows[:, :-1].copy()
        return rows.astype(rows.dtype.newbyteorder(">" if self.big else "<"))


def lzw(data: bytes) -> bytes:
    """LZW that never learns: a clear code before the code width would grow."""
    codes = []
    for at in range(0, len(data), 250):
        codes += [256, *data[at : at + 250]]
    bits = np.array([*codes, 257], np.uint16)[:, None] >> np.arange(9)[::-1] & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def literal(data: bytes) -> bytes:
    return b"".join(bytes([len(part) - 1]) + part for part in (data[at : at + 128] for at in range(0, len(data), 128)))


def ramp(bits: int, channels: int = 1, height: int = 19, width: int = 23) -> Array:
    """Numbers of that many bits that take on black and white."""
    rows, columns, channel = np.mgrid[:height, :width, :channels]
    values = (rows * 7 + columns * 13 + channel * 29) % 97 / 96
    return np.rint(values * (2**bits - 1)).astype(np.uint32)


def brightness(values: Array, bits: int) -> Array:
    """Numbers of `bits` bits from 0 to 1."""
    return values / (2**bits - 1)


def shown(path: Path) -> Array:
    """What is read, from 0 to 1."""
    pixels = read_picture(path).pixels
    return pixels / np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels


DEPTHS = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16)


@row("TIFF of 1 to 16 bits", "brightness")
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_whole_numbers_of_every_depth_in_every_layout(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    bits = data.draw(st.sampled_from(DEPTHS), "bits")
    photometric = data.draw(st.sampled_from([WHITE_IS_ZERO, BLACK_IS_ZERO, RGB]), "photometric")
    predictor = data.draw(st.sampled_from([1, 2] if bits in (8, 16) else [1]), "predictor")
    compression = data.draw(st.sampled_from([PLAIN, LZW, DEFLATE, PACKBITS]), "compression")
    assume(predictor == 1 or compression in (LZW, DEFLATE))
    values = ramp(bits, 3 if photometric == RGB else 1)
    file = Tiff(
        values, bits, photometric, compression, predictor,
        planes=photometric == RGB and data.draw(st.booleans(), "planes"),
        tile=data.draw(st.sampled_from([0, 16]), "tile"), rows=data.draw(st.sampled_from([1, 5, 19]), "rows"),
        big=data.draw(st.booleans(), "big"), reversed_bits=data.draw(st.booleans(), "reversed"),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tiff") / "x.tif"
    file.write(path)
    expected = brightness(values, bits)
    if photometric == WHITE_IS_ZERO:
        expected = 1 - expected
    found = read_picture(path)
    assert found.pixels.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert np.abs(shown(path) - expected).max() <= 0.51 / np.iinfo(found.pixels.dtype).max
    assert read_header(path).bits == bits


@row("TIFF of floats", "brightness")
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB])
@pytest.mark.parametrize(("bits", "predictor"), [(16, 1), (32, 1), (64, 1), (16, 3), (32, 3), (64, 3)])
def test_floats(bits: int, predictor: int, photometric: int, big: bool, tmp_path: Path) -> None:
    values = ramp(8, 3 if photometric == RGB else 1) / np.float64(255)
    compression = DEFLATE if predictor == 3 else PLAIN
    Tiff(values, bits, photometric, compression, predictor, big=big, kind=3).write(tmp_path / "x.tif")
    found = read_picture(tmp_path / "x.tif")
    assert found.pixels.dtype == np.float32
    expected = 1 - values if photometric == WHITE_IS_ZERO else values
    assert np.abs(found.pixels - expected).max() < (1e-3 if bits == 16 else 1e-6)
    assert bool(found.notes) == (bits == 64)


@row("TIFF, 8 or 16 bits", "premultiplied (associated) transparency")
@pytest.mark.parametrize("extra", [1, 2], ids=["premultiplied", "straight"])
@pytest.mark.parametrize("planes", [False, True])
@pytest.mark.parametrize(("bits", "kind"), [(8, 1), (12, 1), (16, 1), (32, 3)])
def test_transparency(bits: int, kind: int, planes: bool, extra: int, tmp_path: Path) -> None:
    full = 1.0 if kind == 3 else 2.0**bits - 1
    alpha = np.broadcast_to(np.linspace(0, 1, 23)[:, None], (19, 23, 1))
    colour = np.broadcast_to([0.9, 0.6, 0.3], (19, 23, 3))
    stored = np.concatenate([colour * (alpha if extra == 1 else 1), alpha], axis=2) * full
    stored = stored if kind == 3 else np.rint(stored)
    Tiff(stored, bits, RGB, planes=planes, extras=(extra,), kind=kind).write(tmp_path / "x.tif")
    found = read_picture(tmp_path / "x.tif")
    assert found.alpha is not None
    top = np.iinfo(found.pixels.dtype).max if kind == 1 else 1.0
    assert np.abs(found.alpha / top - alpha).max() < 1e-3 + 0.5 / full * (kind == 1)
    seen = alpha[..., 0] > 0.2
    assert np.abs(found.pixels / top - colour)[seen].max() < (0.02 if bits == 8 else 1e-3)


def test_colour_is_divided_by_its_transparency() -> None:
    colour = np.array([[[10000, 5000, 0]], [[7, 8, 9]], [[65535, 1, 1]]], np.uint16)
    alpha = np.array([[[32768]], [[0]], [[100]]], np.uint16)
    assert divided(colour, alpha).tolist() == [[[20000, 10000, 0]], [[7, 8, 9]], [[65535, 655, 655]]]


@row("TIFF with a palette", "colours")
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("scale", [257, 256, 1], ids=["16-bit", "shifted", "8-bit"])
def test_palettes(bits: int, scale: int, tmp_path: Path) -> None:
    colours = (np.random.default_rng(0).integers(0, 256, (3, 2**bits)) // 2 + 100).clip(0, 255)
    places = ramp(bits)
    Tiff(places, bits, PALETTE, palette=tuple((colours * scale).flatten().tolist())).write(tmp_path / "x.tif")
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, colours.T[places[..., 0]])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_orientation_is_applied_at_every_depth(bits: int, orientation: int, tmp_path: Path) -> None:
    values = ramp(bits)
    upright = {1: values, 2: values[:, ::-1], 3: values[::-1, ::-1], 4: values[::-1], 5: values.swapaxes(0, 1),
               6: np.rot90(values, -1), 7: np.rot90(values, -1)[::-1], 8: np.rot90(values)}[orientation]  # fmt: skip
    Tiff(values, bits, orientation=orientation).write(tmp_path / "x.tif")
    assert np.abs(shown(tmp_path / "x.tif") - brightness(upright, bits)).max() < 0.002
    header = read_header(tmp_path / "x.tif")
    assert (header.height, header.width) == upright.shape[:2]


@row("TIFF with channels beyond colour and transparency", "extra channels")
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("extras", "left"), [((0,), 1), ((0, 0), 2), ((2, 0), 1), ((1, 0, 0), 2)])
def test_further_channels_are_said(extras: tuple[int, ...], left: int, bits: int, tmp_path: Path) -> None:
    values = ramp(bits, 3 + len(extras))
    values[..., 3] = 2**bits - 1
    Tiff(values, bits, RGB, extras=extras).write(tmp_path / "x.tif")
    found = read_picture(tmp_path / "x.tif")
    assert np.array_equal(found.pixels, values[..., :3])
    assert (found.alpha is not None) == (extras[0] in (1, 2))
    assert found.notes == (f"{left} of its channels are neither colour nor transparency and are left out",)
    assert read_picture(tmp_path / "x.tif", raw=True).pixels.shape[2] == 3 + len(extras)


@row("8-bit TIFF in JPEG, CMYK, Lab or YCbCr", "colours")
@pytest.mark.parametrize("mode", ["CMYK", "LAB", "YCbCr", "RGB"])
def test_what_is_left_to_pillow(mode: str, tmp_path: Path) -> None:
    colour = (200, 60, 90)
    pixels = {"CMYK": (55, 195, 165, 0), "LAB": (119, 56, 12), "YCbCr": (105, 119, 195), "RGB": colour}[mode]
    if mode == "LAB":  # CIE Lab: a and b are signed
        tifffile.imwrite(tmp_path / "x.tif", np.full((16, 16, 3), pixels, np.uint8), photometric="cielab")
    else:
        options = {"compression": "jpeg", "quality": 95} if mode in ("RGB", "YCbCr") else {}
        Pillow.new(mode, (16, 16), pixels).save(tmp_path / "x.tif", **options)
    found = read_picture(tmp_path / "x.tif")
    assert np.abs(found.pixels.astype(int) - colour).max() <= 8
    assert any("translation is RGB of 8 bits" in note for note in found.notes) == (mode in ("CMYK", "LAB"))


REFUSED = {
    "signed numbers of 8 bits": Tiff(ramp(8), 8, kind=2),
    "signed numbers of 16 bits": Tiff(ramp(8), 16, kind=2),
    "whole numbers of 32 bits": Tiff(ramp(16), 32),
    "whole numbers of 24 bits": Tiff(ramp(16), 24),
    "floats of 24 bits": Tiff(ramp(16), 24, kind=3),
    "complex numbers": Tiff(ramp(16), 64, kind=6),
    "CIE Lab of 16 bits": Tiff(ramp(16, 3), 16, 8),
    "raw sensor data of 16 bits": Tiff(ramp(16), 16, 32803),
}


@row("TIFF with signed, 24- and 32-bit integers, complex numbers, 16-bit Lab, sensor data", "everything")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_right_is_refused(what: str, tmp_path: Path) -> None:
    REFUSED[what].write(tmp_path / "x.tif")
    with pytest.raises(MediaError, match=f"is a TIFF of {what}, which is not read; save it as") as told:
        read_picture(tmp_path / "x.tif")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("compression", [PLAIN, LZW, DEFLATE, PACKBITS])
def test_a_tiff_that_was_cut_short_is_refused(compression: int, tmp_path: Path) -> None:
    Tiff(ramp(12), 12, compression=compression).write(tmp_path / "x.tif")
    whole = (tmp_path / "x.tif").read_bytes()
    directory = struct.unpack("<I", whole[4:8])[0]
    (tmp_path / "x.tif").write_bytes(whole[:directory])
    with pytest.raises(MediaError, match=r"x\.tif"):
        read_picture(tmp_path / "x.tif")
    if compression != PLAIN:  # zeros are sound where nothing is packed
        (tmp_path / "x.tif").write_bytes(whole[:8] + bytes(300) + whole[308:])
        with pytest.raises(MediaError, match=r"x\.tif cannot be decoded"):
            read_picture(tmp_path / "x.tif")


@row("raw photographs that are TIFFs", "everything")
def test_a_raw_photograph_is_not_taken_for_its_thumbnail(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as tiff:
        tiff.write(ramp(8, 3).astype(np.uint8), photometric="rgb", subfiletype=1, subifds=1)
        tiff.write(ramp(16, 1, 40, 60).astype(np.uint16))
    (tmp_path / "y.dng").write_bytes((tmp_path / "x.tif").read_bytes())
    for name in ("x.tif", "y.dng"):
        with pytest.raises(
            MediaError, match=rf"{name}: raw photographs cannot be read; develop them to TIFF of 16 bits"
        ):
            read_picture(tmp_path / name)


@row("TIFF whose first picture is a small copy of a later one", "everything")
@pytest.mark.parametrize("bits", [8, 16])
def test_a_small_copy_is_not_taken_for_the_picture(bits: int, tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as tiff:
        tiff.write(ramp(bits, 3).astype(f"u{bits // 8}"), photometric="rgb", subfiletype=1)
        tiff.write(ramp(bits, 3, 40, 60).astype(f"u{bits // 8}"), photometric="rgb")
    for read in (read_header, read_picture):
        with pytest.raises(MediaError, match=r"x\.tif is a TIFF whose first picture is a small copy of a later one"):
            read(tmp_path / "x.tif")


def test_a_description_of_the_storage_is_not_handed_on(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", ramp(16)[..., 0].astype(np.uint16))
    assert '"shape"' in tifffile.TiffFile(tmp_path / "x.tif").pages[0].description
    exif = Pillow.Exif()
    exif.load(read_picture(tmp_path / "x.tif").exif or b"")
    assert 270 not in exif
    with Pillow.open(io.BytesIO((tmp_path / "x.tif").read_bytes())) as image:
        assert 270 in image.getexif()
