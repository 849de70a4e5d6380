"""Checkpoints that can be opened and are wrong all the same, and bits that changed on the disk."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kept import row
from PIL import Image
from safetensors.torch import load_file, save_file

import unpaired
from unpaired import ModelFileError
from unpaired.core.training import checkpoints

SETTINGS = unpaired.TrainingSettings(steps=2, checkpoint_every=1, workers=0, device="cpu", precision="fp32")


def train(place: Path, **options: Any) -> Path:
    small = unpaired.NetworkSettings(blocks=1, discriminator_layers=1, filters=4)
    return unpaired.train(unpaired.Image(size=16), place / "a", place / "b", place / "run", preset="tiny",
                          networks=small, training=SETTINGS, **options)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps with a checkpoint after each, made under a umask that lets the group read."""
    place, random = tmp_path_factory.mktemp("trained"), np.random.default_rng(0)
    for side in ("a", "b"):
        (place / side).mkdir()
        for number in range(2):
            values = random.integers(0, 256, (20, 20, 3), dtype=np.uint8)
            Image.fromarray(values).save(place / side / f"{number}.png")
    earlier = os.umask(0o027)
    try:
        train(place)
    finally:
        os.umask(earlier)
    return place


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """The run and its folders, of one's own."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def newest(place: Path) -> Path:
    """Its newest checkpoint, written by an earlier version: without checksums."""
    folder = place / "run/checkpoints/step-00000002"
    (folder / "checksums.json").unlink()
    return folder


def resumed(place: Path) -> str:
    """What resuming says."""
    with pytest.raises(ModelFileError) as caught:
        train(place, resume=True, steps=3)
    message = str(caught.value)
    assert "weights_only" not in message
    assert "\n" not in message
    assert len(message.replace(str(place), "")) <= 300
    return message


WRONG_WEIGHTS: dict[str, tuple[Callable[[dict[str, torch.Tensor]], Any], str]] = {
    "missing": (lambda weights: weights.pop(next(iter(weights))), "is nothing, expected"),
    "of another shape": (lambda weights: weights.update({next(iter(weights)): torch.zeros(7)}), r"is \(7,\), expected"),
    "one too many": (lambda weights: weights.update(more=torch.zeros(7)), r"more is \(7,\), expected nothing"),
    "not finite": (lambda weights: next(iter(weights.values())).fill_(float("nan")), "is not finite"),
}


@row("checkpoint of a run", "a weight missing, of another shape or not finite")
@pytest.mark.parametrize("kind", WRONG_WEIGHTS)
def test_weights_that_do_not_fit(kind: str, place: Path, newest: Path) -> None:
    change, expected = WRONG_WEIGHTS[kind]
    weights = load_file(newest / "weights.safetensors")
    change(weights)
    save_file(weights, newest / "weights.safetensors")
    message = resumed(place)
    assert str(newest) in message
    assert "delete it to resume from an older one (step-00000001)" in message
    assert re.search(expected, message)


WRONG_STATES: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {
    "a list": ("state.pt", lambda state: [1, 2]),
    "a tensor": ("state.pt", lambda state: torch.zeros(3)),
    "no step": ("state.pt", lambda state: state.pop("step") and None),
    "a step that is text": ("state.pt", lambda state: state.update(step="2")),
    "no format": ("state.pt", lambda state: state.pop("format") and None),
    "no optimisers": ("state.pt", lambda state: state.pop("optimisers") and None),
    "one optimiser": ("state.pt", lambda state: state["optimisers"].pop("generators") and None),
    "an optimiser that is text": ("state.pt", lambda state: state["optimisers"].update(generators="x")),
    "best of another type": ("state.pt", lambda state: state.update(best="x")),
    "no parameter groups": ("state.pt", lambda state: state["optimisers"]["generators"].pop("param_groups") and None),
    "another optimiser's groups": (
        "state.pt",
        lambda state: state["optimisers"]["generators"]["param_groups"][0].pop("betas") and None,
    ),
    "moments of another shape": (
        "state.pt",
        lambda state: state["optimisers"]["generators"]["state"][0].update(exp_avg=torch.zeros(5)),
    ),
    "moments missing": (
        "state.pt",
        lambda state: state["optimisers"]["discriminators"]["state"][0].pop("exp_avg_sq") is None,
    ),
    "a process's state that is a list": ("process-0.pt", lambda state: [1]),
    "no history": ("process-0.pt", lambda state: state.pop("history_a") and None),
    "a history of text": ("process-0.pt", lambda state: state["history_a"].update(samples=["x"])),
    "no random state": ("process-0.pt", lambda state: state.pop("random") is None),
    "a random state of another type": ("process-0.pt", lambda state: state.update(random=torch.zeros(3))),
}


@row("checkpoint of a run", "a state without a key or of another type")
@pytest.mark.parametrize("kind", WRONG_STATES)
def test_states_that_do_not_fit(kind: str, place: Path, newest: Path) -> None:
    name, change = WRONG_STATES[kind]
    state = torch.load(newest / name, weights_only=True)
    replaced = change(state)
    torch.save(replaced if isinstance(replaced, list | torch.Tensor) else state, newest / name)
    message = resumed(place)
    assert str(newest) in message
    assert "delete it to resume from an older one (step-00000001)" in message


@row("checkpoint of a run", "a file missing")
def test_a_file_that_is_missing(place: Path, newest: Path) -> None:
    (newest / "weights.safetensors").rename(place / "kept")
    assert "has no weights.safetensors; delete it to resume from an older one (step-00000001)" in resumed(place)
    (place / "kept").rename(newest / "weights.safetensors")
    (newest / "process-0.pt").unlink()
    assert "has no process-0.pt; resume with as many processes" in resumed(place)
    shutil.rmtree(newest)
    train(place, resume=True, steps=3)
    assert checkpoints.listed(place / "run")[-1].name == "step-00000003"


def test_the_command_says_the_same(refused: Callable[..., str], place: Path, newest: Path) -> None:
    weights = load_file(newest / "weights.safetensors")
    del weights[next(iter(weights))]
    save_file(weights, newest / "weights.safetensors")
    line = refused("train", "--out", place / "run", "--resume", "--steps", "3", "--a", place / "a", "--b", place / "b")
    assert "does not fit this run" in line
    assert "step-00000001" in line


@row("checkpoint of a run", "corrupted bits")
@pytest.mark.parametrize("name", ["weights.safetensors", "state.pt", "process-0.pt"])
def test_a_flipped_bit_is_noticed(name: str, place: Path) -> None:
    folder = place / "run/checkpoints/step-00000002"
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    message = resumed(place)
    assert str(folder) in message
    assert "step-00000001" in message


def test_weights_that_are_not_finite_are_no_good_checkpoint(place: Path, newest: Path) -> None:
    run = place / "run"
    assert checkpoints.last_good(run) == newest
    weights = load_file(newest / "weights.safetensors")
    name = next(name for name in weights if name.startswith("averaged."))
    weights[name] = weights[name] * float("inf")
    save_file(weights, newest / "weights.safetensors")
    assert checkpoints.last_good(run) == run / "checkpoints/step-00000001"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_others_may_read_a_run_as_far_as_the_umask_lets_them(finished: Path) -> None:
    files = [path for path in (finished / "run").rglob("*") if path.is_file()]
    assert len(files) > 8
    assert {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in files} == dict.fromkeys(
        (path.name for path in files), oct(0o640)
    )


@row("model file", "corrupted bits")
def test_a_flipped_bit_of_a_model_is_noticed(place: Path) -> None:
    file = place / "run/model.safetensors"
    unpaired.load(file, runtime="torch", device="cpu")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"is damaged: generators\..* is not as it was written"):
        unpaired.load(file, runtime="torch", device="cpu")
