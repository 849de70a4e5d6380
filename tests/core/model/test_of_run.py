"""Checkpoints are models: by step, the newest, the best, and by their folder, for whatever takes a model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.model.of_run import LATEST
from unpaired.core.model.shipped import load_model_named


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five steps with a checkpoint each, of which three are kept."""
    place = tmp_path_factory.mktemp("of_run")
    write_arrays(place / "a", 3, 0, 0.3)
    write_arrays(place / "b", 3, 1, -0.3)
    options = {"preset": "tiny", "steps": 5, "checkpoint_every": 1, "log_every": 1, "keep": 3, "best": "generators"}
    unpaired.train(Arrays(), place / "a", place / "b", place / "run", workers=0, device="cpu", **options)
    return place / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def weights(name: str | Path) -> dict[str, torch.Tensor]:
    return load_model_named(name, Arrays).generators["a2b"].state_dict()


@pytest.mark.parametrize("step", ["3", "step-00000003", "0003"])
def test_a_step_is_the_averaged_generators_of_its_checkpoint(run: Path, step: str) -> None:
    model = load_model_named(f"{run}@{step}", Arrays)
    assert (model.step, model.networks) == (3, load_model_named(run, Arrays).networks)
    stored = load_file(run / "checkpoints/step-00000003/weights.safetensors")
    for direction, generator in model.generators.items():
        assert not generator.training
        for name, value in generator.state_dict().items():
            assert torch.equal(value, stored[f"averaged.{direction}.{name}"]), name


def test_latest_best_and_folders(run: Path) -> None:
    newest = weights(run)
    for name in (f"{run}@latest", f"{run}@5", run / "checkpoints" / "step-00000005"):
        assert all(torch.equal(value, newest[key]) for key, value in weights(name).items()), name
    other = weights(f"{run}@3")
    assert not all(torch.equal(value, newest[key]) for key, value in other.items())
    best = load_model_named(f"{run}@best", Arrays)
    assert best.step == load_model_named(run / "best.safetensors", Arrays).step


def test_it_converts_and_a_relative_folder_does_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run / "checkpoints" / "step-00000004")
    translator = unpaired.load(".", runtime="torch", device="cpu", domain=Arrays)
    assert translator.model.step == 4
    assert translator(torch.zeros(1, 2, 16, 16)).shape == (1, 2, 16, 16)


@pytest.mark.parametrize("which", ["1", "7", "newest", "", "step-x", "9" * 40, "../other"])
def test_what_is_not_kept_is_refused_with_what_is(run: Path, which: str) -> None:
    with pytest.raises(unpaired.MissingFile, match="it holds latest, best, 3, 4, 5") as caught:
        load_model_named(f"{run}@{which}", Arrays)
    assert len(str(caught.value)) < 300 + len(str(run))


def test_a_run_without_a_best_model_says_so(run: Path) -> None:
    (run / "best.safetensors").unlink()
    with pytest.raises(unpaired.MissingFile, match=r"holds no best\.safetensors; it holds latest, 3, 4, 5"):
        load_model_named(f"{run}@best", Arrays)
    (run / LATEST).unlink()
    with pytest.raises(unpaired.MissingFile, match="continue it with --resume"):
        load_model_named(f"{run}@4", Arrays)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(unpaired.MissingFile, match="it has saved none yet"):
        load_model_named(f"{run}@latest", Arrays)


@pytest.mark.parametrize("harm", ["bits", "cut", "shape", "missing"])
def test_damage_is_told(run: Path, harm: str) -> None:
    file = run / "checkpoints" / "step-00000004" / "weights.safetensors"
    data = bytearray(file.read_bytes())
    if harm == "bits":
        data[-5] ^= 1
        file.write_bytes(data)
    elif harm == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif harm == "shape":
        found = load_file(file)
        name = next(name for name in found if name.startswith("averaged.a2b."))
        save_file({**found, name: torch.zeros(7)}, file)
        (file.parent / "checksums.json").unlink()
    else:
        file.unlink()
    with pytest.raises(unpaired.ModelFileError, match=r"weights\.safetensors (is damaged|cannot be read)"):
        load_model_named(f"{run}@4", Arrays)
    assert weights(f"{run}@5")


def test_a_folder_with_an_at_sign_goes_first(run: Path) -> None:
    odd = run.rename(run.with_name("run@3"))
    assert load_model_named(odd, Arrays).step == 5
    assert load_model_named(f"{odd}@3", Arrays).step == 3
    with pytest.raises(unpaired.UnknownName):
        load_model_named("day2night@3")
