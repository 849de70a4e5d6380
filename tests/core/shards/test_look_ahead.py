"""The system is told of samples some time before they are read, and what is drawn is the same."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from toy import Arrays

import unpaired
from unpaired.core.adapter.datasets import side_of
from unpaired.core.adapter.indexed import with_sides
from unpaired.core.adapter.shards import Samples, ShardSide
from unpaired.core.shards import sources
from unpaired.core.training import look_ahead
from unpaired.core.training.folders import scan_sides
from unpaired.core.training.loader import PairDataset
from unpaired.core.training.order import BlockOrder


class Npy(Arrays):
    """The toy domain, by its ending."""

    suffixes = (".npy",)


@pytest.fixture
def shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "arrays"
    folder.mkdir()
    for number in range(10):
        np.save(folder / f"{number}.npy", np.full((2, 32, 32), number / 10, np.float32))
    unpaired.write_shards(Npy(), folder, tmp_path / "shards", shard_samples=4)
    return tmp_path / "shards"


def pairs(place: Path, samples_a_step: int = 1, shuffle: Literal["full", "blocks"] = "full") -> PairDataset:
    a, b = side_of("a", place), side_of("b", [torch.zeros(2, 32, 32)] * 3)
    domain = with_sides(Npy(), a, b)
    files = {side: each.drawn for side, each in scan_sides(domain, a, b).items()}
    return PairDataset(domain, files, unpaired.TrainingSettings(steps=10, shuffle=shuffle), samples_a_step)


@pytest.mark.parametrize(("samples_a_step", "ahead"), [(1, 5), (4, 8)])
def test_every_sample_is_told_of_before_it_is_drawn(
    shards: Path, monkeypatch: pytest.MonkeyPatch, samples_a_step: int, ahead: int
) -> None:
    told: list[int] = []
    monkeypatch.setattr(look_ahead, "EXPECTED", 5)
    monkeypatch.setattr(Samples, "expect", lambda self, first, last: told.extend(range(first, last + 1)))
    dataset = pairs(shards, samples_a_step)
    places = [dataset._place("a", position) for position in range(40)]
    for count, position in enumerate(range(15), 1):
        dataset[position]
        assert told == places[1 : count + ahead]
    assert sorted(told[9:19]) == list(range(10))  # an epoch, each sample once


@pytest.mark.parametrize("turn", [1, 3])  # of so many processes this is one
def test_every_block_is_told_of_before_its_samples_are_drawn(
    shards: Path, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    told: list[int] = []
    for module in ("order", "look_ahead"):
        monkeypatch.setattr(f"unpaired.core.training.{module}.BLOCK", 2)
    monkeypatch.setattr(look_ahead, "WINDOW", 2)
    monkeypatch.setattr(BlockOrder.__init__, "__kwdefaults__", {"block": 2, "window": 2})
    monkeypatch.setattr(Samples, "expect", lambda self, first, last: told.extend((first, last)))
    dataset = pairs(shards, 1, "blocks")
    places = [dataset._place("a", position) for position in range(20)]
    untold = BlockOrder(10, 0, 97, 0, 0).coming(0)  # begun before anything could be said
    for position in range(0, 10, turn):
        dataset[position]
        assert places[position] in {*told, *untold}
    assert sorted({*told, *untold}) == list(range(10))
    assert len(told) == 2 * ((position + 4) // 2)  # each block once, whoever draws from it


def test_what_is_drawn_is_the_same(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_advice = [pairs(shards)[position].a for position in range(12)]
    monkeypatch.setattr(ShardSide, "looks_ahead", False)
    assert all(torch.equal(pairs(shards)[position].a, each) for position, each in enumerate(with_advice))


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system takes no such advice")
def test_the_place_in_the_shard_is_told_and_no_fault_raised(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice: list[tuple[int, int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda descriptor, *rest: advice.append(rest))
    side = ShardSide("a", shards)
    side.inventory(Npy())
    assert side.items is not None
    side.expect(5, 5)
    shard = side.items.shards[1]
    member = shard.index.member(1)
    assert advice == [(member.data - 512, member.size + 512, os.POSIX_FADV_WILLNEED)]
    advice.clear()
    side.expect(2, 5)  # beyond the end of a shard
    one, other = (side.items.shards[number].index for number in (0, 1))
    places = [(one.member(2).data, one.member(3)), (other.member(0).data, other.member(1))]
    assert [rest[:2] for rest in advice] == [(begin - 512, end.data + end.size - begin + 512) for begin, end in places]
    for each in (shard.path, *shards.iterdir()):
        sources.forget(str(each))
        Path(each).unlink(missing_ok=True)
    side.expect(5, 5)
