"""OpenEXR and DPX pictures: the colour that is translated, and everything else of the file around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...core.errors import MediaError
from . import openexr
from .arrays import check_bytes
from .openimageio import last_error, library, named, named_space
from .picture import Picture, Pixels
from .scene import Cineon, ColourSpace, Display, Light, Primaries, Scene, as_floats
from .settings import View
from .timecode import unpacked

SUFFIXES = {".exr": "EXR", ".sxr": "EXR", ".mxr": "EXR", ".dpx": "DPX"}
_MAGIC = (b"v/1\x01", b"SDPX", b"XPDS")
_MAIN = ("", "rgba", "rgb", "beauty", "combined", "color", "colour", "c", "main")
"""Layers that are taken for the picture itself, the likeliest first."""
_COLOUR = {"r": 0, "red": 0, "g": 1, "green": 1, "b": 2, "blue": 2}
_VIDEO_BITS = 12
_FILM = ("printing density", "logarithmic")


class Part(NamedTuple):
    """A part of an OpenEXR file; a DPX is one."""

    spec: Any
    values: npt.NDArray[Any] | None
    """(H, W, channels) of the data window; None where only headers were read."""


class Layer(NamedTuple):
    """Channels that make up a picture."""

    part: int
    name: str
    colour: tuple[int, ...]
    """Numbers of the channels red, green and blue, or of the one of grey."""
    alpha: int | None


@dataclass(frozen=True)
class Layers:
    """The content of a file, for its counterpart."""

    path: Path
    format: str
    parts: tuple[Part, ...]
    layer: Layer
    canvas: tuple[int, int]
    """Height and width of the picture: data and display window together."""
    window: tuple[slice, slice]
    """Rows and columns of the data window in it."""
    scene: Scene | None
    """The light of the data window; None of values as a screen shows them."""
    shown: Light | None = None
    """What the networks see of that."""
    laid_out: bool = False
    """Whether the picture is laid out for review, and is written without the rest of the file."""

    @property
    def spec(self) -> Any:
        """The header of the part that is translated."""
        return self.parts[self.layer.part].spec

    @property
    def rate(self) -> Fraction | None:
        """Frames a second, where the file says."""
        value = self.spec.getattribute("FramesPerSecond") or self.spec.getattribute("dpx:FrameRate")
        value = value or self.spec.getattribute("dpx:TelevisionFrameRate")
        try:
            rate = Fraction(*value) if isinstance(value, tuple) else Fraction(value or 0).limit_denominator(100_000)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        return rate if Fraction(1, 100) <= rate <= 1000 else None

    @property
    def timecode(self) -> str | None:
        """That of the frame, where the file says."""
        value = self.spec.getattribute("smpte:TimeCode")
        return unpacked(int(value[0])) if isinstance(value, tuple) else None

    @property
    def aspect(self) -> Fraction:
        """How many times as wide as high a pixel is."""
        value = self.spec.getattribute("PixelAspectRatio")
        stretched = isinstance(value, float) and 0.1 <= value <= 10
        return Fraction(value).limit_denominator(1000) if stretched else Fraction(1)


def is_cropped(picture: Picture) -> bool:
    """Whether a picture shows more than its file holds: the data window is smaller than the display window."""
    layers = picture.layers
    return isinstance(layers, Layers) and (layers.spec.height, layers.spec.width) != layers.canvas


def laid_out(layers: object) -> object:
    """The content of a file, if there is any, for a picture that is laid out for review."""
    return replace(layers, laid_out=True) if isinstance(layers, Layers) else layers


def is_layered(path: Path) -> bool:
    """Whether a file is OpenEXR or DPX, by its name and how it begins."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def prepare_files(*paths: Path) -> None:
    """Load what pictures of such names need, before threads ask for it. Raises MediaError where it is not installed."""
    if any(path.suffix.lower() in SUFFIXES for path in paths):
        library()
        openexr.prepare()


