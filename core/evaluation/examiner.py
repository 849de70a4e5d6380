"""Translates a test set file by file, and gathers its figures."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np
import torch
from torch import Tensor

from ..adapter.domain import Scorer
from ..conversion.translator import Translator
from ..files import output_error
from ..sides import SIDES, Direction, Side, backwards
from .report import DirectionScores, FileFigures
from .verdict import Symptoms


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

    def add(self, translated: Tensor, target: Tensor) -> Mapping[str, float]:
        figures = self.figures(translated, target)
        self.average.add(figures)
        if self.further is not None:
            self.further.add(translated, target)
        return figures

    def result(self) -> dict[str, float]:
        gathered = self.further.result() if self.further is not None and self.average.values else {}
        return {**self.average.result(), **gathered}


@dataclass
class Examiner:
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
    found: dict[tuple[Side, Path], dict[str, float]] = field(default_factory=dict)
    """Figures of each file, by its side."""
    done: int = 0

    def __post_init__(self) -> None:
        self.domain = self.translator.domain
        self.alike = self.domain.channels("a") == self.domain.channels("b")
        counts = {side: len(files) for side, files in self.files.items()}
        sides = [SIDES[direction] for direction in self.directions]
        self.total = sum(counts[source] + self.alike * counts[target] for source, target in sides)

    def scores(self) -> dict[Direction, DirectionScores]:
        """All figures of every direction."""
        return {direction: self.score(direction) for direction in self.directions}

    def score(self, direction: Direction) -> DirectionScores:
        """All figures of one direction."""
        source, target = SIDES[direction]
        inputs, real = (_OneByOne(self.files[side], partial(self.domain.load, side=side)) for side in (source, target))
        plain_real = _OneByOne(self.files[target], partial(self._plain, side=target))
        comparable, reference = (
            _OneByOne(self.files[side], partial(self._calibrated, side=side)) for side in (source, target)
        )
        with tempfile.TemporaryDirectory(prefix="unpaired-") as scratch:
            seen, untouched = Symptoms(), _Average()
            translated, errors, paired = self._translate(direction, inputs, real, Path(scratch), seen, untouched)
            unpaired = self.domain.unpaired_scores(translated, reference, self.extractor, self.seed)
        untranslated = (
            self.domain.unpaired_scores(comparable, reference, self.extractor, self.seed) if self.alike else {}
        )
        identity, found = self._identity(direction, real), seen.found(plain_real)
        cycle = errors.get("cycle")
        return DirectionScores(cycle, identity, unpaired, untranslated, paired, untouched.result(), found)

    def _translate(
        self,
        direction: Direction,
        inputs: _OneByOne,
        real: _OneByOne,
        scratch: Path,
        seen: Symptoms,
        untouched: _Average,
    ) -> tuple[_OneByOne, dict[str, float], dict[str, float]]:
        """Every input translated into `scratch`; the mean cycle error; the paired figures."""
        back = backwards(direction) if backwards(direction) in self.translator.model.generators else None
        shown = set(np.linspace(0, len(inputs) - 1, self.rows).round().astype(int).tolist())
        errors, paired = _Average(), _Paired(self.domain.paired_scores, self.scorers.get(SIDES[direction][1]))
        files = []
        source, target = SIDES[direction]
        plain = self.domain.denormalise
        for index, x in enumerate(inputs):
            y = self._through(x, direction)
            line = [plain(x, source), plain(y, target)]
            files.append(_keep(self.domain.calibrate(y, target), scratch / f"{index}.npy"))
            if self.paired:
                line.append(plain(real[index], target))
                figures = paired.add(line[1], line[-1])
                self._note(source, inputs.files[index], {f"paired {name}": value for name, value in figures.items()})
                if self.alike:
                    untouched.add(self.domain.paired_scores(line[0], line[-1]))
            if back is not None:
                line.append(plain(self._through(y, back), source))
                errors.add(self._note(source, inputs.files[index], {"cycle": _difference(line[-1], line[0])}))
            seen.add(line[0], line[1], line[-1] if back is not None else None)
            if index in shown:
                self.lines.append([self.domain.preview(sample) for sample in line])
            self._tick()
        return _OneByOne(files, _kept), errors.result(), paired.result()

    def _identity(self, direction: Direction, real: _OneByOne) -> float | None:
        if not self.alike:
            return None
        errors, side = _Average(), SIDES[direction][1]
        for file, y in zip(real.files, real, strict=True):
            given, found = (self.domain.denormalise(sample, side) for sample in (y, self._through(y, direction)))
            errors.add(self._note(side, file, {"identity": _difference(found, given)}))
            self._tick()
        return errors.result()["identity"]

    def _through(self, x: Tensor, direction: Direction) -> Tensor:
        with torch.inference_mode():
            return self.translator(x[None], direction)[0].float().cpu()

    def _plain(self, file: Path, side: Side) -> Tensor:
        return self.domain.denormalise(self.domain.load(file, side), side)

    def _calibrated(self, file: Path, side: Side) -> Tensor:
        return self.domain.calibrate(self.domain.load(file, side), side)

    def files_scored(self) -> tuple[FileFigures, ...]:
        """Figures of each file that was looked at, those of A first."""
        return tuple(FileFigures(side, file, figures) for (side, file), figures in sorted(self.found.items()))

    def _note(self, side: Side, file: Path, figures: Mapping[str, float]) -> Mapping[str, float]:
        self.found.setdefault((side, file), {}).update(figures)
        return figures

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
