"""How good a translator is: figures on held-out files, both directions, with everything that was used beside them.

Files are taken one at a time. Translations wait in a temporary folder (4 bytes a value) for the scores that
compare whole sets, so memory does not grow with the number of files beyond what the domain's own scores hold.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np
import torch
from torch import Tensor

from ..adapter.domain import Domain, Scorer
from ..conversion.translator import Translator, load
from ..errors import ConfigError, MissingFile, show
from ..files import atomic_bytes, atomic_text, output_error
from ..settings.arguments import expect, expect_paths, expect_whole
from ..settings.plain import LARGEST_WHOLE
from ..sides import SIDES, Direction, Side, backwards
from .report import DirectionScores, EvaluationReport, ModelUsed
from .test_set import choose

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

    `paired`: files of the same name, suffix aside, are true counterparts. `direction`: one only; by default every
    one the model has. `extractor`: a file with a feature extractor, for the domain's unpaired scores. `limit`: so
    many files of each folder, drawn with `seed`. `sheet`: a JPEG of `sheet_rows` samples a direction, a line each:
    input, translation, its true counterpart when paired, and the way back. `json`: the report as a file.
    `scorers`: what makes a further scorer of paired translations into a domain. `palettes`: class names and colours
    of a domain of label maps, scored by nearest colour. `progress`: called with files done and files in all.

    Raises:
        ArgumentError: an argument is of another type.
        MissingFile: a folder, the model or the extractor is not there.
        MediaError: a folder has nothing usable.
        ConfigError: settings that do not go together, or paired folders whose names do not match.
        OutputError: the sheet, the JSON file or a temporary file cannot be written.
    """
    expect("translator", translator, (Translator, str, PathLike), "a translator, a run, a model file or a model's name")
    expect_paths({"a": a, "b": b}, {"extractor": extractor, "sheet": sheet, "json": json})
    expect_whole(sheet_rows=sheet_rows, seed=seed, **({} if limit is None else {"limit": limit}))
    folders: dict[Side, Path] = {"a": Path(a), "b": Path(b)}
    features = Path(extractor) if extractor is not None else None
    _check(folders, paired, limit, seed, features, sheet, sheet_rows, {**(scorers or {}), **(palettes or {})})
    name, translator = _loaded(translator)
    sets = choose(translator.domain, folders, paired, limit, seed)
    examiner = _Examiner(
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
    report = EvaluationReport(
        model=_describe(translator, name),
        sets={side: chosen.used for side, chosen in sets.items()},
        scores={way: examiner.judge(way) for way in examiner.directions},
        paired=paired,
        limit=limit,
        seed=seed,
        extractor=str(extractor) if extractor is not None else None,
        sheet=str(sheet) if sheet is not None else None,
    )
    if sheet is not None:
        _write_sheet(Path(sheet), examiner.lines)
    if json is not None:
        atomic_text(Path(json), report.as_json())
    return report


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
        if not folder.is_dir():
            raise MissingFile(f"no folder at {folder}; give a folder of test files")
    if extractor is not None and not extractor.is_file():
        raise MissingFile(f"no feature extractor at {extractor}")
    faults = []
    if folders["a"].resolve() == folders["b"].resolve():
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
        raise ConfigError("; ".join(faults))


def _label_scorers(
    domain: Domain, palettes: Mapping[Side, Mapping[str, Sequence[float]]]
) -> dict[Side, Callable[[], Scorer]]:
    for palette in palettes.values():
        domain.label_scorer(palette)  # a palette that cannot be is refused before the first file is translated
    return {side: partial(domain.label_scorer, palette) for side, palette in palettes.items()}


def _loaded(translator: Translator | str | Path) -> tuple[str, Translator]:
    if isinstance(translator, Translator):
        return translator.model.card.get("name", "in memory"), translator
    return str(translator), load(translator)


def _directions(model: Model, wanted: Direction | None) -> tuple[Direction, ...]:
    if wanted is None:
        return tuple(model.generators)
    if wanted not in model.generators:
        raise ConfigError(f"the model has no direction {show(wanted)}; it has {', '.join(model.generators)}")
    return (wanted,)


def _describe(translator: Translator, name: str) -> ModelUsed:
    model, choice = translator.model, translator.choice
    digest = hashlib.sha256()
    for way, generator in sorted(model.generators.items()):
        for key, value in sorted(generator.state_dict().items()):
            digest.update(f"{way}.{key}".encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return ModelUsed(
        name=name,
        weights=digest.hexdigest()[:16],
        step=model.step,
        runtime=f"{choice.name} on {choice.device}",
        domain=model.domain.name,
        names=model.names,
    )


# -- scoring -----------------------------------------------------------------------------------------
class _OneByOne(Sequence[Tensor]):
    """Samples that are loaded when asked for."""

    def __init__(self, files: Sequence[Path], load: Callable[[Path], Tensor]) -> None:
        self.files = files
        self.load = load

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | Sequence[Tensor]:
        if isinstance(index, slice):
            return _OneByOne(self.files[index], self.load)
        return self.load(self.files[index])


class _Average:
    """The mean over files of each figure; a file that lacks a figure does not count for it."""

    def __init__(self) -> None:
        self.values: defaultdict[str, list[float]] = defaultdict(list)

    def add(self, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values[name].append(value)

    def result(self) -> dict[str, float]:
        return {name: sum(values) / len(values) for name, values in self.values.items()}


class _Paired:
    """The domain's figures averaged over files, and those of a further scorer over the whole set."""

    def __init__(
        self, figures: Callable[[Tensor, Tensor], Mapping[str, float]], further: Callable[[], Scorer] | None
    ) -> None:
        self.figures = figures
        self.average = _Average()
        self.further = further() if further is not None else None

    def add(self, translated: Tensor, target: Tensor) -> None:
        self.average.add(self.figures(translated, target))
        if self.further is not None:
            self.further.add(translated, target)

    def result(self) -> dict[str, float]:
        gathered = self.further.result() if self.further is not None and self.average.values else {}
        return {**self.average.result(), **gathered}


@dataclass
class _Examiner:
    translator: Translator
    directions: Sequence[Direction]
    files: Mapping[Side, Sequence[Path]]
    paired: bool
    extractor: Path | None
    scorers: Mapping[Side, Callable[[], Scorer]]
    seed: int
    rows: int
    progress: Callable[[int, int], None]
    lines: list[list[Tensor]] = field(default_factory=list)
    """Pictures (3, H, W) uint8 for the sheet, a list for each sample."""
    done: int = 0

    def __post_init__(self) -> None:
        self.domain = self.translator.domain
        self.alike = self.domain.channels("a") == self.domain.channels("b")
        counts = {side: len(files) for side, files in self.files.items()}
        sides = [SIDES[way] for way in self.directions]
        self.total = sum(counts[source] + self.alike * counts[target] for source, target in sides)

    def judge(self, way: Direction) -> DirectionScores:
        """All figures of one direction."""
        source, target = SIDES[way]
        inputs, real = (_OneByOne(self.files[side], partial(self.domain.load, side=side)) for side in (source, target))
        plain_inputs, plain_real = (
            _OneByOne(self.files[side], partial(self._plain, side=side)) for side in (source, target)
        )
        with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
            translated, errors, paired = self._translate(way, inputs, real, Path(scratch))
            unpaired = self.domain.unpaired_scores(translated, plain_real, self.extractor, self.seed)
        untranslated = (
            self.domain.unpaired_scores(plain_inputs, plain_real, self.extractor, self.seed) if self.alike else {}
        )
        return DirectionScores(errors.get("cycle"), self._identity(way, real), unpaired, untranslated, paired)

    def _translate(
        self, way: Direction, inputs: _OneByOne, real: _OneByOne, scratch: Path
    ) -> tuple[_OneByOne, dict[str, float], dict[str, float]]:
        """Every input translated into `scratch`; the mean cycle error; the paired figures."""
        back = backwards(way) if backwards(way) in self.translator.model.generators else None
        shown = set(np.linspace(0, len(inputs) - 1, self.rows).round().astype(int).tolist())
        errors, paired = _Average(), _Paired(self.domain.paired_scores, self.scorers.get(SIDES[way][1]))
        files = []
        source, target = SIDES[way]
        plain = self.domain.plain
        for index, x in enumerate(inputs):
            y = self._through(x, way)
            line = [plain(x, source), plain(y, target)]
            files.append(_keep(line[1], scratch / f"{index}.npy"))
            if self.paired:
                line.append(plain(real[index], target))
                paired.add(line[1], line[-1])
            if back is not None:
                line.append(plain(self._through(y, back), source))
                errors.add({"cycle": _difference(line[-1], line[0])})
            if index in shown:
                self.lines.append([self.domain.preview(sample) for sample in line])
            self._tick()
        return _OneByOne(files, _kept), errors.result(), paired.result()

    def _identity(self, way: Direction, real: _OneByOne) -> float | None:
        if not self.alike:
            return None
        errors, side = _Average(), SIDES[way][1]
        for y in real:
            given, found = (self.domain.plain(sample, side) for sample in (y, self._through(y, way)))
            errors.add({"identity": _difference(found, given)})
            self._tick()
        return errors.result()["identity"]

    def _through(self, x: Tensor, way: Direction) -> Tensor:
        with torch.inference_mode():
            return self.translator(x[None], way)[0].float().cpu()

    def _plain(self, file: Path, side: Side) -> Tensor:
        return self.domain.plain(self.domain.load(file, side), side)

    def _tick(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)


def _difference(x: Tensor, y: Tensor) -> float:
    return float((x - y).abs().mean())


def _keep(sample: Tensor, path: Path) -> Path:
    try:
        np.save(path, sample.numpy())
    except OSError as error:
        raise output_error(path, error) from error
    return path


def _kept(path: Path) -> Tensor:
    return torch.from_numpy(np.load(path))


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