def read_layers(path: Path, view: View, decode: bool = True) -> Layers:
    """The whole file; without `decode` its headers. Raises MediaError for one without colour, deep or damaged."""
    parts = tuple(read_parts(path, decode))
    layer = _layer(path, parts)
    spec = parts[layer.part].spec
    display = spec.full_y, spec.full_x, spec.full_y + spec.full_height, spec.full_x + spec.full_width
    data = spec.y, spec.x, spec.y + spec.height, spec.x + spec.width
    top, left = min(display[0], data[0]), min(display[1], data[1])
    canvas = max(display[2], data[2]) - top, max(display[3], data[3]) - left
    check_bytes(path, canvas[0] * canvas[1] * 4 * 4)
    window = slice(spec.y - top, data[2] - top), slice(spec.x - left, data[3] - left)
    kind = SUFFIXES[path.suffix.lower()]
    space = _space(kind, spec, view)
    scene = None
    values = parts[layer.part].values
    if values is not None and space is not None:
        alpha = None if layer.alpha is None else values[..., layer.alpha : layer.alpha + 1]
        scene = Scene(_channels(values, layer.colour), alpha, space, view.exposure)
    return Layers(path, kind, parts, layer, canvas, window, scene)


def read_layered(path: Path, view: View) -> Picture:
    """The translated layer as the networks see it, with the rest of the file. Raises as `read_layers`."""
    layers = read_layers(path, view)
    values = layers.parts[layers.layer.part].values
    assert values is not None
    shown = _channels(values, layers.layer.colour) if layers.scene is None else layers.scene.shown()
    pixels = _on_canvas(layers, shown)
    alpha = None
    if layers.layer.alpha is not None:
        own = values[..., layers.layer.alpha : layers.layer.alpha + 1]
        if layers.scene is not None:
            own = seen_alpha(own)
        alpha = _on_canvas(layers, own)
    notes = tuple(_notes(layers, view))
    layers = replace(layers, shown=None if layers.scene is None else pixels[layers.window])
    return Picture(pixels, alpha, layers=_without_others(layers), notes=notes)


def read_parts(path: Path, decode: bool) -> Iterator[Part]:
    oiio = library()
    with named(path) as name:
        source = oiio.ImageInput.open(name)
        if source is None:
            raise MediaError(f"{path} cannot be decoded: {last_error(oiio)}")
        try:
            number = 0
            while source.seek_subimage(number, 0):
                spec = source.spec()
                if spec.deep:
                    raise MediaError(f"{path} is a deep picture; flatten it first")
                check_bytes(path, spec.width * spec.height * spec.nchannels * 4)
                values = source.read_image(number, 0, 0, spec.nchannels, _type_of(spec)) if decode else None
                if decode and values is None:
                    raise MediaError(f"{path} cannot be decoded: {last_error(source)}")
                yield Part(spec, values)
                number += 1
        finally:
            source.close()


def _type_of(spec: Any) -> str:
    """The type that holds all channels of a part."""
    kinds = {str(kind) for kind in spec.channelformats} or {str(spec.format)}
    return kinds.pop() if len(kinds) == 1 else "float"


def _layer(path: Path, parts: Sequence[Part]) -> Layer:
    """The layer that is the picture itself."""
    found: list[tuple[int, Layer]] = []
    channels = [name for part in parts for name in part.spec.channelnames]
    for number, part in enumerate(parts):
        title = str(part.spec.getattribute("oiio:subimagename") or "")
        groups: dict[str, dict[str, int]] = {}
        for place, channel in enumerate(part.spec.channelnames):
            group, _, leaf = channel.rpartition(".")
            groups.setdefault(group, {})[leaf.lower()] = place
        for group, leaves in groups.items():
            name = group or (title if len(parts) > 1 else "")
            alpha = leaves.get("a", leaves.get("alpha"))
            colour = {_COLOUR[leaf]: place for leaf, place in leaves.items() if leaf in _COLOUR}
            last = name.rpartition(".")[2].lower()
            rank = _MAIN.index(last) if last in _MAIN else len(_MAIN)
            if len(colour) == 3:
                found.append((rank, Layer(number, name, tuple(colour[n] for n in range(3)), alpha)))
            elif "y" in leaves and not {"ry", "by"} & set(leaves):
                found.append((rank + 100, Layer(number, name, (leaves["y"],), alpha)))
    if not found:
        shown = ", ".join(channels[:8]) + (", ..." if len(channels) > 8 else "")
        raise MediaError(f"{path} holds no colour that is known: its channels are {shown}; expected R, G and B, or Y")
    return min(found, key=lambda each: each[0])[1]


