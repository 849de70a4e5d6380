"""Pictures off the disk and onto it: pixels, depth, transparency, orientation, profile, EXIF."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Pillow
from PIL import ImageCms

from unpaired import MediaError, MissingFile, OutputError
from unpaired.domains.image.encoding import FORMAT_OF, save_picture
from unpaired.domains.image.files import PIXEL_LIMIT, read_header, read_picture
from unpaired.domains.image.picture import Picture, of_depth, peak, resized, to_pixels, to_tensor, with_channels

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_block(orientation: int | None = None) -> bytes:
    exif = Pillow.Exif()
    exif[271] = "A maker"
    if orientation is not None:
        exif[0x0112] = orientation
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0xA002: 999, 0xA003: 888}
    exif[0x8825] = {1: "N", 2: (59.0, 54.0, 30.0)}
    return exif.tobytes()


def noise(*shape: int, dtype: Any = np.uint8) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(sum(shape))
    if np.dtype(dtype).kind == "f":
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


# -- pixels and tensors -----------------------------------------------------------------------------
@given(hnp.arrays(st.sampled_from([np.uint8, np.uint16]), hnp.array_shapes(min_dims=3, max_dims=3, max_side=9)))
@settings(max_examples=60, deadline=None)
def test_pixels_survive_the_way_through_tensors(pixels: np.ndarray[Any, Any]) -> None:
    tensor = to_tensor(pixels)
    assert tensor.shape == (pixels.shape[2], *pixels.shape[:2])
    assert float(tensor.min()) >= -1
    assert float(tensor.max()) <= 1
    assert np.array_equal(to_pixels(tensor, pixels.dtype), pixels)


def test_black_and_white_are_minus_one_and_one() -> None:
    assert to_tensor(np.array([[[0], [255]]], np.uint8)).flatten().tolist() == [-1.0, 1.0]
    assert to_tensor(np.array([[[0], [65535]]], np.uint16)).flatten().tolist() == [-1.0, 1.0]


def test_channels_turn_into_one_another() -> None:
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 255
    assert with_channels(Picture(red), 1, "x").flatten().tolist() == [76] * 4  # 0.299 * 255
    grey = np.full((2, 2, 1), 7, np.uint8)
    assert with_channels(Picture(grey), 3, "x").tolist() == np.full((2, 2, 3), 7).tolist()
    assert with_channels(Picture(red), 4, "x")[..., 3].tolist() == [[255, 255], [255, 255]]
    assert with_channels(Picture(red, alpha=grey), 4, "x")[..., 3].tolist() == [[7, 7], [7, 7]]
    with pytest.raises(MediaError, match=r"x has 5 channels; the model expects 3"):
        with_channels(Picture(np.zeros((2, 2, 5), np.uint8)), 3, "x")


# -- round trips ------------------------------------------------------------------------------------
ANY = [(suffix, channels, dtype) for suffix in (".tif", ".npy") for channels in (1, 3, 5)
       for dtype in (np.uint8, np.uint16, np.float32)]  # fmt: skip
PNG = [(".png", channels, dtype) for channels in (1, 3) for dtype in (np.uint8, np.uint16)]


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize(("suffix", "channels", "dtype"), [*ANY, *PNG])
def test_lossless_formats_keep_every_value(suffix: str, channels: int, dtype: Any, clear: bool, tmp_path: Path) -> None:
    # More than one strip or block of rows, and an odd width.
    pixels = noise(401, 301, channels, dtype=dtype)
    alpha = noise(401, 301, 1, dtype=dtype) if clear else None
    save_picture(Picture(pixels, alpha), tmp_path / f"x{suffix}", 90)
    found = read_picture(tmp_path / f"x{suffix}")
    planes = [found.pixels] if found.alpha is None else [found.pixels, found.alpha]
    expected = pixels if alpha is None else np.concatenate([pixels, alpha], axis=2)
    assert np.array_equal(np.concatenate(planes, axis=2), expected)
    assert found.pixels.dtype == dtype
    if suffix != ".npy":  # arrays do not say which of their channels is transparency
        assert (found.alpha is not None) == clear or channels == 5
    header = read_header(tmp_path / f"x{suffix}")
    assert (header.width, header.height, header.bits) == (301, 401, 8 * np.dtype(dtype).itemsize)


def test_other_programs_read_our_16_bit_files(tmp_path: Path) -> None:
    pixels = noise(70, 50, 3, dtype=np.uint16)
    for suffix in (".png", ".tif"):
        save_picture(Picture(pixels), tmp_path / f"x{suffix}", 90)
        assert np.array_equal(cv2.imread(str(tmp_path / f"x{suffix}"), cv2.IMREAD_UNCHANGED)[..., ::-1], pixels)
    assert np.array_equal(tifffile.imread(tmp_path / "x.tif"), pixels)


@pytest.mark.parametrize(("compression", "planar"), [(None, "contig"), ("zlib", "contig"), ("zlib", "separate")])
def test_16_bit_tiffs_of_other_programs_are_read_whole(compression: str | None, planar: str, tmp_path: Path) -> None:
    pixels = noise(40, 30, 3, dtype=np.uint16)
    stored = pixels if planar == "contig" else pixels.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "x.tif", stored, photometric="rgb", planarconfig=planar, compression=compression)
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, pixels)


def test_a_16_bit_tiff_with_lzw_is_read_whole(tmp_path: Path) -> None:
    pixels = noise(40, 30, 3, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "x.tif"), pixels[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, pixels)


@pytest.mark.parametrize("suffix", sorted(set(FORMAT_OF) - {".pgm"}))
def test_every_format_is_written_and_read(suffix: str, tmp_path: Path) -> None:
    rows, columns = np.mgrid[:40, :60]
    pixels = np.stack([rows * 5, columns * 4, rows + columns], axis=2).astype(np.uint8)
    save_picture(Picture(pixels, exif=exif_block(), icc=SRGB, dpi=(300.0, 300.0)), tmp_path / f"x{suffix}", 95)
    found = of_depth(read_picture(tmp_path / f"x{suffix}").pixels, np.dtype(np.uint8)).astype(float)
    assert np.abs(found - pixels).mean() < 6  # GIF has 256 colours
    assert [path.name for path in tmp_path.iterdir()] == [f"x{suffix}"]


def test_a_format_without_transparency_shows_white(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    save_picture(Picture(pixels, alpha=np.zeros((16, 16, 1), np.uint8)), tmp_path / "x.bmp", 90)
    assert read_picture(tmp_path / "x.bmp").pixels.min() == 255


def test_16_bits_are_rounded_where_the_format_has_8(tmp_path: Path) -> None:
    save_picture(Picture(np.full((8, 8, 3), 257 * 100 + 20, np.uint16)), tmp_path / "x.bmp", 90)
    assert set(read_picture(tmp_path / "x.bmp").pixels.flatten().tolist()) == {100}


# -- orientation and metadata -----------------------------------------------------------------------
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_orientation_is_applied_and_taken_out(suffix: str, orientation: int, tmp_path: Path) -> None:
    from PIL import ImageOps

    image = Pillow.fromarray(np.kron(noise(3, 4, 3), np.ones((16, 16, 1), np.uint8)))
    path = tmp_path / f"x{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    image.save(path, exif=exif_block(orientation), **options)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(path)))
    found = read_picture(path)
    assert np.array_equal(found.pixels, expected)
    assert (read_header(path).height, read_header(path).width) == expected.shape[:2]
    save_picture(found, tmp_path / f"y{suffix}", 95)
    written = Pillow.open(tmp_path / f"y{suffix}")
    assert written.getexif().get(0x0112, 1) == 1
    assert written.size == (expected.shape[1], expected.shape[0])


def test_the_orientation_of_a_16_bit_tiff_is_applied(tmp_path: Path) -> None:
    pixels = noise(5, 7, 3, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(read_picture(tmp_path / "x.tif").pixels, np.rot90(pixels, -1))


@pytest.mark.parametrize(
    ("suffix", "deep"),
    [
        (".jpg", False),
        (".png", False),
        (".tif", False),
        (".webp", False),
        (".avif", False),
        (".png", True),
        (".tif", True),
    ],
)
def test_profile_and_exif_are_kept(suffix: str, deep: bool, tmp_path: Path) -> None:
    Pillow.new("RGB", (40, 20)).save(tmp_path / "x.jpg", exif=exif_block(6), icc_profile=SRGB, dpi=(300, 300))
    found = read_picture(tmp_path / "x.jpg")
    if deep:
        found = Picture(noise(40, 20, 3, dtype=np.uint16), None, found.icc, found.exif, found.dpi)
    save_picture(found, tmp_path / f"y{suffix}", 90)
    written = Pillow.open(tmp_path / f"y{suffix}")
    exif = written.getexif()
    assert written.info["icc_profile"] == SRGB
    assert exif[271] == "A maker"
    assert exif.get_ifd(0x8769) == {0x9003: "2020:01:02 03:04:05", 0xA002: 20, 0xA003: 40}
    assert exif.get_ifd(0x8825) == {1: "N", 2: (59.0, 54.0, 30.0)}
    if suffix in (".jpg", ".png", ".tif"):
        assert written.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_a_profile_of_other_pixels_is_left_out(tmp_path: Path) -> None:
    Pillow.new("L", (4, 4), 9).save(tmp_path / "x.png", icc_profile=SRGB)
    assert read_picture(tmp_path / "x.png").icc is None


def test_broken_exif_does_not_spoil_a_picture(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "x.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_picture(tmp_path / "x.jpg").exif is None


def test_exif_too_long_for_jpeg_is_left_out(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[270] = "x" * 70_000
    save_picture(Picture(noise(8, 8, 3), exif=exif.tobytes()), tmp_path / "x.jpg", 90)
    assert read_picture(tmp_path / "x.jpg").exif is None


# -- modes ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("mode", "channels", "clear"),
    [("1", 1, False), ("L", 1, False), ("LA", 1, True), ("P", 3, False), ("RGB", 3, False), ("RGBA", 3, True),
     ("CMYK", 3, False), ("I;16", 1, False), ("LAB", 3, False)],
)  # fmt: skip
def test_modes(mode: str, channels: int, clear: bool, tmp_path: Path) -> None:
    suffix = ".tif" if mode in ("CMYK", "LAB") else ".png"
    Pillow.new(mode, (6, 5)).save(tmp_path / f"x{suffix}")
    found = read_picture(tmp_path / f"x{suffix}")
    assert found.pixels.shape == (5, 6, channels)
    assert (found.alpha is not None) == clear


def test_cmyk_turns_into_the_right_colours(tmp_path: Path) -> None:
    Pillow.new("CMYK", (4, 4), (255, 0, 0, 0)).save(tmp_path / "x.jpg", quality=100)
    red, green, blue = read_picture(tmp_path / "x.jpg").pixels[0, 0].tolist()
    assert red < 40
    assert min(green, blue) > 200


def test_a_transparent_colour_of_a_palette_is_transparency(tmp_path: Path) -> None:
    image = Pillow.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    image.save(tmp_path / "x.png", transparency=1)
    found = read_picture(tmp_path / "x.png")
    assert found.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert found.alpha is not None
    assert found.alpha.flatten().tolist() == [255, 0]


def test_arrays_are_taken_channels_first_or_last(tmp_path: Path) -> None:
    values = noise(20, 30, 6, dtype=np.uint16)
    np.save(tmp_path / "last.npy", values)
    np.save(tmp_path / "first.npy", values.transpose(2, 0, 1))
    for name in ("last", "first"):
        assert np.array_equal(read_picture(tmp_path / f"{name}.npy").pixels, values)


def test_floats_outside_0_to_1_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4))
    with pytest.raises(MediaError, match=r"x\.npy holds floats from -3 to 3; scale them"):
        read_picture(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.full((3, 4), np.nan, np.float32))
    with pytest.raises(MediaError, match=r"y\.npy"):
        read_picture(tmp_path / "y.npy")


def test_a_pickle_in_an_array_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(MediaError, match=r"x\.npy"):
        read_picture(tmp_path / "x.npy")


# -- bad input --------------------------------------------------------------------------------------
def png_header(width: int, height: int, bits: int = 8) -> bytes:
    """A PNG that claims a size and holds a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(noise(64, 64, 3)).save(buffer, "JPEG")
    return buffer.getvalue()


