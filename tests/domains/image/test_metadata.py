"""What stands in a picture's file beside its pixels: kept, or said in a note."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from kept import row
from PIL import ExifTags, ImageCms, MpoImagePlugin
from PIL import Image as Pillow

from unpaired import Image, MediaError, Translator
from unpaired.domains.image.encoding import save_picture
from unpaired.domains.image.files import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:title="a title"/></x:xmpmeta>'
IPTC = b"\x1c\x02\x78\x00\x09a caption"
Array = npt.NDArray[Any]


def notes(source: Path, target: Path, translator: Translator) -> list[str]:
    return [note.text for note in translator.convert(source, target).notes]


# -- PNG --------------------------------------------------------------------------------------------
def png(path: Path, rows: Array, bits: int, colour_type: int, chunks: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """A PNG of packed rows (H, bytes)."""

    def framed(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width = rows.shape[1] * 8 // bits // {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    header = struct.pack(">IIBBBBB", width, len(rows), bits, colour_type, 0, 0, 0)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed(*part) for part in parts))


def chunks_in(path: Path) -> dict[bytes, bytes]:
    data, place, found = path.read_bytes(), 8, {}
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        found[kind] = data[place + 8 : place + 8 + length]
        place += 12 + length
    return found


COLOUR = {
    b"gAMA": struct.pack(">I", 100_000), b"cHRM": struct.pack(">8I", *range(20_000, 100_000, 10_000)),
    b"cICP": b"\x09\x10\0\1", b"mDCV": bytes(range(24)), b"cLLI": struct.pack(">II", 10**7, 4 * 10**6),
}  # fmt: skip
TEXTS = {b"tEXt": b"Title\0a title", b"zTXt": b"Source\0\0" + zlib.compress(b"a scanner"),
         b"iTXt": b"Author\0\0\0\0\0Gr\xc3\xbc\xc3\x9fe"}  # fmt: skip
OTHERS = {b"pHYs": struct.pack(">IIB", 3, 2, 0), b"oFFs": struct.pack(">iiB", 5, 6, 0), b"prVt": b"of a program's own"}


@row("PNG", "gAMA, cHRM, cICP, HDR levels, texts, pixel aspect, private chunks that may be copied")
@pytest.mark.parametrize("bits", [8, 16])
def test_chunks_of_png_are_kept(bits: int, translator: Translator, tmp_path: Path) -> None:
    kept = COLOUR | TEXTS | OTHERS
    png(tmp_path / "x.png", np.full((20, 20 * 3 * bits // 8), 90, np.uint8), bits, 2, kept.items())
    assert notes(tmp_path / "x.png", tmp_path / "y.png", translator) == []
    written = chunks_in(tmp_path / "y.png")
    assert {kind: written.get(kind) for kind in kept} == kept
    assert next(iter(written)) == b"IHDR"
    assert list(written).index(b"gAMA") < list(written).index(b"IDAT")
    with Pillow.open(tmp_path / "y.png") as image:
        image.load()


def test_private_chunks_of_one_kind_are_all_kept(translator: Translator, tmp_path: Path) -> None:
    private = [(b"prVt", b"one"), (b"prVt", b"two"), (b"prVt", b"two")]
    png(tmp_path / "x.png", np.full((20, 60), 90, np.uint8), 8, 2, private)
    assert notes(tmp_path / "x.png", tmp_path / "y.png", translator) == []
    written = (tmp_path / "y.png").read_bytes()
    assert [written.count(kind + text) for kind, text in private] == [1, 2, 2]


@row("PNG", "significant bits and background")
@pytest.mark.parametrize(
    ("bits", "colour_type", "significant", "background", "expected"),
    [
        (8, 2, b"\5\6\5", struct.pack(">3H", 1, 2, 3), (b"\5\6\5", struct.pack(">3H", 1, 2, 3))),
        (16, 2, b"\x0c\x0c\x0c", struct.pack(">3H", 1, 2, 3), (b"\x0c\x0c\x0c", struct.pack(">3H", 1, 2, 3))),
        (16, 0, b"\x0a", struct.pack(">H", 7), (b"\x0a\x0a\x0a", struct.pack(">3H", 7, 7, 7))),
        (8, 6, b"\5\6\5\4", struct.pack(">3H", 1, 2, 3), (b"\5\6\5\4", struct.pack(">3H", 1, 2, 3))),
    ],
)
def test_what_is_said_of_channels_fits_the_channels_that_are_written(
    bits: int, colour_type: int, significant: bytes, background: bytes, expected: tuple[bytes, bytes],
    translator: Translator, tmp_path: Path,
) -> None:  # fmt: skip
    width = 20 * {0: 1, 2: 3, 6: 4}[colour_type] * bits // 8
    chunks = {b"sBIT": significant, b"bKGD": background}
    png(tmp_path / "x.png", np.full((20, width), 90, np.uint8), bits, colour_type, chunks.items())
    assert notes(tmp_path / "x.png", tmp_path / "y.png", translator) == []
    written = chunks_in(tmp_path / "y.png")
    assert (written[b"sBIT"], written[b"bKGD"]) == expected


@row("PNG", "chunks that do not apply to another picture")
def test_chunks_that_must_not_be_copied_are_named(translator: Translator, tmp_path: Path) -> None:
    lost = {b"sPLT": b"x\0\x08", b"prVT": b"of the pixels", b"tIME": struct.pack(">H5B", 2020, 1, 2, 3, 4, 5)}
    png(tmp_path / "x.png", np.full((20, 60), 90, np.uint8), 8, 2, lost.items())
    assert notes(tmp_path / "x.png", tmp_path / "y.png", translator) == ["left out are its chunks sPLT, prVT"]
    assert not set(lost) & set(chunks_in(tmp_path / "y.png"))


@row("PNG to another format", "gAMA, cHRM, cICP and texts")
def test_what_only_png_holds_is_said(translator: Translator, tmp_path: Path) -> None:
    rows = np.full((20, 60), 90, np.uint8)
    png(tmp_path / "x.png", rows, 8, 2, (COLOUR | TEXTS).items())
    (said,) = notes(tmp_path / "x.png", tmp_path / "y.jpg", translator)
    assert said.startswith(
        "JPEG cannot hold the gamma and primaries that its PNG states (its numbers are taken as sRGB)"
    )
    assert said.endswith("its texts (Author, Source, Title)")
    usual = {b"gAMA": struct.pack(">I", 45_455), b"sRGB": b"\0", b"pHYs": struct.pack(">IIB", 2835, 2835, 1)}
    png(tmp_path / "x.png", rows, 8, 2, usual.items())
    assert notes(tmp_path / "x.png", tmp_path / "y.webp", translator) == []


@row("PNG of grey and RGB", "the transparent colour")
@pytest.mark.parametrize(("bits", "colour_type"), [(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2)])
def test_the_clear_colour_is_transparency_at_every_depth(bits: int, colour_type: int, tmp_path: Path) -> None:
    channels = 3 if colour_type == 2 else 1
    values = np.zeros((4, 8, channels), np.uint32)
    values[1:, 2:] = 2**bits - 1
    values[2, 3] = 1 if bits == 1 else 2
    key = int(values[2, 3, 0])
    spread = (values.reshape(4, -1, 1) >> np.arange(bits)[::-1]) & 1
    packed = np.packbits(spread.reshape(4, -1).astype(np.uint8), axis=1)
    png(tmp_path / "x.png", packed, bits, colour_type, [(b"tRNS", struct.pack(f">{channels}H", *[key] * channels))])
    found = read_picture(tmp_path / "x.png")
    assert found.alpha is not None
    full = np.iinfo(found.pixels.dtype).max
    assert np.array_equal(found.alpha[..., 0], np.where(values[..., 0] == key, 0, full))
    assert np.array_equal(found.pixels, values * full // (2**bits - 1))


# -- JPEG -------------------------------------------------------------------------------------------
def jpeg(path: Path, *segments: bytes, **options: Any) -> None:
    buffer = io.BytesIO()
    Pillow.new("RGB", (40, 24), "teal").save(buffer, "JPEG", quality=95, **options)
    data = buffer.getvalue()
    path.write_bytes(data[:2] + b"".join(segments) + data[2:])


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data


PHOTOSHOP = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC


@row("JPEG", "XMP, IPTC, comment, EXIF, profile")
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp", ".avif", ".bmp", ".gif"])
def test_what_surrounds_a_jpeg_is_kept_or_named(suffix: str, translator: Translator, tmp_path: Path) -> None:
    exif = Pillow.Exif()
    exif[271] = "A maker"
    jpeg(tmp_path / "x.jpg", segment(0xED, PHOTOSHOP), xmp=XMP, comment=b"a comment", exif=exif.tobytes(),
         icc_profile=SRGB)  # fmt: skip
    said = notes(tmp_path / "x.jpg", tmp_path / f"y{suffix}", translator)
    found = read_picture(tmp_path / f"y{suffix}")
    expected = {
        "its XMP": found.xmp == XMP.replace(b'tiff:Orientation="6"', b'tiff:Orientation="1"'),
        "its IPTC": (found.iptc or b"").rstrip(b"\0") == IPTC,
        "its comment": found.comment == b"a comment" or (b"iTXt", b"Comment\0\0\0\0\0a comment") in found.chunks,
        "its EXIF": found.exif is not None,
        "its colour profile": found.icc == SRGB,
    }
    assert len(said) <= 1
    for words, kept in expected.items():
        assert kept != any(words in line for line in said), words
    wanted = {".jpg": 5, ".png": 4, ".tif": 4, ".webp": 3, ".avif": 3, ".bmp": 0, ".gif": 2}
    assert sum(expected.values()) == wanted[suffix]


@row("JPEG", "segments of other programs, content credentials, Photoshop's records, extended XMP")
def test_what_nobody_here_knows_is_named(translator: Translator, tmp_path: Path) -> None:
    path = PHOTOSHOP + b"8BIM\x07\xd0\0\0" + struct.pack(">I", 4) + b"path"
    jpeg(tmp_path / "x.jpg", segment(0xEC, b"Ducky\0\1"), segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb"),
         segment(0xED, path), segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0abc"))  # fmt: skip
    (said,) = notes(tmp_path / "x.jpg", tmp_path / "y.jpg", translator)
    assert said == ("left out are the extension of its XMP, its content credentials, which are signed for the picture "
                    "as it was, its segments APP12, Photoshop's own records")  # fmt: skip
    jpeg(tmp_path / "plain.jpg")
    assert notes(tmp_path / "plain.jpg", tmp_path / "z.jpg", translator) == []


@row("MPO, JPEG with a gain map", "additional pictures")
def test_further_pictures_of_a_jpeg_are_said(translator: Translator, tmp_path: Path) -> None:
    first, second = (Pillow.new("RGB", (40, 24), colour) for colour in ("teal", "red"))
    first.save(tmp_path / "x.mpo", save_all=True, append_images=[second])
    assert isinstance(Pillow.open(tmp_path / "x.mpo"), MpoImagePlugin.MpoImageFile)
    expected = ["it holds 2 pictures, of which the first is translated and the others are left out"]
    assert notes(tmp_path / "x.mpo", tmp_path / "y.jpg", translator) == expected
    assert read_picture(tmp_path / "x.mpo").pixels[0, 0, 0] < 20
    gain = XMP.replace(b"tiff:", b'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" tiff:')
    jpeg(tmp_path / "x.jpg", xmp=gain)
    (said,) = notes(tmp_path / "x.jpg", tmp_path / "y.jpg", translator)
    assert said.startswith("its gain map for brighter screens is left out")
    assert read_picture(tmp_path / "y.jpg").xmp is None, "it would promise a gain map"


@row("any picture", "transparency, depth and colours that the output format lacks")
def test_what_the_format_lacks_is_said(translator: Translator, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 65535, (20, 20, 4), dtype=np.uint16)
    png(tmp_path / "x.png", pixels.astype(">u2").view(np.uint8).reshape(20, -1), 16, 6)
    expected = {
        "y.jpg": ["JPEG cannot hold transparency (composited on white), 16 bits (rounded to 8)"],
        "y.webp": ["WEBP cannot hold 16 bits (rounded to 8)"],
        "y.gif": ["GIF cannot hold more than 256 colours and partial transparency, 16 bits (rounded to 8)"],
        "y.ppm": ["PPM cannot hold transparency (composited on white)"],
        "y.tif": [],
    }
    assert {name: notes(tmp_path / "x.png", tmp_path / name, translator) for name in expected} == expected


@row("grey with a profile", "the profile, if the translation is in colour")
def test_a_profile_for_grey_does_not_go_with_colour(translator: Translator, tmp_path: Path) -> None:
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    Pillow.new("L", (20, 20), 90).save(tmp_path / "x.png", icc_profile=grey)
    assert notes(tmp_path / "x.png", tmp_path / "y.png", translator) == [
        "PNG cannot hold its colour profile with 3 channels"
    ]
    save_picture(read_picture(tmp_path / "x.png"), tmp_path / "z.png", 90)
    assert read_picture(tmp_path / "z.png").icc == grey


@row("TIFF", "its own tags: location (GeoTIFF), artist, description")
@pytest.mark.parametrize("bands", [1, 3, 5])
def test_tags_of_a_tiff_are_kept(bands: int, tmp_path: Path) -> None:
    tags = [
        (33550, "d", 3, (0.5, 0.5, 0.0)),
        (33922, "d", 6, (0.0, 0.0, 0.0, 440720.0, 3751320.0, 0.0)),
        (34735, "H", 8, (1, 1, 0, 1, 1024, 0, 1, 1)),
        (34737, "s", 0, "UTM zone 11N|"),
        (315, "s", 0, "A name"),
    ]
    values = np.zeros((20, 30, bands) if bands > 1 else (20, 30), np.uint16)
    how = {"photometric": "rgb" if bands == 3 else "minisblack", "planarconfig": "contig" if bands > 1 else None}
    given = [(*tag, True) for tag in tags]
    tifffile.imwrite(tmp_path / "x.tif", values, metadata=None, description="a field", extratags=given, **how)
    save_picture(read_picture(tmp_path / "x.tif"), tmp_path / "y.tif", 90)
    written = tifffile.TiffFile(tmp_path / "y.tif").pages[0].tags
    assert {code: written[code].value for code, *_ in tags} == {code: value for code, _, _, value in tags}
    assert written[270].value == "a field"


def test_a_model_whose_channels_the_format_cannot_hold_is_refused_before_it_translates(
    tmp_path: Path, random_translator: Any
) -> None:
    translator = random_translator(Image(mode="channels", channels_a=3, channels_b=2))
    Pillow.new("RGB", (20, 20)).save(tmp_path / "x.png")
    reader = translator.domain.open(tmp_path / "x.png", "a", translator.domain.conversion_type())
    with pytest.raises(MediaError, match=r"y\.png: PNG cannot hold 2 channels; choose \.tif or \.npy"):
        translator.domain.create(tmp_path / "y.png", reader, translator.domain.conversion_type())


@row("JPEG", "EXIF's thumbnail and the orientation")
def test_the_thumbnail_of_the_picture_as_it_was_goes(translator: Translator, tmp_path: Path) -> None:
    small = io.BytesIO()
    Pillow.new("RGB", (16, 12), "red").save(small, "JPEG")
    data = small.getvalue()
    # A directory of the orientation alone, and one of the thumbnail behind it.
    block = b"Exif\0\0II*\0" + struct.pack("<IHHHIII", 8, 1, 274, 3, 1, 6, 26)
    block += struct.pack("<HHHIIHHIII", 2, 513, 4, 1, 56, 514, 4, 1, len(data), 0) + data
    jpeg(tmp_path / "x.jpg", exif=block)
    with Pillow.open(tmp_path / "x.jpg") as image:
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1)[514] == len(data)
    assert notes(tmp_path / "x.jpg", tmp_path / "y.jpg", translator) == []
    with Pillow.open(tmp_path / "y.jpg") as image:
        assert image.size == (24, 40)
        assert dict(image.getexif()) == {}
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1) == {}


@row("TIFF of Photoshop", "layers and Photoshop's own records")
def test_layers_that_show_the_picture_as_it_was_go(translator: Translator, tmp_path: Path) -> None:
    records = [(37724, "B", 8, b"Adobe Ph", True), (34377, "B", 4, b"8BIM", True)]
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((20, 30, 3), np.uint8), photometric="rgb", extratags=records)
    said = notes(tmp_path / "x.tif", tmp_path / "y.tif", translator)
    assert said == ["left out are its layers, of which the picture is the sum, Photoshop's own records"]
    assert not {37724, 34377} & set(tifffile.TiffFile(tmp_path / "y.tif").pages[0].tags.keys())