def _space(kind: str, spec: Any, view: View) -> ColourSpace | None:
    """What the values are; None where they are shown as they are."""
    if view.colour_space is not None:
        return named_space(view.colour_space)
    if kind == "DPX":
        if str(spec.getattribute("dpx:Transfer") or "").lower() in _FILM:
            return Cineon()
        if str(spec.getattribute("dpx:Transfer") or "").lower() == "linear" and not _is_video(spec):
            return Primaries()
        return Display() if view.exposure else None
    given = spec.getattribute("chromaticities")
    if not isinstance(given, tuple) or len(given) != 8 or not all(given[1::2]):
        return Primaries()
    return Primaries(tuple(zip(given[::2], given[1::2], strict=True)))


def _is_video(spec: Any) -> bool:
    """Whether a DPX holds too few bits for linear light: FFmpeg marks all that it writes as linear."""
    return int(spec.getattribute("oiio:BitsPerSample") or 16) <= _VIDEO_BITS and str(spec.format) != "float"


def _channels(values: npt.NDArray[Any], numbers: tuple[int, ...]) -> npt.NDArray[Any]:
    first = numbers[0]  # beside one another they need no copy
    beside = numbers == tuple(range(first, first + len(numbers)))
    return values[..., first : first + len(numbers)] if beside else values[..., list(numbers)]


def seen_alpha(alpha: npt.NDArray[Any]) -> Light:
    """Transparency as a picture has it: 0 to 1."""
    return np.nan_to_num(as_floats(alpha), nan=0.0, posinf=1.0, neginf=0.0).clip(0.0, 1.0)


def _without_others(layers: Layers) -> Layers:
    """Without values that are not translated: there may be dozens of channels, which are read again at the end."""
    scene = layers.scene
    if scene is None or count_others(layers) == 0:
        return layers
    alpha = None if scene.alpha is None else scene.alpha.copy()
    parts = tuple(Part(part.spec, None) for part in layers.parts)
    return replace(layers, parts=parts, scene=replace(scene, values=scene.values.copy(), alpha=alpha))


def _on_canvas(layers: Layers, values: Pixels) -> Pixels:
    if values.shape[:2] == layers.canvas:
        return np.ascontiguousarray(values)
    whole = np.zeros((*layers.canvas, values.shape[2]), values.dtype)
    whole[layers.window] = values
    return whole


def count_others(layers: Layers) -> int:
    """Channels that are not translated."""
    translated = len(layers.layer.colour) + (layers.layer.alpha is not None)
    return sum(int(part.spec.nchannels) for part in layers.parts) - translated


def _notes(layers: Layers, view: View) -> Iterator[str]:
    marked = str(layers.spec.getattribute("dpx:Transfer") or "").lower() == "linear"
    if layers.format == "DPX" and marked and view.colour_space is None and _is_video(layers.spec):
        bits = layers.spec.getattribute("oiio:BitsPerSample")
        yield (f"it is marked as linear light, but its {bits} bits are taken as a screen shows them; "
               "--colour-space names what they are")  # fmt: skip
    if others := count_others(layers):
        what = f"its layer {layers.layer.name}" if layers.layer.name else "its picture"
        yield f"{what} is translated; its other channels ({others}) stay as they are"
    if layers.scene is not None and not np.isfinite(layers.scene.values).all():
        count = int((~np.isfinite(layers.scene.values)).any(axis=2).sum())
        yield f"values that are not finite ({count} pixels) stay where they are"