BAD = {
    "empty.jpg": b"",
    "text.png": b"I am no picture\n" * 50,
    "truncated.jpg": jpeg()[:1500],
    "bomb.png": png_header(60_000, 60_000),
    "deep-bomb.png": png_header(60_000, 60_000, bits=16),
    "just-too-large.png": png_header(PIXEL_LIMIT // 1000 + 1, 1000),
    "cut.png": png_header(300, 300),
    "array.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999, 99999, 3), }"
    + b" " * 46,
    "photo.heic": b"\0\0\0\x18ftypheic" + bytes(64),
    "tiff.tif": b"II*\0\x08\0\0\0\xff\xff",
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(BAD[name])
    with pytest.raises(MediaError) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_absent_files_and_folders(tmp_path: Path) -> None:
    for read in (read_picture, read_header):
        with pytest.raises(MissingFile, match=r"x\.png does not exist"):
            read(tmp_path / "x.png")
        with pytest.raises(MediaError, match="is not a file"):
            read(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 20_000)])
def test_extreme_shapes_are_read(size: tuple[int, int], tmp_path: Path) -> None:
    Pillow.new("RGB", size).save(tmp_path / "x.png")
    assert read_picture(tmp_path / "x.png").pixels.shape == (size[1], size[0], 3)


def test_pages_are_counted_but_small_copies_are_not(tmp_path: Path) -> None:
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with tifffile.TiffWriter(tmp_path / "x.tif") as tiff:
        tiff.write(noise(8, 8, 3), photometric="rgb")
        tiff.write(noise(4, 4, 3), photometric="rgb", subfiletype=1)
    assert read_picture(tmp_path / "x.gif").pages == read_header(tmp_path / "x.gif").pages == 3
    assert read_picture(tmp_path / "x.tif").pages == 1


