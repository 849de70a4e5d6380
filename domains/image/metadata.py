"""Metadata of a picture file: EXIF, XMP, IPTC, comments, additional pictures."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import ExifTags
from PIL import Image as Pillow

# Tags that describe how a file stores its pixels, and copies of the picture; all others are the photographer's.
_STRUCTURAL = frozenset(
    [254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 284, 288, 289, 292, 293,
     317, 318, 319, 320, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517,
     518, 519, 520, 521, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724, 50838, 50839]
)  # fmt: skip
_DESCRIPTION, _IPTC, _RECORDS, _LAYERS = 270, 33723, 34377, 37724
_STORAGE = ('{"shape"', "ImageJ=", "<?xml version")
"""First words of descriptions that programs write of the file's own structure (tifffile, ImageJ, OME)."""
_IPTC_OF_PHOTOSHOP = 0x0404
_OWN_AFFAIRS = frozenset([_IPTC_OF_PHOTOSHOP, 0x03ED, 0x0409, 0x040C, 0x0425])
"""Photoshop's records that are kept otherwise or describe the file as it was: IPTC, resolution, thumbnails, a sum."""
_KNOWN_SEGMENTS = (
    b"JFIF",
    b"JFXX",
    b"Exif",
    b"ICC_PROFILE",
    b"MPF",
    b"Adobe",
    b"Photoshop 3.0",
    b"http://ns.adobe.com/xap/",
)
_GAIN_MAP = (b"http://ns.adobe.com/hdr-gain-map/", b"HDRGainMap")
_XMP_IN_GIF, _END_IN_GIF = b"\x21\xff\x0bXMP DataXMP", bytes([1, *range(255, -1, -1), 0])
_ORIENTATION = re.compile(rb"(tiff:Orientation(?:=\"|='|>))[2-8]")
_EXTENSION = re.compile(rb"\s*xmpNote:HasExtendedXMP=(\"[^\"]*\"|'[^']*')")


def exif_without_orientation(source: Pillow.Exif, width: int, height: int) -> tuple[bytes | None, Sequence[str]]:
    """The EXIF block for the upright picture of that size, without thumbnail, and a sentence on what of it is broken.

    None where there is no block. Broken metadata is no reason to refuse sound pixels, and Pillow's parser raises nearly
    anything on it.
    """
    camera_group, place_group = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
    try:
        general = {tag: value for tag, value in source.items() if tag not in (*_STRUCTURAL, camera_group, place_group)
                   and not _describes_storage(tag, value)}  # fmt: skip
        camera, place = (dict(source.get_ifd(group)) for group in (camera_group, place_group))
    except Exception:
        return None, ("its EXIF is broken and left out",)
    camera.pop(ExifTags.IFD.Interop, None)
    if ExifTags.Base.ExifImageWidth in camera:
        camera[ExifTags.Base.ExifImageWidth], camera[ExifTags.Base.ExifImageHeight] = width, height
    kept, broken = Pillow.Exif(), list[str]()
    for group, tags in ((None, general), (camera_group, camera), (place_group, place)):
        sound = {tag: value for tag, value in tags.items() if _is_writable(tag, value)}
        names = ExifTags.GPSTAGS if group == place_group else ExifTags.TAGS
        broken += [names.get(tag, str(tag)) for tag in tags if tag not in sound]
        if group is None:
            for tag, value in sound.items():
                kept[tag] = value
        elif sound:
            kept[group] = sound
    notes = (f"broken tags of its EXIF are left out ({', '.join(broken)})",) if broken else ()
    return (kept.tobytes() if len(kept) else None), notes


def _is_writable(tag: int, value: object) -> bool:
    """Whether a tag of EXIF holds what its kind may hold: some programs write fractions as text."""
    alone = Pillow.Exif()
    alone[tag] = value
    try:
        alone.tobytes()
    except Exception:
        return False
    return True


def _describes_storage(tag: int, value: object) -> bool:
    return tag == _DESCRIPTION and isinstance(value, str) and value.startswith(_STORAGE)


def exif_of_tiff(path: Path, width: int, height: int) -> tuple[bytes | None, Sequence[str]]:
    """The same of a TIFF that Pillow does not know: its tags are those of EXIF."""
    exif = Pillow.Exif()
    with path.open("rb") as file:
        try:
            exif.load_from_fp(file)
        except Exception:
            return None, ("its tags are broken and left out",)
        return exif_without_orientation(exif, width, height)


def xmp_of(info: dict[Any, Any]) -> bytes | None:
    """The XMP packet of an upright picture; None where there is none, or where it describes a gain map besides."""
    packet = info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet.strip(b"\0 \n") or any(mark in packet for mark in _GAIN_MAP):
        return None
    return _EXTENSION.sub(b"", _ORIENTATION.sub(rb"\g<1>1", packet))


