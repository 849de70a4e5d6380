"""Several models, or checkpoints of a run, on the same files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ..adapter.comparison import ComparedModel, Comparison
from ..adapter.domain import ConversionSettings, Domain
from ..adapter.folders import spread, told
from ..adapter.inventory import BrokenFile
from ..conversion.input_files import InputFiles
from ..conversion.jobs import check_medium
from ..conversion.translator import Translator, load
from ..errors import ArgumentError, ConfigError, MediaError, MissingFile, OutputError, UnpairedError, counted, show
from ..files import check_writable, clear_leftovers, real_path
from ..model.of_run import run_of
from ..monitoring.log import read_scores
from ..scoring.composition import UNTRANSLATED
from ..settings.arguments import expect, expect_callable, expect_path, expect_truths, expect_whole
from ..settings.mapping import from_mapping
from ..sides import SIDES, Direction, Side
from .evaluate import evaluate
from .report import plain_values
from .side_by_side import MOST_MODELS, load_together, source_name
from .test_set import decoding_fault

_LAYOUTS = ("grid", "wipe")


@dataclass(frozen=True)
class ModelCompared:
    """One model of a comparison, and its figures."""

    label: str
    name: str
    """The name it was loaded by."""
    step: int
    recorded: Mapping[str, float] = field(default_factory=dict)
    """Scores that its run recorded at this step: `score`, the one that `best` goes by, and each by name."""
    evaluated: Mapping[str, float] = field(default_factory=dict)
    """Figures of `evaluate` on the inputs and the target files, where those were given."""


@dataclass(frozen=True)
class ComparisonReport:
    """What was compared, and where it is to be seen."""

    output: Path
    inputs: tuple[Path, ...]
    """Inputs that are shown."""
    found: int
    """Inputs that there are."""
    models: tuple[ModelCompared, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        plain: dict[str, Any] = plain_values(self)
        return plain

    def text(self) -> str:
        """A line for each model with its figures, for people; without those of the input, the same in every line."""
        names = list(dict.fromkeys(name for model in self.models for name in _figures(model)
                                   if not name.startswith(UNTRANSLATED)))  # fmt: skip
        table = [["model", "step", *names]]
        for model in self.models:
            figures = _figures(model)
            table.append(
                [model.label, f"{model.step:,}", *(f"{figures[n]:.4g}" if n in figures else "-" for n in names)]
            )
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
        ]
        shown = counted(len(self.inputs), "input", "inputs")
        return "\n".join([*lines, f"{self.output}: {shown}" + (f" of {self.found}" * (self.found > len(self.inputs)))])

    def __str__(self) -> str:
        return self.text()


def compare(
    models: Sequence[str | os.PathLike[str] | Translator],
    input: str | os.PathLike[str],
    output: str | os.PathLike[str],
    direction: Direction = "a2b",
    *,
    layout: str = "grid",
    target: str | os.PathLike[str] | None = None,
    paired: bool = False,
    limit: int = 8,
    runtime: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    domain: type[Domain] | None = None,
    ema_length: float | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Any,
) -> ComparisonReport:
    """Show what several models, or checkpoints of a run, make of the same files: of pictures one sheet, of footage one
    clip, of sound one page to listen to. Every file is converted as `Translator.convert` does.

    Args:
        models: what `load` takes (RUN@20000, RUN@best, a model file ...), or translators; one medium, up to 12.
        input: a file, or a folder, of which at most `limit` files are shown.
        output: a picture (.png, .jpg), a clip (of several clips a folder for them), or a page (.html).
        direction: a2b or b2a.
        layout: grid; of footage also wipe: one picture, in which each model has a strip that moves on.
        target: a folder of held-out files of the domain that is translated into, for the figures of `evaluate`; `input`
            is a folder then.
        paired: files of the same name in `input` and `target` are true counterparts.
        limit: most inputs that are shown, evenly chosen.
        runtime, device, precision, domain, ema_length: as in `load`.
        progress: called with the share that is done.
        options: fields of the medium's conversion settings.

    Raises:
        ArgumentError: an argument is of another type.
        ConfigError: models of different media, or without the direction; an option that there is not.
        MissingFile, UnknownName, ModelFileError: a model or the input is not there, or cannot be read.
        MediaError: an input cannot be decoded, or the output has a name of another kind.
        OutputError: the output cannot be written, or is an input.
    """
    _check_arguments(models, input, output, layout, target, limit, paired, progress)
    source, out = InputFiles.of(input), Path(output)
    if not source.path.exists():
        raise MissingFile(f"there is no file or folder {source.path}")
    load_one = partial(load, runtime=runtime, device=device, precision=precision, domain=domain, ema_length=ema_length)
    fitting, labels = load_together(models, direction, load_one, lambda each: _for_input(each, source, out))
    medium = fitting[0].domain
    settings = from_mapping(medium.conversion_type, options, "conversion")
    inputs, found, broken = _inputs(medium, source, limit, SIDES[direction][0])
    _check_output(out, source, inputs)
    medium.check_comparison(out, len(inputs), layout)
    scored = _scored(fitting, labels, direction, source, target, paired)
    ready = [_ready(one, each, direction, settings) for one, each in zip(fitting, scored, strict=True)]
    name = source_name(fitting[0], direction)
    shown = Comparison(inputs, ready, direction, settings, layout, name, progress or (lambda share: None))
    clear_leftovers(out.parent)
    notes = [*_left_out(len(inputs), found, broken), *_of_sizes(fitting), *medium.compare_files(shown, out)]
    said = dict.fromkeys([*notes, *(note for each in fitting for note in each.notes)])
    return ComparisonReport(out, tuple(inputs), found, tuple(scored), tuple(said))


def _for_input(translator: Translator, source: InputFiles, output: Path) -> Translator:
    """The model under the medium of the input. Its own medium needs no regard to the output's name where it lays out
    such files itself: pictures on a sheet are not made one recording because the sheet is one file."""
    try:
        translator.domain.check_comparison(output, 1, "grid")
    except UnpairedError:
        return translator.for_input(source, output)
    return translator.for_input(source)


def _inputs(domain: Domain, source: InputFiles, limit: int, side: Side) -> tuple[list[Path], int, list[BrokenFile]]:
    """The inputs that are shown, how many there are, and those of a folder that were chosen and cannot be decoded.
    Raises MissingFile or MediaError."""
    parts = source.parts(domain)
    if not parts:
        raise MissingFile(f"the folder {source.path} holds nothing that the domain {domain.name} converts "
                          f"(files found: {len(source.files)})")  # fmt: skip
    if not source.is_folder:
        check_medium(domain, source.path)
        return list(parts), 1, []
    chosen = spread(parts, limit)
    broken = [fault for path in chosen if (fault := decoding_fault(domain, path, side))]
    if len(broken) == len(chosen):
        raise MediaError(f"{broken[0].path}: {broken[0].reason}")
    refused = {each.path for each in broken}
    return [path for path in chosen if path not in refused], len(parts), broken


def _left_out(shown: int, found: int, broken: Sequence[BrokenFile]) -> list[str]:
    some = [f"{shown} of {found} inputs are shown, evenly chosen; --limit shows more"]
    return [*(some if shown + len(broken) < found else []), *(f"left out {line}" for line in told(broken))]


def _check_output(output: Path, source: InputFiles, inputs: Sequence[Path]) -> None:
    check_writable(output)
    if any(output.exists() and output.samefile(path) for path in inputs):
        raise OutputError(f"the output {output} is the input itself; give it another name or folder")
    if source.is_folder and real_path(output).is_relative_to(real_path(source.path)):
        raise OutputError(f"the output {output} lies inside the input folder {source.path}; choose a place outside it")


def _ready(
    translator: Translator, model: ModelCompared, direction: Direction, settings: ConversionSettings
) -> ComparedModel:
    def convert(source: Path, target: Path) -> None:
        translator.convert(source, target, direction, **vars(settings))

    return ComparedModel(
        model.label, translator.domain, translator.for_direction(direction), convert, _figures(model, brief=True)
    )


def _figures(model: ModelCompared, brief: bool = False) -> dict[str, float]:
    """Figures by name: the score of `best`, and those of `evaluate`; all that were recorded unless `brief`, which
    leaves out the levels (`swd_1`) of a figure that is there as a whole."""
    if not brief:
        return {**model.recorded, **model.evaluated}
    recorded = {name: value for name, value in model.recorded.items() if name == "score"}
    levels = [name for name in model.evaluated if re.sub(r"_\d+$", "", name) in model.evaluated.keys() - {name}]
    return recorded | {name: value for name, value in model.evaluated.items() if name not in levels}


def _scored(
    translators: Sequence[Translator],
    labels: Sequence[str],
    direction: Direction,
    source: InputFiles,
    target: str | os.PathLike[str] | None,
    paired: bool,
) -> list[ModelCompared]:
    if target is not None and not source.is_folder:
        raise ConfigError(f"{source.path} is one file; the figures of a target folder need a folder of inputs")
    found = []
    for label, each in zip(labels, translators, strict=True):
        evaluated = {} if target is None else _evaluated(each, direction, source.path, Path(target), paired)
        found.append(ModelCompared(label, each.name, each.model.step, _recorded(each, direction), evaluated))
    return found


def _recorded(translator: Translator, direction: Direction) -> dict[str, float]:
    """Scores that a model's run recorded at its step: the one of `best`, and those of this direction by name."""
    run, step = run_of(translator.name), translator.model.step
    if run is None or "ema_length" in translator.model.card:
        return {}
    lines = [line for line in read_scores(run) if line.step == step]
    if not lines:
        return {}
    score = {} if lines[-1].score is None else {"score": lines[-1].score}
    ending = f"_{direction}"
    return score | {n.removesuffix(ending): value for n, value in lines[-1].scores.items() if n.endswith(ending)}


