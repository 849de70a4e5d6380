"""Datasets as sides of a training: of PyTorch's or any sequence, resumed bitwise, and judged before the first step."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from toy import Arrays, write_arrays

import unpaired
from unpaired.apps.main import main
from unpaired.core.adapter.checks import check_pickles
from unpaired.core.adapter.datasets import DatasetSide, side_of
from unpaired.core.adapter.indexed import over_sides
from unpaired.core.monitoring.log import read_metrics
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.folders import data_hash, scan_sides
from unpaired.core.training.loader import PairDataset, draw

SMALL = unpaired.NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=2)


def noise(count: int, seed: int = 0, channels: int = 2, size: int = 32) -> Tensor:
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Jittered(Dataset[tuple[Tensor, int]]):
    """Samples and their labels, with transforms that draw from all three global generators."""

    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        x = self.values[index] * float(torch.rand(())) * np.random.rand()
        return (x.flip(-1) if random.random() < 0.5 else x), index % 10


def train(out: Path, a: Any, b: Any, domain: unpaired.Domain | None = None, **options: Any) -> Path:
    given: dict[str, Any] = {"steps": 4, "workers": 0, "device": "cpu", "precision": "fp32", "networks": SMALL}
    return unpaired.train(domain or Arrays(), a, b, out, **{**given, **options}).parent


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def same(one: Path, other: Path) -> bool:
    return all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())


# -- runs ---------------------------------------------------------------------------------------------
def test_random_transforms_are_resumed_bitwise_by_any_number_of_workers(tmp_path: Path) -> None:
    a, b = Jittered(noise(5)), Jittered(noise(3, 1))
    options: dict[str, Any] = {"preview_every": 2, "checkpoint_every": 2}
    whole = train(tmp_path / "whole", a, b, **options)
    parts = train(tmp_path / "parts", a, b, workers=2, **options)
    assert same(whole, parts)
    shutil.rmtree(checkpoints.listed(parts)[-1])
    train(tmp_path / "parts", a, b, resume=True, **options)
    assert same(whole, parts)
    assert sorted((whole / "previews").iterdir())
    recorded = read_yaml(whole / "config.yaml")
    assert recorded["a"] == {"dataset": f"{__name__}:Jittered", "samples": 5}
    assert unpaired.load(whole, domain=Arrays)(noise(1)).shape == (1, 2, 32, 32)


def test_transforms_leave_the_generators_of_training_as_they_are() -> None:
    dataset, rng = Jittered(noise(3)), np.random.default_rng(7)
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    before = random.random(), np.random.rand(), float(torch.rand(()))
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    x = DatasetSide("a", dataset).draw(Arrays(), 1, rng).x
    assert (random.random(), np.random.rand(), float(torch.rand(()))) == before
    assert torch.equal(x, DatasetSide("a", dataset).draw(Arrays(), 1, np.random.default_rng(7)).x)
    assert not torch.equal(x, DatasetSide("a", dataset).draw(Arrays(), 1, rng).x)


@pytest.mark.parametrize("kind", ["list", "tuple", "tensor", "array", "TensorDataset", "double"])
def test_any_sequence_of_tensors_serves(tmp_path: Path, kind: str) -> None:
    values = noise(4)
    kinds: dict[str, Any] = {
        "list": list(values), "tuple": tuple(values), "tensor": values, "array": values.numpy(),
        "TensorDataset": TensorDataset(values, torch.arange(4)), "double": values.double().numpy(),
    }  # fmt: skip
    drawn = DatasetSide("a", kinds[kind]).draw(Arrays(), 2, np.random.default_rng(0))
    assert drawn.x.dtype == torch.float32
    assert torch.equal(drawn.x, values[2])


@pytest.mark.slow
def test_a_folder_and_a_data_set_go_together_and_into_two_processes(tmp_path: Path) -> None:
    folder = write_arrays(tmp_path / "a", 3, 0, 0.3)
    run = train(tmp_path / "run", folder, list(noise(3)), processes=2, workers=1, batch=2)
    assert read_yaml(run / "config.yaml")["a"] == str(folder)
    assert len(read_metrics(run)) > 0
    alone = train(tmp_path / "alone", folder, list(noise(3)))
    resumed = train(tmp_path / "alone", folder, list(noise(3)), resume=True, steps=5)
    assert alone == resumed


def test_context_comes_with_a_sample() -> None:
    domain = Arrays()
    samples = [unpaired.Sample(x, {"mask": x[:1]}) for x in noise(3)]
    pairs = [(x, {"mask": x[:1]}) for x in noise(3)]
    for given in (samples, pairs):
        over = over_sides(domain, {"a": DatasetSide("a", given), "b": DatasetSide("b", list(noise(2)))})
        sides = scan_sides(over, DatasetSide("a", given), DatasetSide("b", list(noise(2))))
        batch = PairDataset(over, {side: each.files for side, each in sides.items()}, unpaired.TrainingSettings(), 1)[0]
        assert torch.equal(batch.context_a["mask"][0], batch.a[0, :1])
        assert batch.context_b == {}


@pytest.mark.parametrize(
    ("keep", "came"),
    [
        (torch.ones(1, 3, 8), r"the shape \(1, 3, 8\) beside a sample \(2, 32, 32\)"),
        (torch.ones(3, 32, 32), r"the shape \(3, 32, 32\)"),
        (-torch.ones(1, 32, 32), r"values from -1 to -1"),
    ],
)
def test_what_must_not_change_has_the_shape_of_a_mask(keep: torch.Tensor, came: str) -> None:
    over = over_sides(Arrays(), {"a": DatasetSide("a", [(x, {"keep": keep}) for x in noise(3)])})
    with pytest.raises(unpaired.AdapterError, match=rf"gave {came} for a\[0\]; expected float32 \(1, .*context 'keep'"):
        draw(over, Path("a[0]"), "a", np.random.default_rng(0))


def test_pairs_go_by_their_places(tmp_path: Path) -> None:
    values = noise(4)
    a, b = DatasetSide("a", list(values)), DatasetSide("b", list(-values))
    over = over_sides(Arrays(), {"a": a, "b": b})
    files = {side: each.files for side, each in scan_sides(over, a, b, paired=True).items()}
    pairs = PairDataset(over, files, unpaired.TrainingSettings(), 1, paired=True)
    assert all(torch.equal(pairs[place].a, -pairs[place].b) for place in range(6))
    with pytest.raises(
        unpaired.ConfigError, match=r"two datasets of one length; A is a \(list of 4 samples\) and B is"
    ):
        scan_sides(over, a, DatasetSide("b", list(values[:3])), paired=True)


def test_a_sample_that_cannot_be_read_is_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Holed(Jittered):
        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            if index == 1:
                raise OSError("truncated file")
            return super().__getitem__(index)

    train(tmp_path / "run", Holed(noise(3)), list(noise(3)))
    assert "skipped a[1]: truncated file" in capsys.readouterr().err


def test_the_command_line_says_that_only_python_gives_a_dataset(
    tmp_path: Path, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (list(noise(3, seed, channels=3)) for seed in (0, 1))
    run = train(tmp_path / "run", a, b, domain=unpaired.Image(size=32))
    capsys.readouterr()
    assert main(["train", "--out", str(run), "--resume", "--steps", "5"]) == 2
    told = capsys.readouterr().err
    assert "a was the dataset 'builtins:list', which only Python can give: resume the run with unpaired.train" in told
    assert len(told.splitlines()) == 1
    for command in (["runs", str(tmp_path)], ["inspect", str(run)]):
        assert main(command) == 0
    picture = next((assets / "day2night" / "day").iterdir())
    assert main(["convert", str(run), str(picture), str(tmp_path / "out.png")]) == 0


# -- what tells it from another -----------------------------------------------------------------------
def test_other_data_is_noticed_when_a_run_is_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = list(noise(3)), list(noise(3, 1))
    train(tmp_path / "run", a, b)
    for other in (list(noise(3, 2)), list(noise(4))):
        with pytest.raises(
            unpaired.ConfigError, match=r"the samples of a \(list of \d samples\) or b .* --data-changed"
        ):
            train(tmp_path / "run", other, b, resume=True, steps=5)
    train(tmp_path / "run", list(noise(3, 2)), b, resume=True, steps=5, data_changed=True)
    assert "not those" in capsys.readouterr().err


def test_the_hash_is_of_length_and_contents() -> None:
    def hashed(values: Any) -> str:
        return data_hash({"a": DatasetSide("a", values).inventory(Arrays())})

    values = noise(100)
    assert hashed(values) == hashed(list(values)) == hashed(Jittered(values))[:0] + hashed(values.numpy())
    assert hashed(values) != hashed(values[:99])
    assert hashed(Jittered(values)) == hashed(Jittered(values))


def test_nothing_is_copied_or_read_ahead() -> None:
    class Huge:
        def __init__(self) -> None:
            self.read: set[int] = set()

        def __len__(self) -> int:
            return 100_000

        def __getitem__(self, index: int) -> Tensor:
            self.read.add(index)
            return noise(1)[0]

    huge = Huge()
    found = DatasetSide("a", huge).inventory(Arrays())
    assert (len(found.files), str(found.files[17])) == (100_000, "a[17]")
    assert len(huge.read) <= 16


# -- notes --------------------------------------------------------------------------------------------
class Unsteady(Jittered):
    """Draws from a generator of its own, which nobody seeds."""

    def __init__(self, values: Tensor) -> None:
        super().__init__(values)
        self.own = np.random.default_rng(0)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.values[index] * float(self.own.random()), 0


def test_what_cannot_be_repeated_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "run", Unsteady(noise(3)), list(noise(3)), steps=1)
    assert "note: a[0] differs each time it is drawn" in capsys.readouterr().err
    train(tmp_path / "run", Unsteady(noise(3)), list(noise(3)), steps=2, resume=True)


def test_half_the_range_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "run", list((noise(3) + 1) / 2), list(noise(3)), steps=1)
    told = capsys.readouterr().err
    assert "note: no value of a is below 0, and samples go from -1 to 1: if x goes from 0 to 1, give 2 x - 1" in told
    assert "of b" not in told


# -- what is refused ----------------------------------------------------------------------------------
class Stream(IterableDataset[Tensor]):
    def __iter__(self) -> Any:
        return iter(noise(3))


class Endless(Dataset[Tensor]):
    def __getitem__(self, index: int) -> Tensor:
        return noise(1)[0]


class Wrong(Jittered):
    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return {"image": self.values[index]}["picture"], 0


class Picture:
    """No tensor."""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Stream(), r"^a is a Stream, which can only be read from its beginning, .* or a list"),
        ((x for x in noise(3)), r"^a is a generator, which can only be read from its beginning"),
        (Endless(), r"^a is a Endless; expected a folder, or a dataset with __len__ and __getitem__$"),
        (DataLoader(Jittered(noise(3))), r"^a is a DataLoader; give its dataset, a=loader\.dataset"),
        ({"x": 1}, r"^a is a dict; expected a folder, or a dataset"),
        (5, r"^a is 5; expected a folder, or a dataset"),
        (None, r"^a is null; expected a folder, or a dataset"),
        (torch.tensor(1.0), r"^a is a Tensor; expected a folder, or a dataset"),
        (list(noise(1)), r"^A has 1 sample; training needs 2 or more"),
        ([], r"^A has 0 samples; training needs 2 or more"),
        (noise(3).mul(127).byte(), r"^Tensor\.__getitem__ gave torch\.uint8 for a\[0\]; expected float32 \(2, "),
        (noise(3).mul(127).byte().numpy(), r"gave an array of uint8 for a\[0\]; expected float32"),
        (noise(3) * 255, r"^Tensor\.__getitem__ gave values from -2\d+.* to 2\d+.* for a\[0\]; expected float32"),
        (noise(3)[0], r"^Tensor\.__getitem__ gave the shape \(32, 32\) for a\[0\]; expected float32"),
        (noise(3, channels=3), r"^Tensor\.__getitem__ gave the shape \(3, 32, 32\) for a\[0\]; expected float32"),
        ([*noise(2), noise(1, size=16)[0]], r"gave the size \(16, 16\), where others have \(32, 32\) .* for a\[2\]"),
        ([*noise(2), noise(1)[0] * torch.nan], r"gave values that are not finite for a\[2\]; exp"),
        ([{"image": x, "label": 1} for x in noise(2)], r"gave a dict of image, label \(wrap .* for a\[0\]"),
        ([Picture(), Picture()], r"^list\.__getitem__ gave a Picture for a\[0\]; expected float32"),
        (Wrong(noise(3)), r"^Wrong\.__getitem__ raised KeyError: 'picture' for a\[0\] \(test_datasets\.py, l"),
    ],
)  # fmt: skip
def test_what_is_no_side_is_told_in_one_line(tmp_path: Path, given: Any, words: str) -> None:
    with pytest.raises(unpaired.UnpairedError, match=words) as caught:
        train(tmp_path / "run", given, list(noise(3)))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_fault_far_into_a_data_set_is_told_out_of_a_worker(tmp_path: Path) -> None:
    values: list[Any] = [*noise(64)]
    values[17] = values[17] * 255  # between those that are looked at before training
    with pytest.raises(
        unpaired.AdapterError, match=r"^list\.__getitem__ gave values from .* for a\[17\]; expected float32"
    ):
        train(tmp_path / "run", values, list(noise(3)), workers=2, steps=70, networks=SMALL, batch=4)


def test_one_data_set_is_not_both_sides(tmp_path: Path) -> None:
    values = list(noise(3))
    with pytest.raises(unpaired.ConfigError, match="A and B are the same dataset"):
        train(tmp_path / "run", values, values)


def test_a_data_set_that_cannot_be_pickled(tmp_path: Path) -> None:
    class Local(Jittered):
        pass

    with pytest.raises(
        unpaired.AdapterError, match=r"^a \(Local of 3 samples\) cannot be pickled .*training\.processes"
    ):
        train(tmp_path / "run", Local(noise(3)), list(noise(3)), processes=2, batch=2)
    over = over_sides(Arrays(), {"a": DatasetSide("a", Jittered(noise(3)))})
    check_pickles(over, workers=2, processes=2)


def test_a_medium_that_measures_files_takes_folders_alone(tmp_path: Path) -> None:
    spectrograms = list(noise(3, channels=1, size=80))
    with pytest.raises(
        unpaired.ConfigError, match="the domain 'audio' measures the files of both sides before training"
    ):
        train(tmp_path / "run", spectrograms, spectrograms[:2], domain=unpaired.Audio(), networks=None)


def test_a_folder_is_still_a_folder(tmp_path: Path) -> None:
    assert side_of("a", str(tmp_path)) == side_of("a", tmp_path) == tmp_path
    assert over_sides(domain := Arrays(), {}) is domain
