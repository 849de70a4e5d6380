"""The shipped models of nights: they are dark, and as sharp as the days that they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from unpaired.core.model.shipped import load_model_named


def fine(x: Tensor) -> Tensor:
    """What is finer than three pixels, (1, 3, H, W), without the border."""
    return (x - avg_pool2d(x, 3, 1, 1))[..., 2:-2, 2:-2]


@pytest.mark.parametrize(
    ("name", "darker", "sharp"),
    [
        ("day2night", 0.4, 0.7),
        ("day2night-mobile", 0.4, 0.7),
        ("day2night-video", 0.5, 0.75),
        ("day2night-video-mobile", 0.5, 0.75),
    ],
)
def test_night_is_dark_and_keeps_the_edges_of_the_day(name: str, darker: float, sharp: float, assets: Path) -> None:
    model = load_model_named(name)
    for file in sorted((assets / "day2night" / "day").glob("*.jpg"))[:2]:
        x = model.domain.load(file, "a")[None]
        with torch.no_grad():
            y = model.generators["a2b"](x)
        assert float(y.mean()) < float(x.mean()) - darker
        assert fine(y).std() / y.std() > sharp * fine(x).std() / x.std()
        assert torch.corrcoef(torch.stack([fine(x).flatten(), fine(y).flatten()]))[0, 1] > 0.7
