"""Footage as several models translate it, laid out in one picture: decoded once, every model in step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import tee
from typing import Any

from ....core.adapter.domain import Domain
from ....core.adapter.review import Review
from ....core.adapter.streams import Reader
from ....core.conversion.pipeline import PrefetchedReader, convert_arrays
from ....core.errors import ConfigError
from ....core.values import Array
from ...image import Sheet
from ..frames.timecode import Timecode
from ..reading.reader import FrameReader
from ..settings import VideoConversion

_WHITE = {16: 0.58, 18: 0.75}
"""Share of the signal that white has in graphics over PQ and HLG, 203 cd/m2 (Report ITU-R BT.2408)."""


def check(options: VideoConversion) -> None:
    """Refuse what does not go with a layout. Raises ConfigError."""
    if options.side_by_side or options.report is not None:
        raise ConfigError("footage is laid out for review already, and has no report then; leave side_by_side and "
                          "report out")  # fmt: skip


def sheet_of(review: Review, reader: FrameReader) -> Sheet:
    """The layout for the frames of one clip."""
    return Sheet(review.labels, reader.height, reader.width, review.layout, review.burn_in, even=True,
                 white=_WHITE.get(reader.info.colour.transfer, 1.0))  # fmt: skip


def lay_out(review: Review | None, reader: FrameReader) -> tuple[int, int] | None:
    """Height and width that frames have once they are laid out, whose notes are added to their own; None where they
    are not."""
    if review is None:
        return None
    sheet = sheet_of(review, reader)
    reader.say(*sheet.notes)
    return sheet.size


def of_pictures(review: Review) -> Review:
    """The same for single pictures among footage."""
    models: Any = [replace(model, domain=getattr(model.domain, "pictures", model.domain)) for model in review.models]
    return replace(review, models=tuple(models))


def convert(review: Review, reader: Reader, options: VideoConversion) -> Iterator[Array]:
    """The frames and every model's translations of them, each frame as one picture."""
    opened: Any = reader.opened
    rate = opened.info.rate or 25
    timecode = opened.timecode or Timecode.of(opened.info.rate) or Timecode(25)
    sheet = sheet_of(review, opened)
    chunks: Iterator[Array] = iter(reader)  # type: ignore[arg-type]  # arrays, as of every clip
    source, *copies = tee(chunks, len(review.models) + 1)
    with ExitStack() as stack:
        shown: list[Iterator[Array]] = [] if review.layout == "plain" else [source]
        if review.layout == "plain":
            del source  # or it would keep every frame
        for number, (model, chunks) in enumerate(zip(review.models, copies, strict=True)):
            domain: Domain = model.domain
            own = replace(options, contact_sheet=None) if number else options  # one sheet: of the first model
            translated = convert_arrays(domain, PrefetchedReader(opened, chunks), model.translate, own)
            shown.append(stack.enter_context(closing(translated)))  # type: ignore[type-var]
        for number, frames in enumerate(zip(*shown, strict=True)):
            text = timecode.text(opened.first_frame + number) if review.burn_in else ""
            yield sheet.compose(frames, float(number / rate), text)