def _evaluated(
    translator: Translator, direction: Direction, source: Path, target: Path, paired: bool
) -> dict[str, float]:
    """Figures of `evaluate` in one direction."""
    a, b = (source, target) if direction == "a2b" else (target, source)
    if translator.domain.scores_files:
        found = translator.domain.evaluate_files(
            translator, a, b, paired=paired, directions=[direction], limit=None, seed=0, page=None,
            progress=lambda done, total: None,
        ).as_dict()  # fmt: skip
        return _numbers(found.get("scores", {}).get(direction, {}).get("converted", {}))
    scores = evaluate(translator, a, b, paired=paired, direction=direction).scores[direction]
    plain = {"cycle": scores.cycle, "identity": scores.identity, **scores.unpaired, **scores.paired}
    return _numbers(plain)


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """The figures that are numbers, or estimates with a mean."""
    means = {name: each.get("mean") if isinstance(each, Mapping) else each for name, each in figures.items()}
    return {name: float(value) for name, value in means.items() if isinstance(value, int | float)}


def _of_sizes(translators: Sequence[Translator]) -> list[str]:
    """A note on models that were trained on samples of other sizes, which is no fault."""
    sizes = [getattr(each.model.domain.settings, "size", None) for each in translators]
    if None in sizes or len(set(sizes)) == 1:
        return []
    return [f"the models were trained on samples of different sizes ({', '.join(map(str, sizes))})"]


def _check_arguments(
    models: Any, input: Any, output: Any, layout: Any, target: Any, limit: Any, paired: Any, progress: Any
) -> None:
    expect("models", models, (list, tuple), "a list of models")
    for each in models:
        if not isinstance(each, Translator):
            expect_path("models", each, "runs, model files, names of shipped models, or translators")
    if not 1 <= len(models) <= MOST_MODELS:
        raise ConfigError(f"{len(models)} models are given; expected 1 to {MOST_MODELS}")
    expect_path("input", input, "the path of a file or a folder")
    expect_path("output", output, "the path of a file")
    if target is not None:
        expect_path("target", target, "a folder, or None")
    expect_whole(limit=limit)
    if limit < 1:
        raise ConfigError(f"limit is {limit}; expected 1 or more")
    if layout not in _LAYOUTS:
        raise ConfigError(f"layout is {show(layout)}; expected one of {', '.join(_LAYOUTS)}")
    if paired and target is None:
        raise ArgumentError("paired is for a folder of targets; give target too")
    expect_truths(paired=paired)
    expect_callable("progress", progress)
