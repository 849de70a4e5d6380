"""Scene cuts: found where clips were joined, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unpaired.domains.video.frames.cuts import CutDetector
from unpaired.domains.video.reading.decode import decode

CUTS = {
    "animation/big_buck_bunny_0_30.webm": [283, 376, 551],
    "street_bikes/bikes.mp4": [30, 76, 137, 187, 242],
}
"""Seen by eye, in the first 600 frames."""


def frames(path: Path, count: int, start: float | None = None) -> Iterator[NDArray[Any]]:
    return (frame.pixels for frame in islice(decode(path, start, size=(120, 214)), count))


def found(stream: Iterator[NDArray[Any]]) -> list[int]:
    is_cut = CutDetector()
    return [number for number, frame in enumerate(stream) if is_cut(frame)]


def test_joined_clips_have_one_cut(assets: Path) -> None:
    clips = sorted((assets / "video").glob("*.*"))
    clips = [path for path in clips if path.suffix in (".mp4", ".webm", ".mkv")]
    assert len(clips) > 1
    for first, second in zip(clips, [*clips[1:], clips[0]], strict=True):
        joined = [*frames(first, 12), *frames(second, 12)]
        assert found(iter(joined)) == [0, 12], (first, second)


@pytest.mark.parametrize("place", ["driving_day/solidWhiteRight.mp4", "traffic_topview/car-detection.mp4",
                                   "cockatoo/cockatoo.mp4", "bw_film/chaplin.mp4", *CUTS])  # fmt: skip
def test_no_cut_is_missed_and_none_is_false(shared: Path, place: str) -> None:
    assert found(frames(shared / "data" / "video" / place, 600)) == [0, *CUTS.get(place, [])]


def test_flash_fade_and_noise_are_no_cuts() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.uniform(40, 160, (9, 16, 3))
    scene = np.kron(coarse, np.ones((12, 12, 1)))
    still = [scene] * 3
    flash, fade = [scene + 70], [scene * share for share in np.linspace(1, 0, 12)]
    noise = [scene + rng.normal(0, 15, scene.shape) for _ in range(4)]
    stream = [np.clip(frame, 0, 255).astype(np.uint8) for frame in [*still, *flash, *still, *noise, *still, *fade]]
    assert found(iter(stream)) == [0]


def test_deep_frames_and_a_change_of_size() -> None:
    rng = np.random.default_rng(0)
    first, second = (np.kron(rng.integers(0, 256, (6, 8, 3)), np.ones((10, 10, 1))).astype(np.uint8) for _ in range(2))
    shallow = [first, first, second, second, second[:40]]
    assert found(iter(shallow)) == [0, 2, 4]
    assert found(frame.astype(np.uint16) * 257 for frame in shallow) == [0, 2, 4]
