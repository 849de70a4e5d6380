"""Pictures as several models translate them, laid out in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy

import numpy as np

from ...core.adapter.arrays import for_arrays
from ...core.adapter.review import Review
from ...core.conversion.pipeline import PrefetchedReader
from ...core.values import Array
from .conversion import PictureReader
from .layouts import Sheet
from .settings import ImageConversion, ImageSettings


def sheet_of(review: Review, reader: PictureReader) -> Sheet:
    """The layout for one picture."""
    return Sheet(review.labels, reader.height, reader.width, review.layout, review.burn_in)


def convert(
    review: Review, reader: PictureReader, chunks: Iterable[Array], options: ImageConversion
) -> Iterator[Array]:
    """The picture and every model's translation of it as one picture, whole; it is decoded once."""
    parts = list(chunks)
    shown = [np.concatenate(parts, axis=1)] if review.layout != "plain" else []
    for model in review.models:
        own = copy(reader)
        assert isinstance(model.domain.settings, ImageSettings)
        own.settings = model.domain.settings
        strips = model.domain.convert_arrays(PrefetchedReader(own, iter(parts)), for_arrays(model.translate), options)
        shown.append(np.concatenate(list(strips), axis=1))
    channels = max(len(each) for each in shown)
    alike = [np.broadcast_to(each, (channels, *each.shape[1:])) for each in shown]
    yield sheet_of(review, reader).compose(alike)
