"""TIFF beyond 8 bits: what the numbers of a file mean, whichever of its many forms they are stored in.

Pillow knows TIFFs of 8 bits a channel and fewer. All others are read here, to TIFF 6.0 and its supplements: a strip or
tile is unpacked into bytes, the bytes become numbers, the numbers brightness from black to white, and colour that is
multiplied by its transparency is divided by it again. tifffile finds the parts, libtiff (in Pillow) unpacks them.
"""

from __future__ import annotations

import io
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile
from PIL import Image as Pillow
from PIL import TiffImagePlugin, TiffTags

from ...core.errors import MediaError
from .arrays import canonical, channels_last, check_bytes
from .colour import upright
from .deep import full_range
from .kinds import RAW
from .picture import Picture, Pixels, of_depth, peak

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK = 0, 1, 2, 3, 5
"""PhotometricInterpretation."""
_FOREIGN = {
    4: "a mask", 5: "CMYK", 6: "YCbCr", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32803: "raw sensor data",
    32844: "LogL", 32845: "LogLuv", 34892: "raw sensor data",
}  # fmt: skip
_PLAIN, _DEFLATE = (1,), (8, 32946)
_BY_LIBTIFF = (5, 32773, 34925, 50000)  # LZW, PackBits, LZMA, Zstandard: what packs bytes whatever they mean
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it speaks of doubtful tags; here files are judged once

_DNG_VERSION = 50706
_PAGES_COUNTED = 100
_BITS_AT_ONCE = 1 << 24
_LAYOUTS = ("YX", "YXS", "SYX", "YXC", "CYX", "QYX", "IYX")


@dataclass(frozen=True)
class Form:
    """Storage of one picture of a TIFF."""

    width: int
    height: int
    """As stored, before the orientation."""
    samples: int
    bits: int
    kind: int
    """SampleFormat: 1 whole numbers, 2 signed ones, 3 floats."""
    photometric: int
    compression: int
    predictor: int
    planes: bool
    """Whether each channel lies by itself."""
    extras: tuple[int, ...]
    """What the channels beyond the colour are: 1 transparency that the colour is multiplied by, 2 that it is not."""
    reversed_bits: bool
    big: bool
    """Whether the numbers begin with their high byte."""

    @classmethod
    def of(cls, path: Path, page: Any, big: bool) -> Form:
        """The form of a tifffile page. Raises MediaError for channels of unlike depth."""
        bits, kinds = (_values(page, code, (default,)) for code, default in ((258, 1), (339, 1)))
        if len(set(bits)) > 1 or len(set(kinds)) > 1:
            raise MediaError(f"{path} is a TIFF whose channels differ in depth; save it with one depth for all")
        numbers = [_values(page, code, (default,))[0] for code, default in
                   ((256, 0), (257, 0), (277, 1), (262, 1), (259, 1), (317, 1), (284, 1), (266, 1))]  # fmt: skip
        width, height, samples, photometric, compression, predictor, planar, order = numbers
        extras = _values(page, 338, ())
        kind = 1 if kinds[0] == 4 else kinds[0]  # "undefined" is taken for whole numbers by everyone
        return cls(width, height, samples, bits[0], kind, photometric, compression, predictor,
                   planar == 2 and samples > 1, extras, order == 2, big)  # fmt: skip

    @property
    def colours(self) -> int:
        """Channels that are colour."""
        return {RGB: 3, CMYK: 4}.get(self.photometric, 1)

    @property
    def alpha(self) -> int:
        """What the first channel beyond the colour is, as in `extras`; 0 where it is no transparency."""
        left = self.samples - self.colours
        if left == 1 and self.photometric == RGB and not self.extras:
            return 2  # four channels and no word on the fourth: transparency to every program
        return self.extras[0] if left > 0 and self.extras and self.extras[0] in (1, 2) else 0

    @property
    def left_to_pillow(self) -> bool:
        """Whether Pillow knows what its numbers mean where this module does not (JPEG, fax, YCbCr, CMYK, Lab)."""
        return self.kind == 1 and (self.bits <= 8 or self.photometric == CMYK)

    def fault(self, raw: bool = False) -> str | None:
        """Reason why it is not read; None if it is. `raw`: inks are channels like others."""
        if self.photometric in _FOREIGN and not (raw and self.photometric == CMYK):
            return f"{_FOREIGN[self.photometric]} of {self.bits} bits"
        if self.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK):
            return f"photometric interpretation {self.photometric}"
        if self.compression not in (*_PLAIN, *_DEFLATE, *_BY_LIBTIFF):
            return f"{self.bits} bits in compression {self.compression}"
        if self.kind not in (1, 3):
            return "complex numbers" if self.kind in (5, 6) else f"signed numbers of {self.bits} bits"
        if self.bits not in (range(1, 17) if self.kind == 1 else (16, 32, 64)):
            return f"{'whole numbers' if self.kind == 1 else 'floats'} of {self.bits} bits"
        if self.photometric == PALETTE and (self.kind != 1 or self.samples > 1):
            return "a palette of more than one channel"
        if self.predictor not in (1, 2, 3) or (self.predictor == 2 and self.bits % 8):
            return f"predictor {self.predictor} of {self.bits} bits"
        return None


