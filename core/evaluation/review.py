"""Files as several models translate them, in one picture: for review, beside the source or in strips of one picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..adapter.domain import Domain
from ..adapter.review import LAYOUTS, Layout, Review, ReviewedModel
from ..adapter.streams import Translate
from ..conversion.files import ConversionReport, convert
from ..conversion.input_files import InputFiles
from ..conversion.pipeline import Progress
from ..conversion.translator import Translator, load
from ..errors import ConfigError, show
from ..settings.arguments import expect_callable, expect_path, expect_truths
from ..sides import Direction
from .side_by_side import MOST_MODELS, load_together, source_name


def review(
    models: Sequence[str | os.PathLike[str] | Translator],
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    layout: Layout = "side-by-side",
    burn_in: bool = False,
    skip_existing: bool = False,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> ConversionReport:
    """Convert files as `Translator.convert` does, with the source and every model's translation in one picture.

    A file is decoded once, and each model loaded once. Sound and all else go along as in any conversion.

    Args:
        models: translators, or what `load` takes; of one medium, up to 12.
        input, output, skip_existing, progress: as for `Translator.convert`.
        direction: a2b or b2a.
        layout: plain (the translation alone, of one model), side-by-side, wipe or grid.
        burn_in: write the names into the pictures, and in footage the timecode.
        options: fields of the medium's conversion settings.

    Raises:
        ConfigError: models that do not go together; a medium that is not seen; an option that there is not.
        MissingFile, MediaError, OutputError: as for `Translator.convert`.
    """
    expect_path("input", input, "the path of a file or a folder")
    expect_path("output", output, "the path of a file or a folder")
    expect_truths(burn_in=burn_in, skip_existing=skip_existing)
    expect_callable("progress", progress)
    _check(len(models), layout)
    source = InputFiles.of(input)
    fitting, labels = load_together(models, direction, load, lambda each: each.for_input(source, output))
    ready = [
        ReviewedModel(label, each.domain, each.for_direction(direction))
        for label, each in zip(labels, fitting, strict=True)
    ]
    shown = Review(tuple(ready), layout, burn_in, source_name(fitting[0], direction))
    return convert(
        _Reviewed(fitting[0], shown),
        source,
        Path(output),
        direction,
        skip_existing=skip_existing,
        made_by=lambda: " ".join([layout, str(burn_in), *labels, *(each.identity(direction) for each in fitting)]),
        ran_on=lambda: fitting[0].ran,
        progress=progress,
        **options,
    )


def _check(models: int, layout: str) -> None:
    if layout not in LAYOUTS:
        raise ConfigError(f"layout is {show(layout)}; expected one of {', '.join(LAYOUTS)}")
    if not 1 <= models <= MOST_MODELS:
        raise ConfigError(f"{models} models are given; expected 1 to {MOST_MODELS}")
    if layout == "plain" and models > 1:
        raise ConfigError(f"one picture cannot show {models} models; choose side-by-side, wipe or grid")


class _Reviewed:
    """The first model, under its medium laid out for review."""

    def __init__(self, first: Translator, shown: Review) -> None:
        self._first = first
        self.domain: Domain = first.domain.reviewed(shown)

    def for_direction(self, direction: Direction) -> Translate:
        return self._first.for_direction(direction)
