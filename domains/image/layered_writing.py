"""Writing OpenEXR and DPX pictures: the translation in its file's place, or alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import openexr
from .layered import Layer, Layers, Part, count_others, read_parts, seen_alpha
from .openimageio import last_error, library, named
from .picture import Picture, Timing, of_depth
from .scene import as_half, of_display
from .timecode import packed


def write_layered(picture: Picture, path: Path, format_name: str) -> tuple[str, ...]:
    """Write a picture; returns what of its file is left out. Raises ValueError for what the library refuses."""
    layers = picture.layers if isinstance(picture.layers, Layers) else None
    own = layers if layers is not None and layers.format == format_name else None
    if own is not None and len(own.layer.colour) == 1 and picture.pixels.shape[2] == 3 and not count_others(own):
        own = _in_colour(own)
    fits = own is not None and not own.laid_out and picture.pixels.shape == (*own.canvas, len(own.layer.colour))
    if own is not None and fits:
        if any(openexr.holds_whole_numbers(part.spec) for part in own.parts):
            names, layer = own.spec.channelnames, own.layer.part
            openexr.write_again(own.path, path, layer, {names[n]: values for n, values in _changed(own, picture)})
        else:
            _write(path, _restored(own, picture))
        return ()
    _write(path, [_plain(picture, format_name, layers)])
    review = "it is laid out for review"
    why = review if own and own.laid_out else "the picture has another size or another number of channels"
    return () if own is None else (f"light above 1, other layers and attributes ({why})",)


def _in_colour(grey: Layers) -> Layers:
    """A file of grey (and transparency) alone as one of red, green and blue."""
    layer, (spec, values) = grey.layer, grey.parts[0]
    assert values is not None
    colour = np.repeat(values[..., list(layer.colour)], 3, axis=2)
    spec, names = spec.copy(), ["R", "G", "B"]
    if layer.alpha is not None:
        colour = np.concatenate([colour, values[..., layer.alpha : layer.alpha + 1]], axis=2)
        names.append("A")
    spec.nchannels, spec.channelnames, spec.channelformats = len(names), tuple(names), ()
    spec.alpha_channel = -1 if layer.alpha is None else 3
    scene = grey.scene and replace(grey.scene, values=colour[..., :3])
    shown = None if grey.shown is None else np.repeat(grey.shown, 3, axis=2)
    own = Layer(0, layer.name, (0, 1, 2), None if layer.alpha is None else 3)
    return replace(grey, parts=(Part(spec, colour),), layer=own, scene=scene, shown=shown)


def left_out(layers: Layers) -> Iterator[str]:
    """Parts of the file that no other format holds, in words."""
    if layers.scene is not None and bool((layers.scene.values > 1).any()):
        yield "light above 1"
    if count_others(layers):
        yield "its other channels"
    yield "its header"


def _restored(layers: Layers, picture: Picture) -> list[Part]:
    """The parts of the file with the translation in place of the colour."""
    layer = layers.layer
    parts = list(layers.parts if layers.parts[layer.part].values is not None else read_parts(layers.path, True))
    spec, values = parts[layer.part]
    assert values is not None
    values = values.copy()
    for number, channel in _changed(layers, picture):
        values[..., number] = channel
    parts[layer.part] = Part(spec, values)
    return parts


def _changed(layers: Layers, picture: Picture) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """The channels that are translated, by their numbers in the part: (H, W) of the data window."""
    layer, scene, pixels = layers.layer, layers.scene, picture.pixels[layers.window]
    if scene is None:
        values = layers.parts[layer.part].values
        assert values is not None
        translated = of_depth(pixels, values.dtype)
    else:
        source = layers.shown if layers.shown is not None else scene.shown()
        translated = scene.translated(of_depth(pixels, np.dtype(np.float32)), source)
    for place, number in enumerate(layer.colour):
        yield number, translated[..., place]
    if layer.alpha is not None and picture.alpha is not None and scene is not None and scene.alpha is not None:
        clear = of_depth(picture.alpha[layers.window], np.dtype(np.float32))
        yield layer.alpha, np.where(clear != seen_alpha(scene.alpha), clear, scene.alpha)[..., 0]


def _plain(picture: Picture, format_name: str, layers: Layers | None) -> Part:
    """A file of the colour and the transparency alone."""
    oiio, pixels, alpha = library(), picture.pixels, picture.alpha
    height, width, channels = pixels.shape
    names = ("Y",) if channels == 1 else ("R", "G", "B", "A")[:channels]
    names = (*names, "A") if alpha is not None else names
    if format_name == "DPX":
        array = pixels if alpha is None else np.concatenate([pixels, of_depth(alpha, pixels.dtype)], axis=2)
        spec = oiio.ImageSpec(width, height, len(names), oiio.TypeDesc("uint16"))
        spec.attribute("oiio:BitsPerSample", 10)
        _tell(spec, picture.timing)
        return Part(spec, of_depth(array, np.dtype(np.uint16)))
    spec = oiio.ImageSpec(width, height, len(names), oiio.TypeDesc("half"))
    spec.channelnames = names
    spec.attribute("compression", "zip")
    _tell(spec, picture.timing)
    floats = np.dtype(np.float32)
    clear = None if alpha is None else of_depth(alpha, floats)
    scene = layers.scene if layers is not None else None
    light = of_display(of_depth(pixels, floats), clear, scene.exposure if scene else 0.0)
    if scene is not None and layers is not None:
        light = scene.space.from_linear(light)
        if isinstance(given := layers.spec.getattribute("chromaticities"), tuple):
            spec.attribute("chromaticities", "float[8]", given)
    return Part(spec, as_half(light if clear is None else np.concatenate([light, clear], axis=2)))


def _tell(spec: Any, timing: Timing | None) -> None:
    """Write the place of a frame in its footage into a header."""
    if timing is None:
        return
    oiio, rate = library(), timing.rate
    spec.attribute("FramesPerSecond", oiio.TypeDesc("rational"), (rate.numerator, rate.denominator))
    spec.attribute("dpx:FrameRate", float(rate))
    if timing.timecode is not None:
        spec.attribute("smpte:TimeCode", oiio.TypeDesc("timecode"), (packed(timing.timecode), 0))
    if timing.aspect != 1:
        spec.attribute("PixelAspectRatio", float(timing.aspect))


def _write(path: Path, parts: Sequence[Part]) -> None:
    oiio = library()
    specs = []
    for part in parts:
        spec = part.spec.copy()
        if spec.getattribute("DateTime") is None:
            spec.attribute("DateTime", "")  # or it would be the time of writing: no two files would be the same
        if spec.getattribute("openexr:levelmode") or spec.getattribute("textureformat"):
            spec.attribute("openexr:levelmode", 0)  # else the file would declare levels that nobody writes
        specs.append(spec)
    with named(path) as name:
        target = oiio.ImageOutput.create(name)
        if target is None:
            raise ValueError(last_error(oiio))
        try:
            opened = target.open(name, specs if len(specs) > 1 else specs[0])
            for number, (part, spec) in enumerate(zip(parts, specs, strict=True)):
                if number:
                    opened = opened and target.open(name, spec, "AppendSubimage")
                if not opened or not target.write_image(part.values):
                    raise ValueError(last_error(target))
            if not target.close():
                raise ValueError(last_error(target))
        finally:
            target.close()