def _values(page: Any, code: int, default: tuple[int, ...]) -> tuple[int, ...]:
    tag = page.tags.get(code)
    if tag is None:
        return default
    try:
        return tuple(int(each) for each in np.atleast_1d(np.asarray(tag.value)).ravel())
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"its tag {TiffTags.lookup(code).name} holds no whole numbers") from error


def form_of(path: Path) -> Form:
    """The form of a TIFF's first picture. Raises MediaError where that is a camera's raw data or a small copy."""
    with _opened(path) as tiff:
        return _form(path, tiff)


def _opened(path: Path) -> tifffile.TiffFile:
    try:
        return tifffile.TiffFile(path)
    except ValueError as error:  # of int(), which is given whatever a tag holds
        raise ValueError("its tags hold no whole numbers") from error


def _form(path: Path, tiff: Any) -> Form:
    if not tiff.pages:
        raise MediaError(f"{path} is a TIFF without a picture")
    page = tiff.pages[0]
    if _DNG_VERSION in page.tags or (_is_small_copy(page) and 330 in page.tags):
        raise MediaError(f"{path}: {RAW.reason}")
    if _is_small_copy(page) and not all(map(_is_small_copy, islice(tiff.pages, _PAGES_COUNTED))):
        raise MediaError(
            f"{path} is a TIFF whose first picture is a small copy of a later one; save the large one alone"
        )
    return Form.of(path, page, tiff.byteorder == ">")


def _is_small_copy(page: Any) -> bool:
    return bool(_values(page, 254, (0,))[0] & 1)


