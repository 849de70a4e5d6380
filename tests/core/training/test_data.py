"""Position k of a run is the same sample however it is reached."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import Arrays, write_arrays

from unpaired import ConfigError, Inventory, MediaError, TrainingSettings
from unpaired.core.adapter.inventory import BrokenFile
from unpaired.core.training.folders import data_hash, scan_sides
from unpaired.core.training.loader import PairDataset, Positions


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return write_arrays(tmp_path / "a", 5, 0, 0.3), write_arrays(tmp_path / "b", 3, 1, -0.3)


def dataset_of(sides: tuple[Path, Path], settings: TrainingSettings) -> PairDataset:
    inventories = scan_sides(Arrays(), *sides)
    return PairDataset(Arrays(), {side: inventories[side].files for side in ("a", "b")}, settings, settings.batch)


RESUMED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
from toy import Arrays
from unpaired import TrainingSettings
from unpaired.core.training.loader import PairDataset, Positions, loader
from unpaired.core.training.folders import scan_sides

def batches(start, workers):
    settings = TrainingSettings(steps=12, batch=2, workers=workers)
    sides = scan_sides(Arrays(), Path({a!r}), Path({b!r}))
    dataset = PairDataset(Arrays(), {{side: sides[side].files for side in "ab"}}, settings, 2)
    return list(loader(dataset, Positions(settings, start, 0, 1), pin=False))

whole, rest = batches(0, 0), batches(7, {workers})
assert (len(whole), len(rest)) == (12, 5)
for one, other in zip(whole[7:], rest, strict=True):
    assert torch.equal(one.a, other.a) and torch.equal(one.b, other.b)
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_resuming_and_workers_change_nothing(sides: tuple[Path, Path], workers: int) -> None:
    """In a process of its own, as a training is: what other tests have loaded does not reach the workers."""
    tests = str(Path(__file__).parents[2])
    code = RESUMED.format(tests=tests, a=str(sides[0]), b=str(sides[1]), workers=workers)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_two_processes_share_what_one_would_see(sides: tuple[Path, Path]) -> None:
    one = list(Positions(TrainingSettings(steps=3, batch=4), 0, 0, 1))
    two = [list(Positions(TrainingSettings(steps=3, batch=2), 0, rank, 2)) for rank in (0, 1)]
    assert [first + second for first, second in zip(*two, strict=True)] == one


def test_every_epoch_goes_through_every_file_once_in_another_order(sides: tuple[Path, Path]) -> None:
    dataset = dataset_of(sides, TrainingSettings(steps=100))
    epochs = [[dataset._place("a", 5 * epoch + place) for place in range(5)] for epoch in range(6)]
    assert all(sorted(epoch) == list(range(5)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_the_jitter_fades_with_the_learning_rate(sides: tuple[Path, Path]) -> None:
    dataset = dataset_of(sides, TrainingSettings(steps=1000, constant_share=0.1))
    files = {side: {Path(file): np.load(file) for file in dataset.files[side]} for side in ("a", "b")}

    def jitter(position: int) -> float:
        sample = dataset[position].a[0].numpy()
        return min(float(np.abs(sample - array).mean()) for array in files["a"].values())

    early, late = jitter(0), jitter(999)
    assert late < early / 100


def test_seeds_give_other_samples(sides: tuple[Path, Path]) -> None:
    one, two = (dataset_of(sides, TrainingSettings(steps=10, seed=seed)) for seed in (0, 1))
    assert not torch.equal(one[0].a, two[0].a)


def test_a_broken_file_is_passed_over_and_named(sides: tuple[Path, Path]) -> None:
    (sides[0] / "001.npy").write_text("no array at all")
    dataset = dataset_of(sides, TrainingSettings(steps=10))
    batches = [dataset[position] for position in range(10)]
    (problem, *_) = {problem for batch in batches for problem in batch.problems}
    assert problem.count("001.npy") == 1, problem
    assert all(batch.a.shape == (1, 2, 32, 32) for batch in batches)
    for file in sides[0].iterdir():
        file.write_text("no array at all")
    with pytest.raises(MediaError, match="20 files of A in a row cannot be used"):
        dataset_of(sides, TrainingSettings(steps=10))[0]


def test_a_dataset_goes_to_a_worker(sides: tuple[Path, Path]) -> None:
    dataset = dataset_of(sides, TrainingSettings(steps=10))
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[3].b, dataset[3].b)


def test_folders_that_cannot_be_trained_on(sides: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="A and B are the same folder"):
        scan_sides(Arrays(), sides[0], sides[0])
    few = write_arrays(tmp_path / "few", 1, 0, 0.0)
    with pytest.raises(ConfigError, match=r"B holds 1 usable file .*, 0 broken; training needs 2 or more; `unpaired i"):
        scan_sides(Arrays(), sides[0], few)


def test_too_few_files_are_told_with_what_is_wrong_with_them(sides: tuple[Path, Path], tmp_path: Path) -> None:
    class Named(Arrays):
        def scan(self, folder: Path, thorough: bool = False) -> Inventory:
            found = super().scan(folder, thorough)
            if folder == sides[0]:
                return found
            broken = tuple(BrokenFile(file, "it is no array; save it again") for file in found.files[1:])
            return dataclasses.replace(found, files=found.files[:1], broken=broken)

    for count, rest in ((2, "$"), (4, r"; `unpaired inspect .*` lists 2 more$")):
        few = write_arrays(tmp_path / f"few-{count}", count, 0, 0.0)
        fault = rf"B holds 1 usable file .*: .*001\.npy: it is no array; save it again{rest}"
        with pytest.raises(ConfigError, match=fault):
            scan_sides(Named(), sides[0], few)


class Long(Arrays):
    """Arrays of which the first of a folder holds three samples and is all that is needed."""

    def scan(self, folder: Path, thorough: bool = False) -> Inventory:
        found = super().scan(folder, thorough)
        return dataclasses.replace(found, draws=(3, *[1] * (len(found.files) - 1)))


def test_an_epoch_draws_from_a_file_as_often_as_its_inventory_says(sides: tuple[Path, Path]) -> None:
    drawn = Long().scan(sides[0]).drawn
    assert [path.name for path in drawn[:4]] == ["000.npy", "000.npy", "000.npy", "001.npy"]
    dataset = PairDataset(Long(), {"a": drawn, "b": drawn}, TrainingSettings(steps=100), 1)
    epoch = [drawn[dataset._place("a", place)].name for place in range(len(drawn))]
    assert sorted(epoch) == [path.name for path in drawn]


def test_one_file_that_holds_much_is_enough(sides: tuple[Path, Path], tmp_path: Path) -> None:
    few = write_arrays(tmp_path / "few", 1, 0, 0.0)
    assert scan_sides(Long(), sides[0], few)["b"].draws == (3,)


def test_the_hash_of_a_folder_that_counts_as_a_file_is_of_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "0.png").write_bytes(bytes(10))
    inventory = Inventory(tmp_path, (tmp_path / "frames",))
    first = data_hash({"a": inventory})
    (tmp_path / "frames" / "0.png").write_bytes(bytes(11))
    assert data_hash({"a": inventory}) != first


def test_the_hash_is_of_names_and_sizes(sides: tuple[Path, Path]) -> None:
    first = data_hash(scan_sides(Arrays(), *sides))
    assert first == data_hash(scan_sides(Arrays(), *sides))
    (sides[0] / "000.npy").rename(sides[0] / "000x.npy")
    assert data_hash(scan_sides(Arrays(), *sides)) != first
