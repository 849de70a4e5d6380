"""Training from shards: sample k follows from (seed, side, k), however many load, and wherever a run is resumed."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.adapter.datasets import side_of
from unpaired.core.adapter.indexed import with_sides
from unpaired.core.adapter.shards import ShardSide
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.folders import scan_sides
from unpaired.core.training.loader import PairDataset
from unpaired.core.training.settings import TrainingSettings

SMALL = unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=2)


class Npy(Arrays):
    """The toy domain, by its ending, and with something to measure."""

    suffixes: ClassVar[tuple[str, ...]] = (".npy",)
    measured: ClassVar[list[int]] = []

    def fit(self, a: unpaired.Inventory, b: unpaired.Inventory) -> unpaired.Domain:
        type(self).measured[:] = [
            sum(np.load(file, allow_pickle=False).size > 0 for file in side.files[-1:]) + len(side.files)
            for side in (a, b)
        ]
        return self


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Side a of three shards, with a label beside each sample and one sample that is none; b a folder."""
    folder = write_arrays(tmp_path / "files", 8, 0, 0.3)
    for number in range(3):
        with tarfile.open(tmp_path / f"a-{number}.tar", "w") as tar:
            for place, file in enumerate(sorted(folder.iterdir())[number::3]):
                label = tarfile.TarInfo(f"{file.stem}.json")
                tar.addfile(label, io.BytesIO(b""))
                tar.add(file, file.name)
                if number == 1 and place == 0:
                    broken = tarfile.TarInfo("broken.npy")
                    broken.size = 10
                    tar.addfile(broken, io.BytesIO(b"0123456789"))
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def train(folder: Path, out: str, **options: Any) -> Path:
    given: dict[str, Any] = {"steps": 12, "workers": 0, "device": "cpu", "precision": "fp32", "networks": SMALL}
    given |= {"checkpoint_every": 6, "preview_every": 6}
    sides = folder / "a-{0..2}.tar", folder / "b"
    return unpaired.train(Npy(), *sides, folder / out, **{**given, **options}).parent


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def same(one: Path, other: Path) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


def test_resumed_bitwise_by_any_number_of_workers(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = train(shards, "whole")
    said = capsys.readouterr().err
    assert f"skipped a[4]: {shards}/a-1.tar/broken.npy is no array" in said
    assert said.count("broken.npy") == 1
    parts = train(shards, "parts", workers=2)
    assert same(whole, parts)
    shutil.rmtree(checkpoints.listed(parts)[-1])
    train(shards, "parts", workers=1, resume=True)
    assert same(whole, parts)
    assert read_yaml(whole / "config.yaml")["a"] == f"{shards}/a-{{0..2}}.tar"
    assert len(list((whole / "previews").iterdir())) >= 2
    assert Npy.measured == [10, 6]
    assert unpaired.load(whole, domain=Npy)(torch.zeros(1, 2, 32, 32)).shape == (1, 2, 32, 32)


def test_resumed_bitwise_where_blocks_are_shuffled(shards: Path) -> None:
    whole = train(shards, "whole", steps=6, checkpoint_every=3, shuffle="blocks")
    parts = shutil.copytree(whole, shards / "parts")
    shutil.rmtree(checkpoints.listed(parts)[-1])
    train(shards, "parts", steps=6, checkpoint_every=3, shuffle="blocks", workers=1, resume=True)
    assert same(whole, parts)


def test_the_order_of_a_run_stays(shards: Path) -> None:
    """Also that of one from before there was a choice: every sample comes once an epoch."""
    train(shards, "run")
    with pytest.raises(unpaired.ConfigError, match=r"training\.shuffle \(was full, is blocks\)"):
        train(shards, "run", steps=3, shuffle="blocks", resume=True)
    config = shards / "run" / "config.yaml"
    config.write_text("".join(line for line in config.read_text().splitlines(True) if "shuffle:" not in line))
    train(shards, "run", steps=3, resume=True)


@pytest.mark.parametrize("shuffle", ["full", "blocks"])
def test_every_sample_comes_once_an_epoch_and_alike_in_every_process(
    shards: Path, shuffle: Literal["full", "blocks"]
) -> None:
    (shards / "a-1.tar").unlink()
    side = ShardSide("a", shards / "a-{0,2}.tar")
    domain = with_sides(Npy(), side, shards / "b")
    inventories = scan_sides(domain, side, shards / "b")
    files = {name: each.drawn for name, each in inventories.items()}
    dataset = PairDataset(domain, files, TrainingSettings(steps=100, shuffle=shuffle), 1)
    samples = [dataset[position].a for position in range(10)]
    (first, second) = (torch.cat(samples[begin : begin + 5]).mean((1, 2, 3)).sort()[0] for begin in (0, 5))
    assert float((first - second).abs().max()) < 0.01
    assert float(first.diff().min()) >= 0
    import pickle

    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[7].a, samples[7])
    assert torch.equal(dataset[7].a, samples[7])


def test_other_shards_are_not_resumed(shards: Path) -> None:
    train(shards, "run", steps=2)
    with tarfile.open(shards / "a-0.tar", "a") as tar:
        tar.add(shards / "b" / "000.npy", "more.npy")
    with pytest.raises(unpaired.ConfigError, match=r"the samples of .*a-\{0..2\}.tar .* are not those"):
        train(shards, "run", resume=True)
    train(shards, "run", resume=True, data_changed=True, steps=3)


def test_test_folders_score_a_run_on_shards(shards: Path) -> None:
    train(shards, "run", test_a=shards / "files", test_b=write_arrays(shards / "tb", 3, 5, 0))
    assert (shards / "run" / "held-out.json").exists()


def test_what_shards_cannot_be_used_for(shards: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match="held out of folders, not of shards"):
        train(shards, "run", held_out=0.1)
    with pytest.raises(unpaired.ConfigError, match="A and B are the same shards"):
        unpaired.train(Npy(), shards / "a-0.tar", str(shards / "a-0.tar"), shards / "run", networks=SMALL)
    with pytest.raises(unpaired.ConfigError, match="shards have none"):
        train(shards, "run", objective_name="pix2pix")
    assert isinstance(side_of("a", str(shards / "a-*.tar")), ShardSide)


def test_what_was_unpacked_goes_with_its_process(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(shards / "tmp"))
    (shards / "tmp").mkdir()
    left = shards / "tmp" / ".unpaired-shards.00000000-00000000-1-1-abcd.part"
    left.mkdir()
    train(shards, "run", steps=3, workers=2)
    import gc

    gc.collect()
    assert [each.name for each in (shards / "tmp").glob(".unpaired-shards*")] == [left.name]  # of another machine


@pytest.mark.slow
def test_two_processes_train_from_shards_as_one_with_twice_the_batch(shards: Path) -> None:
    common: dict[str, Any] = {"steps": 4, "precision": "fp64", "objective": unpaired.CycleSettings(history=0)}
    one = train(shards, "one", batch=2, **common)
    two = train(shards, "two", processes=2, workers=1, **common)
    first, second = weights(one), weights(two)
    assert max(float((first[name] - second[name]).abs().max()) for name in first) < 1e-6