def read_tiff(path: Path, raw: bool = False, decode: bool = True) -> Picture:
    """The first picture of a TIFF, upright; `raw`: with all its channels, be they interleaved, planes or pages.

    With `decode` off the pixels are a stand-in of the same shape and type. Raises MediaError for what cannot be read.
    """
    with _opened(path) as tiff:
        form, page = _form(path, tiff), tiff.pages[0]
        if raw and (series := _pages_as_channels(tiff)) is not None:
            return _stack(path, series, decode)
        if (fault := form.fault(raw)) is not None:
            raise MediaError(f"{path} is a TIFF of {fault}, which is not read; save it as RGB or grey of 16 bits first")
        check_bytes(path, form.width * form.height * form.samples * -(-form.bits // 8))
        values = _decode(path, page, form) if decode else _stand_in(form)
        picture = _interpret(path, values, form, page, raw, decode)
        orientation = _values(page, 274, (1,))[0]
        profile = bytes(page.tags[34675].value) if 34675 in page.tags else None
        full_size = sum(not _is_small_copy(each) for each in list(islice(tiff.pages, _PAGES_COUNTED)))
    return replace(
        picture,
        pixels=upright(picture.pixels, orientation),
        alpha=None if picture.alpha is None else upright(picture.alpha, orientation),
        icc=profile,
        pages=1 if raw else max(1, full_size),
    )


# -- channels that are pages ------------------------------------------------------------------------
def _pages_as_channels(tiff: Any) -> Any:
    """The series that the first pages form together; None where the first page is a picture by itself."""
    series = tiff.series[0] if tiff.series else None
    if series is None or len(series.pages) < 2 or series.axes not in _LAYOUTS or series.dtype is None:
        return None
    return series


def _stack(path: Path, series: Any, decode: bool) -> Picture:
    check_bytes(path, int(series.size) * series.dtype.itemsize)
    values: Pixels = series.asarray() if decode else np.broadcast_to(np.zeros((), series.dtype), series.shape)
    values = channels_last(values, len(series.axes) == 3 and series.axes[0] not in "YX")
    return Picture(canonical(values, str(path)) if decode else values)


# -- bytes into numbers -----------------------------------------------------------------------------
def _dtype(form: Form) -> np.dtype[Any]:
    """What numbers of that form are once they are unpacked: as stored, or in the next larger whole bytes."""
    size = form.bits // 8 if form.kind == 3 else 1 if form.bits <= 8 else 2
    return np.dtype(f"{'f' if form.kind == 3 else 'u'}{size}")


def _stand_in(form: Form) -> Pixels:
    return np.broadcast_to(np.zeros((), _dtype(form)), (form.height, form.width, form.samples))


def _decode(path: Path, page: Any, form: Form) -> Pixels:
    """Every strip or tile in its place: (height, width, samples) of numbers as stored."""
    values = np.zeros((form.height, form.width, form.samples), _dtype(form))
    tiled = 322 in page.tags
    across, down = (_values(page, code, (0,))[0] for code in (322, 323)) if tiled else (form.width, page.rowsperstrip)
    if across <= 0 or down <= 0:
        raise ValueError("its strips or tiles have no size")
    down = down if tiled else min(down, form.height)
    check_bytes(path, across * down * form.samples * -(-form.bits // 8))
    columns, rows = -(-form.width // across), -(-form.height // down)
    offsets, lengths = page.dataoffsets, page.databytecounts
    channels = 1 if form.planes else form.samples
    if len(offsets) < columns * rows * (form.samples if form.planes else 1) or len(lengths) < len(offsets):
        raise ValueError("strips or tiles are missing")
    for index in range(columns * rows * (form.samples if form.planes else 1)):
        plane, place = divmod(index, columns * rows)
        top, left = place // columns * down, place % columns * across
        height = down if tiled else min(down, form.height - top)
        page.parent.filehandle.seek(offsets[index])
        part = _numbers(page.parent.filehandle.read(lengths[index]), form, (height, across, channels))
        shown = values[top : top + height, left : left + across, plane : plane + channels]
        shown[...] = part[: shown.shape[0], : shown.shape[1]]
    return values


def _numbers(data: bytes, form: Form, shape: tuple[int, int, int]) -> Pixels:
    height, width, channels = shape
    row = -(-width * channels * form.bits // 8)
    flat = np.frombuffer(_unpack(data, form, row, height), np.uint8, row * height).reshape(height, row)
    dtype = _dtype(form)
    if form.predictor == 3:
        return _float_differences(flat, channels, dtype).reshape(shape)
    if form.bits % 8:
        values = _bit_fields(flat, form.bits, width * channels).astype(dtype).reshape(shape)
    else:
        stored = dtype.newbyteorder(">" if form.big else "<")
        values = flat.view(stored).astype(dtype).reshape(shape)
    if form.predictor == 2:
        whole = values.view(f"u{dtype.itemsize}")
        np.cumsum(whole, axis=1, dtype=whole.dtype, out=whole)
    return values


def _unpack(data: bytes, form: Form, row: int, rows: int) -> bytes:
    """The bytes of a strip or tile, `rows` of `row` bytes each. Raises ValueError or OSError where they do not come."""
    if form.reversed_bits:
        data = np.packbits(np.unpackbits(np.frombuffer(data, np.uint8)), bitorder="little").tobytes()
    if form.compression in _DEFLATE:
        data = zlib.decompressobj().decompress(data, row * rows)
    elif form.compression not in _PLAIN:
        data = _by_libtiff(data, form.compression, row, rows)
    if len(data) < row * rows:
        raise ValueError(f"a strip or tile holds {len(data)} bytes of {row * rows}")
    return data


def _by_libtiff(data: bytes, compression: int, row: int, rows: int) -> bytes:
    """What packs bytes does not ask for their meaning: as a grey picture of 8 bits, `row` wide, any is unpacked."""
    directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=b"II*\0\0\0\0\0")
    tags = {256: row, 257: rows, 258: 8, 259: compression, 262: 1, 273: 0, 277: 1, 278: rows, 279: len(data), 284: 1}
    for tag, value in tags.items():  # the place of the data (273) is counted from the end of the directory
        directory.tagtype[tag] = TiffTags.LONG
        directory[tag] = value
    file = io.BytesIO(b"II*\0\x08\0\0\0" + directory.tobytes(8) + data)
    with Pillow.open(file, formats=("TIFF",)) as image:
        return image.tobytes()


def _bit_fields(flat: Pixels, bits: int, count: int) -> Pixels:
    """Numbers of any number of bits, high bit first, that begin anew with every row (rows, bytes)."""
    values = np.zeros((len(flat), count), np.uint16)
    step = max(1, _BITS_AT_ONCE // max(1, count * bits))
    for top in range(0, len(flat), step):
        part = values[top : top + step]
        fields = np.unpackbits(flat[top : top + step], axis=1, count=count * bits).reshape(len(part), count, bits)
        for bit in range(bits):
            part <<= 1
            part |= fields[..., bit]
    return values


def _float_differences(flat: Pixels, channels: int, dtype: np.dtype[Any]) -> Pixels:
    """Undo predictor 3 (Adobe, TIFF technical note 3): bytes of like weight lie together, as differences."""
    summed = flat.reshape(len(flat), -1, channels)
    summed = np.cumsum(summed, axis=1, dtype=np.uint8).reshape(len(flat), dtype.itemsize, -1)
    return np.ascontiguousarray(summed.swapaxes(1, 2)).view(dtype.newbyteorder(">"))[..., 0].astype(dtype)


# -- numbers into brightness ------------------------------------------------------------------------
def _interpret(path: Path, values: Pixels, form: Form, page: Any, raw: bool, decode: bool) -> Picture:
    """Values as stored as a picture: black is 0, white the type's largest value."""
    notes = [f"its {form.bits}-bit floats are read as 32-bit ones"] if form.bits == 64 else []
    if form.photometric == PALETTE:
        values = _look_up(values[..., 0], _values(page, 320, ()))
    elif decode:
        values = canonical(full_range(values, form.bits) if form.kind == 1 else values, str(path))
        if form.photometric == WHITE_IS_ZERO:
            values = np.concatenate([_invert(values[..., :1]), values[..., 1:]], axis=2)
    colours = values.shape[2] if form.photometric == PALETTE else form.colours
    if not (form.alpha and form.samples == form.colours + 1) and (raw or form.photometric < RGB):
        return Picture(values, notes=tuple(notes))  # bands of a recording, not grey and something more
    alpha = values[..., colours : colours + 1] if form.alpha else None
    surplus = form.samples - form.colours - bool(form.alpha)
    if surplus and form.photometric != PALETTE:
        notes.append(f"{surplus} of its channels are neither colour nor transparency and are left out")
    pixels = values[..., :colours]
    if form.alpha == 1 and alpha is not None and decode:
        pixels = divided(pixels, alpha)
    return Picture(pixels, alpha, notes=tuple(notes))


def _invert(values: Pixels) -> Pixels:
    return cast(Pixels, values.dtype.type(peak(values.dtype)) - values)


def _look_up(places: Pixels, palette: Sequence[int]) -> Pixels:
    """The colours (H, W, 3) of 8 bits at those places of a ColorMap: all reds, greens and blues, of 16 bits each."""
    colours: Pixels = np.array(palette, np.uint16).reshape(3, -1)
    if colours.max() > 255:  # some writers put 8-bit values there: libtiff's own programs look out for them too
        colours >>= 8
    return cast(Pixels, colours.astype(np.uint8).T[places])


def divided(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Colour that was multiplied by its transparency, as it was before; where nothing is seen it is left."""
    top = peak(pixels.dtype)
    share = of_depth(alpha, np.dtype(np.float32))
    straight = np.divide(pixels.astype(np.float32), share, out=pixels.astype(np.float32), where=share > 0)
    straight = straight.clip(0.0, top)
    return np.rint(straight).astype(pixels.dtype) if pixels.dtype.kind == "u" else straight
