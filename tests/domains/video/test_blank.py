"""Blank frames: left as they are, and everything with contrast untouched by that."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unpaired.domains.video.conversion.blank import NOTHING, SOMETHING, BlankKept, share


class Negative:
    """A translation that can be told from its input."""

    def __call__(self, x: Tensor) -> Tensor:
        return -x

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return -x, torch.tensor([momentum])


def striped(deviation: float) -> Tensor:
    """A frame (3, 16, 16) of two greys that lie `deviation` levels above and below the middle."""
    rows = torch.where(torch.arange(16) // 4 % 2 == 0, 1.0, -1.0)
    return (deviation / 127.5 * rows)[None, :, None].expand(3, 16, 16)


@pytest.mark.parametrize(
    ("deviation", "expected"), [(0.0, 0.0), (NOTHING, 0.0), (3.0, 0.25), (5.0, 0.75), (SOMETHING, 1.0), (60.0, 1.0)]
)
def test_share_by_hand(deviation: float, expected: float) -> None:
    assert share(striped(deviation)[None]).item() == pytest.approx(expected, abs=1e-4)


def test_each_frame_of_a_batch_counts_for_itself() -> None:
    batch = torch.stack([striped(0.0), striped(4.0), striped(40.0)])
    kept = BlankKept(Negative())(batch)
    assert torch.equal(kept[0], batch[0])
    torch.testing.assert_close(kept[1], torch.zeros_like(kept[1]), atol=1e-6, rtol=0)
    assert torch.equal(kept[2], -batch[2])


def test_under_given_statistics_as_well() -> None:
    frame = striped(0.5)[None]
    kept, used = BlankKept(Negative()).with_statistics(frame, None, 0.3)
    assert torch.equal(kept, frame)
    assert used.item() == pytest.approx(0.3)


def test_noise_on_black_is_not_blown_up() -> None:
    """What an instance norm does to it, and what is left of that."""
    noise = -1 + 0.02 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    magnify = torch.nn.InstanceNorm2d(3)
    assert magnify(noise).std() > 0.8

    class Magnifying(Negative):
        def __call__(self, x: Tensor) -> Tensor:
            return torch.Tensor(magnify(x))

    assert BlankKept(Magnifying())(noise).std() < 0.01