def packet_in_gif(path: Path) -> bytes | None:
    """The XMP packet of a GIF, which Pillow passes over: raw text in an extension, up to bytes that count down."""
    content = path.read_bytes()
    start = content.find(_XMP_IN_GIF) + len(_XMP_IN_GIF)
    end = content.find(_END_IN_GIF[:4], start)
    return content[start:end] if start >= len(_XMP_IN_GIF) and end >= 0 else None


def with_packet(gif: bytes, packet: bytes) -> bytes:
    """A GIF with an XMP packet behind its colours; extensions came with GIF89a."""
    flags = gif[10]
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    return b"GIF89a" + gif[6:place] + _XMP_IN_GIF + packet + _END_IN_GIF + gif[place:]


def iptc_of(image: Pillow.Image) -> bytes | None:
    """The IPTC records of a JPEG or TIFF."""
    photoshop = image.info.get("photoshop")
    if isinstance(photoshop, dict):
        found = photoshop.get(_IPTC_OF_PHOTOSHOP)
    else:
        found = getattr(image, "tag_v2", {}).get(_IPTC)
        if isinstance(found, tuple):  # four bytes a number, by an old mistake that became custom
            found = struct.pack(f"<{len(found)}I", *found) if all(isinstance(each, int) for each in found) else None
    return found if isinstance(found, bytes) and found.startswith(b"\x1c") else None


def comment_of(image: Pillow.Image) -> bytes | None:
    """The comment of a JPEG or GIF."""
    found = image.info.get("comment") if image.format in ("JPEG", "MPO", "GIF") else None
    return found.encode() if isinstance(found, str) else found if isinstance(found, bytes) and found else None


def notes_of(path: Path, image: Pillow.Image) -> Iterator[str]:
    """Contents of a file beside its first picture that are not read, one sentence each."""
    if image.format in ("BMP", "DIB") and _has_clear_bit(path):
        yield "its transparency of one bit is left out"
    pictures = int(getattr(image, "n_frames", 1)) if image.format == "MPO" else 1
    if _has_gain_map(image):
        yield "its gain map for brighter screens is left out: the picture is the one that every screen shows"
    elif pictures > 1:
        yield f"it holds {pictures} pictures, of which the first is translated and the others are left out"
    lost = list(_segments(image))
    if lost:
        yield f"left out are {', '.join(lost)}"


def _has_clear_bit(path: Path) -> bool:
    """Whether a BMP of 16 bits a pixel has a mask for transparency, which Pillow passes over."""
    with path.open("rb") as file:
        head = file.read(70).ljust(70, b"\0")
    size, bits, compression, mask = (int.from_bytes(head[at : at + n], "little") for at, n in
                                     ((14, 4), (28, 2), (30, 4), (66, 4)))  # fmt: skip
    return bits == 16 and compression in (3, 6) and size >= 56 and mask != 0


def _has_gain_map(image: Pillow.Image) -> bool:
    packet = image.info.get("xmp")
    if isinstance(packet, bytes) and any(mark in packet for mark in _GAIN_MAP):
        return True
    return any(name == "APP2" and b"urn:iso:std:iso:ts:21496" in data[:40] for name, data in _applications(image))


def _applications(image: Pillow.Image) -> list[tuple[str, bytes]]:
    return getattr(image, "applist", [])


def _segments(image: Pillow.Image) -> Iterator[str]:
    """What of a JPEG's application segments is not kept, and of what Photoshop puts into JPEG and TIFF."""
    if any(data.startswith(b"http://ns.adobe.com/xmp/extension/") for _, data in _applications(image)):
        yield "the extension of its XMP"
    if any(name == "APP11" and b"jumb" in data[:32] for name, data in _applications(image)):
        yield "its content credentials, which are signed for the picture as it was"
    strange = {
        name: None
        for name, data in _applications(image)
        if name.startswith("APP") and not data.startswith(_KNOWN_SEGMENTS) and b"jumb" not in data[:32]
        and not data.startswith((b"http://ns.adobe.com/", b"urn:iso:std:iso:ts:21496"))
    }  # fmt: skip
    if strange:
        yield f"its segments {', '.join(strange)}"
    tags, photoshop = getattr(image, "tag_v2", {}), image.info.get("photoshop")
    if _LAYERS in tags:
        yield "its layers, of which the picture is the sum"
    if _RECORDS in tags or (isinstance(photoshop, dict) and set(photoshop) - _OWN_AFFAIRS):
        yield "Photoshop's own records"


def jpeg_segment_of_iptc(records: bytes) -> bytes:
    """IPTC records as the segment of a JPEG that holds them (APP13, Photoshop's)."""
    body = b"Photoshop 3.0\0" + b"8BIM" + struct.pack(">HxxI", _IPTC_OF_PHOTOSHOP, len(records)) + records
    body += b"\0" * (len(records) % 2)
    return b"\xff\xed" + struct.pack(">H", 2 + len(body)) + body
