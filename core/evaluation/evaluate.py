"""Evaluation of a translator: figures on held-out files, in both directions, with everything that was used.

Files are taken one at a time. Translations wait in a temporary folder (4 bytes a value) for the scores that
compare whole sets, so memory does not grow with the number of files beyond what the domain's own scores hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..adapter.domain import Domain, Scorer
from ..adapter.patterns import Pattern
from ..conversion.translator import Translator, load
from ..errors import ConfigError, MissingFile, show
from ..files import atomic_bytes, atomic_text, real_path
from ..settings.arguments import expect, expect_paths, expect_whole
from ..settings.plain import LARGEST_WHOLE
from ..sides import Direction, Side
from .examiner import Examiner
from .report import EvaluationReport, ModelUsed
from .test_set import select

if TYPE_CHECKING:
    from ..model.model_file import Model

_GAP, _PAPER = 4, 255


def evaluate(
    translator: Translator | str | Path,
    a: str | Path,
    b: str | Path,
    *,
    paired: bool = False,
    direction: Direction | None = None,
    extractor: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    sheet: str | Path | None = None,
    sheet_rows: int = 6,
    json: str | Path | None = None,
    scorers: Mapping[Side, Callable[[], Scorer]] | None = None,
    palettes: Mapping[Side, Mapping[str, Sequence[float]]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationReport:
    """Score a translator (or a run, a model file, a shipped model's name) on two folders it was not trained on.

    `paired`: files with the same name (suffix ignored) are true counterparts. `direction`: one only; by default every
    one the model has. `extractor`: a file with a feature extractor, for the domain's unpaired scores. `limit`: so
    many files of each folder, drawn with `seed`. `sheet`: a JPEG with `sheet_rows` samples per direction, one row each:
    input, translation, its true counterpart when paired, and the reconstruction. `json`: the report as a file.
    `scorers`: factories of additional scorers of paired translations, by side. `palettes`: class names and colours
    of a side of label maps, scored by nearest colour. `progress`: called with files done and the total.

    Raises:
        ArgumentError: an argument has the wrong type.
        MissingFile: a folder, the model or the extractor does not exist.
        MediaError: a folder has nothing usable.
        ConfigError: settings that do not go together, or paired folders whose names do not match.
        OutputError: the sheet, the JSON file or a temporary file cannot be written.
    """
    _expect(
        translator, {"a": a, "b": b}, {"extractor": extractor, "sheet": sheet, "json": json}, sheet_rows, seed, limit
    )
    folders: dict[Side, Path] = {"a": Path(a), "b": Path(b)}
    features = None if extractor is None else Path(extractor)
    _check(folders, paired, limit, seed, features, sheet, sheet_rows, {**(scorers or {}), **(palettes or {})})
    translator = translator if isinstance(translator, Translator) else load(translator)
    sets = select(translator.domain, folders, paired, limit, seed)
    examiner = Examiner(
        translator=translator,
        directions=_directions(translator.model, direction),
        files={side: chosen.files for side, chosen in sets.items()},
        paired=paired,
        extractor=features,
        scorers={**_label_scorers(translator.domain, palettes or {}), **(scorers or {})},
        seed=seed,
        rows=sheet_rows if sheet is not None else 0,
        progress=progress or (lambda done, total: None),
    )
    used, scores = {side: chosen.used for side, chosen in sets.items()}, examiner.scores()
    settings = (paired, limit, seed, _text(extractor), _text(sheet), translator.domain.judges())
    report = EvaluationReport(_describe(translator), used, scores, *settings, examiner.files_scored())
    return _written(report, examiner.lines, sheet, json)


def _expect(
    translator: object,
    folders: Mapping[str, object],
    places: Mapping[str, object],
    sheet_rows: object,
    seed: object,
    limit: object,
) -> None:
    expect("translator", translator, (Translator, str, PathLike), "a translator, a run, a model file or a model's name")
    expect_paths(folders, places)
    expect_whole(sheet_rows=sheet_rows, seed=seed, **({} if limit is None else {"limit": limit}))


def _written(
    report: EvaluationReport, lines: Sequence[Sequence[Tensor]], sheet: str | Path | None, json: str | Path | None
) -> EvaluationReport:
    if sheet is not None:
        _write_sheet(Path(sheet), lines)
    if json is not None:
        atomic_text(Path(json), report.as_json())
    return report


def _text(place: str | Path | None) -> str | None:
    return None if place is None else str(place)


# -- what is scored ----------------------------------------------------------------------------------
def _check(
    folders: Mapping[Side, Path],
    paired: bool,
    limit: int | None,
    seed: int,
    extractor: Path | None,
    sheet: str | Path | None,
    sheet_rows: int,
    further: Mapping[Side, object],
) -> None:
    for folder in folders.values():
        if not folder.is_dir() and not Pattern.of(folder):
            raise MissingFile(f"no folder at {folder}; give a folder of test files")
    if extractor is not None and not extractor.is_file():
        raise MissingFile(f"no feature extractor at {extractor}")
    faults = []
    if real_path(folders["a"]) == real_path(folders["b"]):
        faults.append(f"A and B are the same folder, {folders['a']}; give one folder for each domain")
    if limit is not None and limit < 1:
        faults.append(f"limit is {limit}; expected 1 or more")
    if not 0 <= seed <= LARGEST_WHOLE:
        faults.append(f"seed is {seed}; expected 0 to 2**63 - 1")
    if sheet_rows < 1:
        faults.append(f"sheet_rows is {sheet_rows}; expected 1 or more")
    if sheet is not None and Path(sheet).suffix.lower() not in (".jpg", ".jpeg"):
        faults.append(f"the sheet {sheet} is written as JPEG; give it a name that ends in .jpg")
    if further and not paired:
        faults.append("scorers and palettes need true counterparts; set paired")
    if faults:
        raise ConfigError(*faults)


def _label_scorers(
    domain: Domain, palettes: Mapping[Side, Mapping[str, Sequence[float]]]
) -> dict[Side, Callable[[], Scorer]]:
    for palette in palettes.values():
        domain.label_scorer(palette)  # a palette that cannot be is refused before the first file is translated
    return {side: partial(domain.label_scorer, palette) for side, palette in palettes.items()}


def _directions(model: Model, wanted: Direction | None) -> tuple[Direction, ...]:
    if wanted is None:
        return tuple(model.generators)
    if wanted not in model.generators:
        raise ConfigError(f"the model has no direction {show(wanted)}; it has {', '.join(model.generators)}")
    return (wanted,)


def _describe(translator: Translator) -> ModelUsed:
    model = translator.model
    digest = hashlib.sha256()
    for direction, generator in sorted(model.generators.items()):
        for key, value in sorted(generator.state_dict().items()):
            digest.update(f"{direction}.{key}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return ModelUsed(
        name=translator.name,
        weights=digest.hexdigest()[:16],
        step=model.step,
        runtime=translator.ran,
        domain=model.domain.name,
        names=model.names,
    )


def _write_sheet(path: Path, lines: Sequence[Sequence[Tensor]]) -> None:
    """One picture, a line for each sample; every cell is as large as the largest."""
    from ..pages import jpeg

    height = max(cell.shape[1] for line in lines for cell in line) + _GAP
    width = max(cell.shape[2] for line in lines for cell in line) + _GAP
    picture = torch.full((3, height * len(lines), width * max(map(len, lines))), _PAPER, dtype=torch.uint8)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line):
            top, left = row * height, column * width
            picture[:, top : top + cell.shape[1], left : left + cell.shape[2]] = cell
    atomic_bytes(path, jpeg(picture))
