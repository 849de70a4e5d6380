"""The frames of a clip on their way through a conversion, with what is to be written about them beside."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import tee
from typing import Any

from ....core.adapter.review import Review
from ....core.adapter.streams import ArrayTranslate, Reader
from ....core.conversion.pipeline import PrefetchedReader
from ....core.values import Array
from ..conversion import frames, stabiliser
from ..conversion.contact_sheet import ContactSheet, check_sheet, sheet_path
from ..conversion.known_cuts import known_cuts
from ..conversion.review import check
from ..frames.edit_list import read_cuts
from ..reading.reader import FrameReader
from ..settings import VideoConversion


def check_beside(options: VideoConversion, review: Review | None) -> None:
    """Refuse, before any work, what is to be read or written beside a clip and cannot be.

    Raises:
        ConfigError, MissingFile, MediaError, OutputError: the layout, the file of cuts, or the contact sheet.
    """
    if review is not None:
        check(options)
    if options.known_cuts is not None:
        read_cuts(options.known_cuts)
    if options.contact_sheet is not None:
        check_sheet(options.contact_sheet)


def convert(reader: Reader, translate: ArrayTranslate, options: VideoConversion) -> Iterator[Array]:
    """Translated frames in order, steadied; report and contact sheet are written at the end where they were asked for.

    Args:
        reader: the clip.
        translate: frame by frame.
        options: the conversion's settings.
    """
    opened = reader.opened
    assert isinstance(opened, FrameReader)
    if options.contact_sheet is None:
        yield from _translated(opened, reader, translate, options)
        return
    sheet = ContactSheet(opened.info.rate, opened.timecode, opened.first_frame, options.cuts,
                         known_cuts(opened, options))  # fmt: skip
    chunks: Iterator[Array] = iter(reader)  # type: ignore[arg-type]  # arrays, as of every clip
    seen, again = tee(chunks)
    yield from sheet.follow(seen, _translated(opened, PrefetchedReader(opened, again), translate, options))
    sheet.write(sheet_path(options.contact_sheet, opened.path))


def _translated(
    opened: FrameReader, reader: Reader, translate: ArrayTranslate, options: VideoConversion
) -> Iterator[Array]:
    given: dict[str, Any] = {"translate": translate, "options": options, "known": known_cuts(opened, options)}
    steadied: frames.Steadied = partial(stabiliser.convert, **given)
    if options.report is not None:
        from .report import convert_and_report

        given |= {"path": options.report, "title": opened.path.name, "rate": opened.info.rate}
        steadied = partial(convert_and_report, **given)
    yield from frames.convert(reader, translate, options, steadied)