def test_unknown_endings_are_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"x\.docx: .*\.jpg.*\.png"):
        save_picture(Picture(noise(4, 4, 3)), tmp_path / "x.docx", 90)


def test_what_a_format_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"5 channels; choose \.tif or \.npy"):
        save_picture(Picture(noise(4, 4, 5)), tmp_path / "x.png", 90)
    with pytest.raises(MediaError, match=r"x\.webp: WEBP cannot hold 20000x1"):
        save_picture(Picture(noise(1, 20_000, 3)), tmp_path / "x.webp", 90)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for suffix in (".png", ".tif", ".npy"):
        with pytest.raises(OutputError):
            save_picture(Picture(noise(4, 4, 3)), tmp_path / "file" / f"x{suffix}", 90)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3, 7])
def test_resizing_keeps_the_type_the_channels_and_the_range(channels: int, dtype: Any) -> None:
    pixels = noise(30, 40, channels, dtype=dtype)
    for height, width in ((90, 70), (27, 36), (5, 7), (30, 2)):
        found = resized(pixels, height, width)
        assert found.shape == (height, width, channels)
        assert found.dtype == dtype
        assert found.min() >= 0
        assert found.max() <= peak(np.dtype(dtype))
    flat = np.full((30, 40, channels), peak(np.dtype(dtype)) / 5, dtype)
    assert np.allclose(resized(flat, 11, 61), flat[0, 0, 0])
