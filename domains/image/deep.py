"""Pictures of more than 8 bits that Pillow would cut down: PNG, JPEG 2000 and AVIF through OpenCV, and Netpbm.

They are decoded only after Pillow has decoded them without a fault: OpenCV is less careful with damaged files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from PIL import ImageFile

from ...core.errors import MediaError
from .arrays import LARGEST
from .picture import Pixels

_LOOKED_AT = 1 << 16  # bytes of a file in which its boxes are looked for
_TOKEN = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])*(\d+)")


def bits_of(path: Path, image: ImageFile.ImageFile) -> int:
    """Bits a channel of an opened picture that is no TIFF. Raises MediaError for signed numbers."""
    if image.format == "PNG":
        return 16 if any("16" in str(tile.args) for tile in image.tile) else 8
    if image.format == "JPEG2000":
        return _bits_of_codestream(path)
    if image.format == "AVIF":
        place = (head := _head(path)).find(b"av1C")
        flags = head[place + 6] if 0 <= place < len(head) - 6 else 0
        return (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    if image.format == "PPM" and image.mode != "F":
        return max(8, _netpbm_header(_head(path))[3].bit_length())
    return 32 if image.mode == "F" else 8


def is_grey(image: ImageFile.ImageFile) -> bool:
    """Whether an opened picture that is not loaded yet has no colour; Pillow makes RGBA of grey of 16 bits."""
    return image.mode in ("L", "LA", "I;16", "I") or any("LA" in str(tile.args) for tile in image.tile)


def decoded(path: Path, image: ImageFile.ImageFile, bits: int, grey: bool) -> tuple[Pixels, Pixels | None]:
    """Pixels (H, W, 1 or 3) of 16 bits and their transparency, not yet upright, of a picture of more than 8 bits."""
    if image.format == "PPM":
        return _netpbm(path), None
    width, height = image.size
    if width * height * 8 > LARGEST:
        raise MediaError(f"{path} is {width}x{height} at {bits} bits, more than fits into memory")
    flags = cv2.IMREAD_UNCHANGED
    array = cast(Any, cv2.imdecode(np.fromfile(path, np.uint8), flags))
    if array is None or array.dtype != np.uint16 or array.shape[:2] != (height, width):
        raise MediaError(f"{path} holds {bits} bits a channel in a form that cannot be read; save it as 16-bit PNG")
    array = full_range(array if array.ndim == 3 else array[..., None], bits)
    # OpenCV gives blue first, and grey with transparency as four channels.
    clear = array[..., 3:] if array.shape[2] == 4 else None
    return array[..., :1] if grey else array[..., 2::-1], clear


def full_range(values: Pixels, bits: int) -> Pixels:
    """Whole numbers of any number of bits spread over all of 8 or 16 bits."""
    top, full = 2**bits - 1, int(np.iinfo(values.dtype).max)
    if top == full:
        return values
    table = (np.arange(top + 1, dtype=np.uint32) * full + top // 2) // top
    return cast(Pixels, table.astype(values.dtype)[np.minimum(values, top)])


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LOOKED_AT)


def light_of_avif(path: Path) -> bytes | None:
    """The colour of an AVIF as the four bytes of a PNG's cICP chunk (ITU-T H.273); None where it is sRGB or unsaid."""
    head = _head(path)
    place = head.find(b"colrnclx")
    said = head[place + 8 : place + 12] if place >= 0 else b""
    unsaid = said[1:2] == b"\0" and (said[3:4] in (b"\1", b"\2", b"\6", b"\r"))
    return None if len(said) < 4 or unsaid else bytes([said[1], said[3], 0, 1])


def profile_of_jpeg2000(path: Path) -> bytes | None:
    """The ICC profile of a JP2 file, which Pillow passes over."""
    head = _head(path)
    place = head.find(b"colr\2")
    if place < 4:
        return None
    length = int.from_bytes(head[place - 4 : place], "big")
    return head[place + 7 : place - 4 + length] or None


def _bits_of_codestream(path: Path) -> int:
    head = _head(path)
    start = head.find(b"\xff\x4f\xff\x51")
    count = int.from_bytes(head[start + 40 : start + 42], "big") if start >= 0 else 0
    sizes = head[start + 42 : start + 42 + 3 * count : 3]
    if not sizes:
        return 8
    if any(size & 0x80 for size in sizes):
        raise MediaError(f"{path} holds signed values; save it with unsigned ones first")
    depths = {(size & 0x7F) + 1 for size in sizes}
    return max(depths) if len(depths) == 1 else 8


# -- Netpbm -----------------------------------------------------------------------------------------
def _netpbm_header(data: bytes) -> tuple[int, int, int, int, int]:
    """Kind (1 to 6), width, height, largest value and length of a Netpbm file's head."""
    kind, place, numbers = int(data[1:2]), 2, []
    for _ in range(2 if kind in (1, 4) else 3):
        found = _TOKEN.match(data, place)
        if found is None:
            raise ValueError("its head is damaged")
        numbers.append(int(found[1]))
        place = found.end()
    width, height, top = (*numbers, 1)[:3]
    return kind, width, height, top, place + 1


def _netpbm(path: Path) -> Pixels:
    data = path.read_bytes()
    kind, width, height, top, start = _netpbm_header(data)
    shape = height, width, 3 if kind in (3, 6) else 1
    count = height * width * shape[2]
    if kind in (2, 3):
        words = re.sub(rb"#[^\n\r]*", b"", data[start:]).split(maxsplit=count)[:count]
        values = np.array(words, np.uint32)
    else:
        values = np.frombuffer(data, ">u2", count, start).astype(np.uint32)
    if len(values) < count:
        raise ValueError(f"it holds {len(values)} of {count} values")
    return ((np.minimum(values, top) * 65535 + top // 2) // top).astype(np.uint16).reshape(shape)
