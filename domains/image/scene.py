"""Scene-linear light as the networks see it, and back: a view transform that loses nothing.

A network is trained on pictures of 0 to 1. Of linear light x, in Rec. 709 primaries and after the exposure, it is shown

    m = max(1, largest channel of x)        the ratio by which a highlight exceeds 1; 1 elsewhere
    s = sRGB curve of max(x, 0) / m

and of its translation t, back in linear light as l = m * (curve undone of t), the channels that were negative stay so
where the translation leaves them dark: min(l, x- + 2 l), with x- the negative part of x. What rounding makes of s
itself is added back, so that a network that changes nothing gives back every number of the file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import cv2
import numpy as np
import numpy.typing as npt

Light = npt.NDArray[np.float32]
"""(H, W, C): three channels, or one of grey."""

_REC709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
"""Chromaticities of red, green, blue and white; also those of an EXR that states none."""
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_FILL = (3, 15, 63)
"""Sides in pixels of the squares whose mean stands for what is not finite."""
_CINEON_BLACK, _CINEON_WHITE, _CINEON_STEP = 95.0, 685.0, 0.002 / 0.6
"""Code values of ten bits, and density by code value over the gamma of film (Kodak 1992; SMPTE 268M)."""
_CINEON_RANGE = -1.0, 3.0
_LARGEST_HALF, _BRIGHTEST = np.float32(65504.0), np.float32(1e30)
_CLEAR = 1e-4
"""Transparency up to which nothing is divided by it."""


class ColourSpace(ABC):
    """The numbers of a file as light, and back."""

    pixels_at_once: ClassVar[int] = 1 << 15
    """How many are converted by one call: so many stay in the cache of a core."""

    @abstractmethod
    def to_linear(self, values: Light) -> Light:
        """Linear light in Rec. 709 primaries."""

    @abstractmethod
    def from_linear(self, light: Light) -> Light:
        """The inverse."""


class Primaries(ColourSpace):
    """Linear light of other primaries, such as ACEScg: chromaticities (x, y) of red, green, blue and white."""

    def __init__(self, chromaticities: tuple[tuple[float, float], ...] = _REC709) -> None:
        far = max(abs(a - b) for one, other in zip(chromaticities, _REC709, strict=True)
                  for a, b in zip(one, other, strict=True))  # fmt: skip
        self._matrix = None if far < 1e-3 else np.linalg.inv(_to_xyz(_REC709)) @ _adapted(chromaticities)

    def to_linear(self, values: Light) -> Light:
        """See `ColourSpace`."""
        return values if self._matrix is None else _transformed(values, self._matrix)

    def from_linear(self, light: Light) -> Light:
        """See `ColourSpace`."""
        return light if self._matrix is None else _transformed(light, np.linalg.inv(self._matrix))


class Display(ColourSpace):
    """Values as a screen shows them, by the sRGB curve (IEC 61966-2-1)."""

    def to_linear(self, values: Light) -> Light:
        """See `ColourSpace`."""
        return linear(values)

    def from_linear(self, light: Light) -> Light:
        """See `ColourSpace`."""
        return encoded(light)


class Cineon(ColourSpace):
    """Printing density of film, 0 to 1 for code values 0 to 1023."""

    def to_linear(self, values: Light) -> Light:
        """See `ColourSpace`."""
        black = 10.0 ** ((_CINEON_BLACK - _CINEON_WHITE) * _CINEON_STEP)
        within = values.clip(*_CINEON_RANGE) * 1023.0
        light = (10.0 ** ((within - _CINEON_WHITE) * _CINEON_STEP) - black) / (1.0 - black)
        return cast(Light, light.astype(np.float32))

    def from_linear(self, light: Light) -> Light:
        """See `ColourSpace`."""
        black = 10.0 ** ((_CINEON_BLACK - _CINEON_WHITE) * _CINEON_STEP)
        density = np.log10(np.maximum(light * (1.0 - black) + black, 1e-6)) / _CINEON_STEP
        return cast(Light, ((density + _CINEON_WHITE) / 1023.0).astype(np.float32))


@dataclass(frozen=True)
class Scene:
    """Values of a file that stand for light, premultiplied by the transparency where there is one.

    They are gone through by a few rows at a time, as many as suit the colour space.
    """

    values: npt.NDArray[Any]
    """(H, W, C), as the file has them: half, float, or whole numbers for 0 to 1."""
    alpha: npt.NDArray[Any] | None
    """(H, W, 1) of the same type."""
    space: ColourSpace
    exposure: float = 0.0
    """Stops by which the light is raised for the network."""

    def shown(self) -> Light:
        """What the network sees, 0 to 1. NaN and infinite values are filled from around them."""
        shown = np.empty(self.values.shape, np.float32)
        for rows, values, alpha in self._blocks():
            light = self._light(_finite(values), alpha)
            reduced = np.asarray(np.maximum(light, np.float32(0)) / _ratio(light), np.float32)
            shown[rows] = _as_in_tensors(encoded(reduced))
        bad = ~np.isfinite(self.values)
        return _as_in_tensors(_filled(shown, bad)) if bad.any() else shown

    def translated(self, shown: Light, source: Light) -> npt.NDArray[Any]:
        """The values, of the file's type, of a translation, 0 to 1, of the `source` that `shown` gave; what is not
        finite stays there."""
        found = np.empty_like(self.values)
        for rows, values, alpha in self._blocks():
            finite = _finite(values)
            light = self._light(finite, alpha)
            ratio, negative = _ratio(light), np.minimum(light, np.float32(0))
            back = self._values(_joined(shown[rows], ratio, negative), alpha)
            # What is added is the change, which is exactly nothing where nothing was translated.
            change = back - self._values(_joined(source[rows], ratio, negative), alpha)
            moved = finite + change
            back = moved if np.isfinite(change).all() else np.where(np.isfinite(change), moved, back)
            if finite is not values:
                back = np.where(np.isfinite(values), back, values)
            if alpha is not None:
                clear = (self.alpha[rows] <= _CLEAR) & (values == 0).all(axis=2, keepdims=True)  # type: ignore[index]
                back = np.where(clear, values, back)  # premultiplied: what is not there is black
            found[rows] = _of_type(back, found.dtype)
        return found

    def _blocks(self) -> Iterator[tuple[slice, Light, Light | None]]:
        """Rows, and values and divisors of them as floats."""
        count = max(1, self.space.pixels_at_once // max(1, self.values.shape[1]))
        solid = self.alpha is None or bool((self.alpha == _opaque(self.alpha.dtype)).all())
        for top in range(0, self.values.shape[0], count):
            rows = slice(top, top + count)
            divisor = None
            if self.alpha is not None and not solid:
                alpha = as_floats(self.alpha[rows])
                # 1 where there is none of it, since light may glow there.
                divisor = np.where(np.isfinite(alpha) & (alpha > _CLEAR), alpha, np.float32(1))
            yield rows, as_floats(self.values[rows]), divisor

    def _light(self, values: Light, divisor: Light | None) -> Light:
        """Straight linear light after the exposure."""
        light = self.space.to_linear(values if divisor is None else values / divisor)
        if self.exposure:
            light = light * np.float32(2.0**self.exposure)
        if max(float(light.max()), -float(light.min())) < _BRIGHTEST:  # not where one of them is NaN
            return light
        return np.asarray(np.clip(np.nan_to_num(light), -_BRIGHTEST, _BRIGHTEST), np.float32)

    def _values(self, light: Light, divisor: Light | None) -> Light:
        values = self.space.from_linear(light * np.float32(2.0**-self.exposure) if self.exposure else light)
        return values if divisor is None else values * divisor


def _opaque(dtype: np.dtype[Any]) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


def as_floats(values: npt.NDArray[Any]) -> Light:
    """Values of a file as floats; whole numbers of 8 and 16 bits from 0 to 1."""
    floats = values.astype(np.float32)
    return floats / np.float32(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else floats


def _of_type(values: Light, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype == np.float16:
        return as_half(values)
    if dtype.kind == "u":
        top = float(np.iinfo(dtype).max)
        return np.rint(values.clip(0.0, 1.0) * top).astype(dtype)
    return values


def _finite(values: Light) -> Light:
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, np.float32(0))


def _ratio(light: Light) -> Light:
    """By how much the highlights exceed 1, (H, W, 1)."""
    ratio = np.ones_like(light[..., :1])
    for channel in range(light.shape[2]):  # quicker than the maximum over an axis of three
        np.maximum(ratio, light[..., channel : channel + 1], out=ratio)
    return ratio


def _as_in_tensors(shown: Light) -> Light:
    """Rounded to what tensors from -1 to 1 hold, and so bring back to the bit. In place."""
    for term, factor in ((-0.5, 2.0), (1.0, 0.5)):
        shown += np.float32(term)
        shown *= np.float32(factor)
    return shown


def _joined(shown: Light, ratio: Light, negative: Light) -> Light:
    light: Light = linear(shown) * ratio
    return np.minimum(light, negative + np.float32(2) * light)


def of_display(shown: Light, alpha: Light | None, exposure: float = 0.0) -> Light:
    """Linear light, premultiplied, of a picture of 0 to 1 that is no translation of scene-linear light."""
    light = linear(shown) * np.float32(2.0**-exposure)
    return light if alpha is None else light * alpha


def encoded(light: Light) -> Light:
    """The sRGB curve (IEC 61966-2-1), for values from 0 on."""
    light = np.maximum(light, np.float32(0))
    curve = light ** np.float32(1 / 2.4)
    curve *= np.float32(1.055)
    curve -= np.float32(0.055)
    np.copyto(curve, light * np.float32(12.92), where=light <= 0.0031308)
    return curve


def linear(values: Light) -> Light:
    """The sRGB curve undone."""
    values = np.maximum(values, np.float32(0))
    curve = values + np.float32(0.055)
    curve *= np.float32(1 / 1.055)
    curve **= np.float32(2.4)
    np.copyto(curve, values * np.float32(1 / 12.92), where=values <= 0.04045)
    return curve


def as_half(values: Light) -> npt.NDArray[np.float16]:
    """Rounded to half floats; finite values stay finite."""
    if np.isfinite(values).all():
        return np.clip(values, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
    return np.where(np.isfinite(values), values.clip(-_LARGEST_HALF, _LARGEST_HALF), values).astype(np.float16)


def _filled(shown: Light, bad: npt.NDArray[np.bool_]) -> Light:
    known, sound = np.where(bad, np.float32(0), shown), (~bad).astype(np.float32)
    for side in _FILL:
        weight, total = (cv2.blur(each, (side, side)).reshape(shown.shape) for each in (sound, known))
        near = bad & (weight > 1e-3)
        shown = np.where(near, total / np.maximum(weight, 1e-3), shown)
        bad = bad & ~near
    mean = float(known.sum() / max(1.0, float(sound.sum())))
    return np.where(bad, np.float32(mean), shown).clip(0.0, 1.0).astype(np.float32)


def _to_xyz(chromaticities: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """The matrix from linear RGB to XYZ."""
    xyz = np.array([[x / y, 1.0, (1.0 - x - y) / y] for x, y in chromaticities]).T
    return cast("npt.NDArray[np.float64]", xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3]))


def _adapted(chromaticities: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    """The same, adapted to the white of Rec. 709 (Bradford)."""
    whites = (np.array([x / y, 1.0, (1.0 - x - y) / y]) for x, y in (chromaticities[3], _REC709[3]))
    source, target = (_BRADFORD @ white for white in whites)
    return cast(
        "npt.NDArray[np.float64]",
        np.linalg.inv(_BRADFORD) @ np.diag(target / source) @ _BRADFORD @ _to_xyz(chromaticities),
    )


def _transformed(values: Light, matrix: npt.NDArray[np.floating[Any]]) -> Light:
    return values if values.shape[2] != 3 else values @ matrix.T.astype(np.float32)
