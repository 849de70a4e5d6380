"""Animated pictures (PNG, WebP, AVIF): their frames, and how long each is shown."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image as Pillow

from ...core.errors import MediaError, MissingFile
from .colour import eight_bits
from .files import media_errors, read_header
from .picture import Picture

_ANIMATED = (".png", ".apng", ".webp", ".avif")
_UNSTATED = Fraction(1, 10)
"""Seconds of a frame that says 0: what browsers show."""


def is_animated(path: Path) -> bool:
    """Whether the file is an animation, by its name and header. GIF is none here: it is decoded as a clip."""
    if path.suffix.lower() not in _ANIMATED:
        return False
    try:
        return read_header(path).pages > 1
    except (MediaError, MissingFile):
        return False


def animation_frames(path: Path) -> Iterator[tuple[Picture, Fraction]]:
    """Each frame, 8 bits a channel, and the seconds that it is shown for. Raises MissingFile or MediaError."""
    with media_errors(path), Pillow.open(path, formats=("PNG", "WEBP", "AVIF")) as image:
        # A PNG may have a picture for those who show no animations: it is none of the frames.
        first = 1 if image.info.get("default_image") else 0
        for number in range(first, int(getattr(image, "n_frames", 1))):
            image.seek(number)
            image.load()  # WebP knows the time only now
            milliseconds = Fraction(image.info.get("duration") or 0).limit_denominator(1000)
            pixels, alpha, _ = eight_bits(image, None)
            yield Picture(pixels.copy(), None if alpha is None else alpha.copy()), milliseconds / 1000 or _UNSTATED
