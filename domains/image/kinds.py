"""Kinds of picture files: those that are read, and those that are known but not read, with what to do about them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM", "JPEG2000", "TGA", "AVIF")
"""Pillow's names of the formats that are read; its others (EPS runs a program) are not even tried."""
READ = frozenset(
    [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif",
     ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".tga", ".avif", ".npy",
     ".exr", ".sxr", ".mxr", ".dpx"]
)  # fmt: skip
"""Filename endings of supported pictures."""


@dataclass(frozen=True)
class Unread:
    """A kind of picture that is known and not read."""

    what: str
    endings: tuple[str, ...]
    beginnings: tuple[bytes, ...] = ()
    """First bytes of its files; `?` stands for any byte."""
    advice: str = "convert them to PNG or to TIFF of 16 bits first"

    @property
    def reason(self) -> str:
        """Reason why its files are not read and what to do, without the file's name."""
        return f"{self.what} cannot be read; {self.advice}"


_DEVELOP = "develop them to TIFF of 16 bits or to PNG first"
_DRAW = "render them to PNG first"
_SCALE = "scale them to 0 to 1 and save them as TIFF of 16 bits first"
RAW = Unread(
    "raw photographs", (".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2",
    ".raf", ".pef", ".srw", ".x3f", ".3fr", ".fff", ".iiq", ".mef", ".mrw", ".erf", ".kdc", ".dcr", ".rwl",
    ".gpr"), (b"II*\0????CR", b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0", b"FOVb", b"????ftypcrx "), _DEVELOP,
)  # fmt: skip
UNREAD = (
    RAW,
    Unread("HEIC pictures", (".heic", ".heif", ".hif"), tuple(b"????ftyp" + brand for brand in
           (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")), "save them as JPEG or PNG first"),
    Unread("OpenEXR pictures under another name", (), (b"v/1\x01",), "end their names with .exr"),
    Unread("Radiance pictures", (".hdr", ".pic", ".rgbe", ".xyze"), (b"#?RADIANCE", b"#?RGBE"), _SCALE),
    Unread("JPEG XL pictures", (".jxl",), (b"\xff\x0a", b"\0\0\0\x0cJXL ")),
    Unread("JPEG XR pictures", (".jxr", ".wdp", ".hdp"), (b"II\xbc\x01",)),
    Unread("DPX frames under another name", (), (b"SDPX", b"XPDS"), "end their names with .dpx"),
    Unread("Cineon frames", (".cin",), (b"\x80*_\xd7",), "convert them to DPX first"),
    Unread("Photoshop documents", (".psd", ".psb"), (b"8BPS",), "save their pictures as TIFF or PNG first"),
    Unread("documents of drawing programs", (".xcf", ".kra", ".afphoto"), (b"gimp xcf",), "export them as PNG first"),
    Unread("vector drawings", (".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf", ".cdr"), (b"<svg", b"%!PS"), _DRAW),
    Unread("icons", (".ico", ".icns", ".cur"), (b"\0\0\1\0", b"icns"), "save the picture that is meant as PNG first"),
    Unread("textures", (".dds", ".ktx", ".ktx2", ".astc"), (b"DDS ", b"\xabKTX")),
    Unread("pictures of this kind", (".pcx", ".sgi", ".bw", ".ras", ".sun", ".xbm", ".xpm", ".qoi", ".flif", ".bpg",
           ".fits", ".pam", ".wbmp", ".pict", ".pct", ".lbm", ".ilbm", ".jp3d", ".jls", ".jng", ".mng"),
           (b"qoif", b"FLIF", b"BPG\xfb", b"SIMPLE  =", b"P7\n", b"\x8aMNG", b"\x8bJNG")),
    Unread("floating-point maps in colour", (), (b"PF\n",), _SCALE),
    Unread("JPEGs that are damaged, lossless or of 12 bits", (), (b"\xff\xd8\xff",)),
    Unread("archives of arrays", (".npz",), (), "save the array as .npy first"),
)  # fmt: skip
_BY_ENDING = {ending: kind for kind in UNREAD for ending in kind.endings}
SUFFIXES = READ | frozenset(_BY_ENDING)
"""Names that are taken for pictures: also of those that are not read, so that their refusal is said, not hidden."""


def is_picture_name(name: str) -> bool:
    """Whether a file of that name is taken for a picture; hidden files are not."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122 (10x faster)


def unread_by_name(path: Path) -> Unread | None:
    """The kind that is not read, by the name's ending."""
    return _BY_ENDING.get(path.suffix.lower())


def unread_by_content(path: Path) -> Unread | None:
    """The kind that is not read, by how the file begins."""
    with path.open("rb") as file:
        start = file.read(16)
    return next((kind for kind in UNREAD if any(_begins(start, each) for each in kind.beginnings)), None)


def _begins(start: bytes, pattern: bytes) -> bool:
    return len(start) >= len(pattern) and all(p in (ord("?"), s) for s, p in zip(start, pattern, strict=False))
