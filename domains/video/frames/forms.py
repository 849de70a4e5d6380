"""Forms of pixels: which of those that an encoder takes loses least of a clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import av

_WRITTEN = ("yuv420p", "yuv422p", "yuv444p")


@dataclass(frozen=True)
class Form:
    """A form of pixels, such as yuv420p10le."""

    name: str
    depth: int
    """Bits of a sample."""
    chroma: str
    """Samples of colour: 420, 422 or 444."""
    rgb: bool

    @classmethod
    def of(cls, name: str) -> Form:
        """By FFmpeg's name. Grey counts as 420, for its translation has colours."""
        found = av.VideoFormat(name, 64, 64)
        samples = [each for each in found.components if not each.is_alpha]
        rgb = found.is_rgb or found.has_palette
        across, down = found.chroma_width(64) == 64, found.chroma_height(64) == 64
        chroma = "444" if rgb or across else "422" if down else "420"
        return cls(name, max(each.bits for each in samples), "420" if len(samples) < 3 and not rgb else chroma, rgb)


def closest(source: Form, formats: Iterable[str], chromas: Iterable[str], rgb: bool) -> Form:
    """Of the formats that an encoder takes, the one that loses least of `source`: depth before chroma, and no more of
    either than there is.

    Args:
        source: how the clip's pixels are.
        formats: by FFmpeg's names.
        chromas: those that may be chosen.
        rgb: whether RGB is kept as such; what players show is Y'CbCr.
    """
    forms = [Form.of(name) for name in formats if name.startswith((*_WRITTEN, "bgr0", "gbrp")) and "f" not in name]
    usable = [form for form in forms if form.rgb == (source.rgb and rgb) and form.chroma in chromas]

    def cost(form: Form) -> tuple[int, int, int]:
        loses_chroma, loses_depth = int(source.chroma) - int(form.chroma), source.depth - form.depth
        return max(0, loses_chroma) + 100 * max(0, loses_depth), int(form.chroma), form.depth

    return min(usable, key=cost)
