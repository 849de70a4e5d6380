"""The sets that applications.py trains on, and what is true of their test files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from checkpoint_judges import DigitReader, digits
from maps_data import CLASSES, every_other, near_streets
from PIL import Image as Pillow
from torch import Tensor

from unpaired import Image
from unpaired.core.scoring.content import gradient_energy
from unpaired.domains.image.judge import installed, judge
from unpaired.domains.image.scores import LabelScorer, kernel_distance, psnr, ssim

Translate = Callable[[Tensor], Tensor]
Figures = dict[str, float]


@dataclass(frozen=True)
class Set:
    """One set of pictures, and how it is trained on."""

    paired: bool
    """Whether test files have true counterparts; training sees none of them."""
    minutes: float = 12.0
    batch: int = 1
    domain: Mapping[str, Any] = field(default_factory=dict)
    further: tuple[str, ...] = ()
    """Sets whose test files are translated too."""


DIGITS = "digits"
MAPS = "maps"
SETS: dict[str, Set] = {
    DIGITS: Set(False, 8.0, 8, {"size": 32, "load_size": 32, "flip": False, "mode": "grey"}),
    MAPS: Set(True, 15.0),
    "facades": Set(True),
    "visible2thermal": Set(True),
    "underwater_lsui": Set(True, further=("underwater_uieb", "underwater_euvp")),
    "day2night": Set(False),
    "weather_cloudy2sunrise": Set(False),
    "painting2photo": Set(False),
    "apple2orange": Set(False),
}


def prepare(name: str, data: Path, out: Path) -> tuple[Path, Path]:
    """The folders trainA and trainB of a set in `out`: of true pairs A has the even places of the sorted list and B the
    odd ones, so that none is seen."""
    folders = out / "trainA", out / "trainB"
    if not all(folder.exists() for folder in folders):
        shutil.rmtree(out, ignore_errors=True)
        for place, (side, folder) in enumerate(zip("ab", folders, strict=True)):
            folder.mkdir(parents=True)
            if name == DIGITS:
                _write(digits(data, side, "train")[0], folder)
                continue
            files = data / "images" / name / f"train{side.upper()}"
            chosen = every_other(files, place) if SETS[name].paired else sorted(files.iterdir())
            for file in chosen:
                (folder / file.name).symlink_to(file.resolve())
    return folders


def _write(pictures: Tensor, folder: Path) -> None:
    values = ((pictures[:, 0] + 1) * 127.5).round().byte().numpy()
    for place, pixels in enumerate(values):
        Pillow.fromarray(pixels).save(folder / f"{place:05d}.png")


class Truth:
    """Test files of a set as samples, and what is true of them."""

    def __init__(self, name: str, data: Path, size: int, crop: int | None = None) -> None:
        """`crop`: side of the samples that are trained on, of pictures as large as for `size`, which figures are of."""
        self.name, self.set = name, SETS[name]
        self.domain = Image(**{"size": size, **self.set.domain})
        seen = {"size": crop, "load_size": self.domain.settings.loaded[0]} if crop else {}
        self.trained_on = Image(**{"size": size, **seen, **self.set.domain})
        self.readers: dict[str, DigitReader] = {}
        self.labels: dict[str, Tensor] = {}
        self.further: dict[str, dict[str, list[Tensor]]] = {}
        if name == DIGITS:
            read = {side: digits(data, side, "test") for side in "ab"}
            self.samples = {side: list(x) for side, (x, _) in read.items()}
            self.labels = {side: labels for side, (_, labels) in read.items()}
            self.readers = {side: DigitReader(data, side) for side in "ab"}
        else:
            self.samples = self._samples(data, name)
            self.further = {each: self._samples(data, each) for each in self.set.further}

    def _samples(self, data: Path, name: str) -> dict[str, list[Tensor]]:
        folders = {side: data / "images" / name / f"test{side.upper()}" for side in "ab"}
        load = self.domain.load
        return {s: [load(file, s) for file in sorted(each.iterdir())] for s, each in folders.items()}  # type: ignore[arg-type]

    def figures(self, translate: Mapping[str, Translate]) -> dict[str, Figures]:
        """Figures of each direction, and of further sets from A to B."""
        found = {way: self._of(self.samples, *way.split("2"), translate[way]) for way in ("a2b", "b2a")}
        further = {f"{name} a2b": self._of(x, "a", "b", translate["a2b"]) for name, x in self.further.items()}
        return found | further

    def true_sharpness(self) -> Figures:
        """Of true counterparts, as a share of their inputs'; by direction, where there are any."""
        if not self.set.paired:
            return {}
        return {way: _sharpness(*(self.samples[side] for side in way.split("2"))) for way in ("a2b", "b2a")}

    @torch.no_grad()
    def _of(self, samples: Mapping[str, Sequence[Tensor]], source: str, target: str, translate: Translate) -> Figures:
        inputs, real = samples[source], samples[target]
        made = [translate(x[None])[0] for x in inputs]
        found = {"sharpness": _sharpness(inputs, made)}
        if self.readers:
            return {"read": self.readers[target].accuracy(torch.stack(made), self.labels[source]), **found}
        if not self.set.paired:
            return found | self._unpaired(inputs, made, real)
        pairs = list(zip(made, real, strict=True))
        found |= {"psnr": mean(psnr(*pair) for pair in pairs), "ssim": mean(ssim(*pair) for pair in pairs)}
        if installed():
            found["distance"] = mean(judge().distance(*pair) for pair in pairs)
        return found | (_of_maps(pairs) if self.name == MAPS and target == "b" else {})

    def _unpaired(self, inputs: Sequence[Tensor], made: Sequence[Tensor], real: Sequence[Tensor]) -> Figures:
        if not installed():
            return {}
        network = judge()
        moved = mean(network.distance(x, y) for x, y in zip(inputs, made, strict=True))
        return {"kid": kernel_distance(network.features(made), network.features(real)), "content": moved}


def _sharpness(inputs: Sequence[Tensor], made: Sequence[Tensor]) -> float:
    """Root of the gradient energy as a share of the input's: the median over files."""
    ratios = [gradient_energy([y]) / max(gradient_energy([x]), 1e-9) for x, y in zip(inputs, made, strict=True)]
    return median(ratios) ** 0.5


def _of_maps(pairs: Sequence[tuple[Tensor, Tensor]]) -> Figures:
    scorer = LabelScorer(CLASSES)
    for pair in pairs:
        scorer.add(*pair)
    found, road = scorer.result(), list(CLASSES).index("road")
    drawn, true = ([(scorer.classify(x) == road).numpy() for x in side] for side in zip(*pairs, strict=True))
    streets = near_streets(drawn, true)["near"]
    return {"mean iou": found["label_mean_iou"], "kappa": found["label_kappa"], "streets": streets}
