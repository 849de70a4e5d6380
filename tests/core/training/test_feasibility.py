"""What cannot be trained is found before the run has a folder, and what was stopped is taken up as it was."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.model.model_file import read_header
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints

QUICK: dict[str, Any] = {
    "networks": unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2),
    "workers": 0, "log_every": 1, "precision": "fp32", "device": "cpu", "steps": 2, "checkpoint_every": 2,
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 4, 0, 0.3)
    write_arrays(tmp_path / "b", 4, 1, -0.3)
    return tmp_path


def train(data: Path, **options: Any) -> Path:
    return unpaired.train(Arrays(), data / "a", data / "b", data / "run", **{**QUICK, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"best": "kid"}, "training.best is 'kid', which is not logged"),
        ({"batch": 10**9}, r"training.batch is 1000000000: samples alone would take 16,384.0 GB"),
        ({"accumulate": 1025}, "training.accumulate is 1025; expected 1024 at most"),
        ({"workers": 10**6}, r"training.workers is 1000000; expected \d+ at most on the \d+ processors"),
        ({"processes": 10**6}, r"training.processes is 1000000; expected \d+ at most on the \d+ processors"),
        (
            {"objective": unpaired.CycleSettings(cycle_pool_b=33)},
            "objective.cycle_pool_b is 33, but samples are 32 x 32",
        ),
    ],
)
def test_what_is_refused_leaves_no_folder(data: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(unpaired.ConfigError, match=message):
        train(data, **options)
    assert not (data / "run").exists()


@pytest.mark.parametrize("name", ["model.safetensors", "best.safetensors"])
@pytest.mark.parametrize("left", ["nothing", "the one before", "half of one"])
def test_a_model_that_did_not_follow_its_checkpoint_is_written_on_resuming(
    data: Path, name: str, left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data, best="generators")
    other = shutil.copy(data / "run" / name, data / "earlier.safetensors")
    shutil.rmtree(data / "run")
    options = {"best": "generators", "steps": 4, "checkpoint_every": 4}
    train(data, **options)
    file = data / "run" / name
    whole = file.read_bytes()
    if left == "the one before":
        shutil.copy(other, file)
    else:
        file.write_bytes(whole[: len(whole) // 2])
        if left == "nothing":
            file.unlink()
    train(data, **options, resume=True)
    assert file.read_bytes() == whole
    assert read_header(file)["step"] == 4
    said = capsys.readouterr().err
    assert f"{name} is missing or of another step; writing that of step 4" in said
    assert "nothing left to do" in said


def test_a_best_model_of_an_earlier_step_is_no_model_of_this_one(data: Path) -> None:
    train(data, best="generators", steps=4)
    saved = checkpoints.load(checkpoints.listed(data / "run")[-1])
    assert saved.best_step in (2, 4)
    (data / "run" / "best.safetensors").unlink()
    train(data, best="generators", steps=4, resume=True)
    assert (data / "run" / "best.safetensors").exists() == (saved.best_step == 4)


def test_a_run_without_a_checkpoint_begins_anew_and_says_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(data)
    first = (data / "run" / "model.safetensors").read_bytes()
    shutil.rmtree(data / "run" / "checkpoints")
    (data / "run" / "model.safetensors").unlink()
    train(data, resume=True)
    assert "has no checkpoint yet, so that the run begins anew" in capsys.readouterr().err
    assert (data / "run" / "model.safetensors").read_bytes() == first


def test_other_files_are_refused_on_resuming_unless_it_is_asked_for(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(data)
    hashed = read_yaml(data / "run" / "config.yaml")["data_hash"]
    (data / "a" / "000.npy").rename(data / "a" / "900.npy")
    with pytest.raises(unpaired.ConfigError, match=r"are not those that .* was trained on .*--data-changed"):
        train(data, steps=4, resume=True)
    assert read_yaml(data / "run" / "config.yaml")["data_hash"] == hashed
    train(data, steps=4, resume=True, data_changed=True)
    assert "continuing with these" in capsys.readouterr().err
    assert read_yaml(data / "run" / "config.yaml")["data_hash"] != hashed
    assert read_header(data / "run" / "model.safetensors")["step"] == 4


def test_resuming_with_fewer_steps_than_were_made_keeps_the_record_of_those(data: Path) -> None:
    """Else config.yaml would no longer say how to repeat the run."""
    train(data, steps=4, checkpoint_every=4)
    before = (data / "run" / "config.yaml").read_text()
    train(data, steps=2, checkpoint_every=4, resume=True)
    assert (data / "run" / "config.yaml").read_text() == before
