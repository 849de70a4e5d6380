"""Forms of pixels: which of those that an encoder takes loses least of a clip."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import av

_WRITTEN = re.compile(r"yuva?4(20|22|44)p(\d+le)?|gbra?p(\d+le)?|bgr0|bgra|rgb24|rgba|argb|rgb48be|rgba64be")


@dataclass(frozen=True)
class Form:
    """A form of pixels, such as yuv420p10le."""

    name: str
    depth: int
    """Bits of a sample."""
    chroma: str
    """Samples of colour: 420, 422 or 444."""
    rgb: bool
    alpha: bool = False
    """Whether there is transparency."""

    @classmethod
    def of(cls, name: str) -> Form:
        """By FFmpeg's name. Grey counts as 420, for its translation has colours."""
        found = av.VideoFormat(name, 64, 64)
        samples = [each for each in found.components if not each.is_alpha]
        rgb = found.is_rgb or found.has_palette
        across, down = found.chroma_width(64) == 64, found.chroma_height(64) == 64
        chroma = "444" if rgb or across else "422" if down else "420"
        grey = len(samples) < 3 and not rgb
        alpha = len(samples) < len(found.components)
        return cls(name, max(each.bits for each in samples), "420" if grey else chroma, rgb, alpha)


def written_forms(formats: Iterable[str]) -> list[Form]:
    """Those of an encoder's formats, by FFmpeg's names, that are written here."""
    return [Form.of(name) for name in formats if _WRITTEN.fullmatch(name)]


def closest(source: Form, forms: Iterable[Form]) -> Form:
    """Of the forms, the one that loses least of `source`: depth before chroma, and no more of either than there is.
    RGB and Y'CbCr become one another where nothing else keeps as much."""

    def cost(form: Form) -> tuple[int, bool, bool, int, int]:
        loses_chroma, loses_depth = int(source.chroma) - int(form.chroma), source.depth - form.depth
        loses = max(0, loses_chroma) + 100 * max(0, loses_depth) + 1000 * (source.alpha and not form.alpha)
        return loses, form.alpha and not source.alpha, form.rgb != source.rgb, int(form.chroma), form.depth

    return min(forms, key=cost)
