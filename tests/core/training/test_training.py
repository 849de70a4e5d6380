"""Training through the public door: learning, resuming bit by bit, being killed, going wrong."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import distributed
from toy import Arrays, ArraySettings, write_arrays

import unpaired
from unpaired.core.model.model_file import load_model
from unpaired.core.monitoring.log import losses_of, read_metrics
from unpaired.core.settings.mapping import read_yaml, write_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.launch import leave_group

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 5, "preview_every": 1000, "precision": "fp32", "device": "cpu"
}  # fmt: skip
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import unpaired
from toy import Arrays
networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, dropout=0.3)
objective = unpaired.CycleSettings(history=5, cycle_noise=0.1, equivariance=1)
folder, out = Path({folder!r}), Path({folder!r}) / {out!r}
unpaired.train(
    Arrays(), folder / "a", folder / "b", out, networks=networks, objective=objective, steps={steps}, workers=0,
    checkpoint_every={every}, log_every=10, preview_every=1000, precision="fp32", device="cpu",
    resume=(out / "config.yaml").exists(),
)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def train(data: Path, out: str, **options: Any) -> Path:
    return unpaired.train(Arrays(), data / "a", data / "b", data / out, **{**QUICK, **options})


def child(data: Path, out: str, steps: int, every: int) -> subprocess.Popen[bytes]:
    code = CHILD.format(tests=str(Path(__file__).parents[2]), folder=str(data), out=out, steps=steps, every=every)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def newest(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def assert_same(one: Path, other: Path) -> None:
    assert checkpoints.listed(one)[-1].name == checkpoints.listed(other)[-1].name
    first, second = newest(one), newest(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    states = [checkpoints.load(checkpoints.listed(run)[-1]) for run in (one, other)]
    assert torch.equal(states[0].local["random"], states[1].local["random"])
    assert len(states[0].local["history_a"]["samples"]) == len(states[1].local["history_a"]["samples"])


def test_a_tiny_run_learns_what_sets_the_folders_apart(data: Path) -> None:
    """A is bright and B is dark: after a short training G must darken and F must brighten, and cycle back."""
    objective = unpaired.CycleSettings(identity_a=0, identity_b=0)
    model = train(data, "run", steps=300, learning_rate=2e-3, ema=0.9, objective=objective, log_every=100)
    translator = unpaired.load(model, runtime="torch", domain=Arrays)
    a = torch.stack([Arrays().load(file, "a") for file in sorted((data / "a").iterdir())])
    b = torch.stack([Arrays().load(file, "b") for file in sorted((data / "b").iterdir())])
    darker, brighter = translator(a, "a2b"), translator(b, "b2a")
    assert float(a.mean()) > 0.2 > -0.2 > float(b.mean())
    assert float(darker.mean()) == pytest.approx(float(b.mean()), abs=0.2)
    assert float(brighter.mean()) == pytest.approx(float(a.mean()), abs=0.2)
    assert float((translator(darker, "b2a") - a).abs().mean()) < float(a.mean() - b.mean()) / 2


def test_the_run_folder_holds_what_is_promised(data: Path) -> None:
    train(data, "run", steps=20, checkpoint_every=5, keep=2, best="cycle_a", preview_every=10)
    run = data / "run"
    names = {path.name for path in run.iterdir()}
    assert {"config.yaml", "model.safetensors", "best.safetensors", "metrics.jsonl", "previews", "report.html"} <= names
    assert [path.name for path in checkpoints.listed(run)] == ["step-00000015", "step-00000020"]
    assert [line["step"] for line in read_metrics(run)] == [1, 5, 10, 15, 20]
    model = load_model(run / "model.safetensors", Arrays)
    assert model.step == 20
    assert len(model.data_hash) == 16
    lowest = min(losses_of(line)["cycle_a"] for line in read_metrics(run)[1:])
    assert load_model(run / "best.safetensors", Arrays).metrics["cycle_a"] <= lowest * 1.5
    assert read_yaml(run / "config.yaml")["training"]["steps"] == 20


def test_losses_of_every_third_step_are_resumed_bitwise_between_two(data: Path) -> None:
    options = {"objective": unpaired.CycleSettings(identity_every=3), "checkpoint_every": 8, "log_every": 2}
    for out, steps in (("straight", 16), ("stopped", 8)):
        train(data, out, steps=steps, **options, constant_share=1.0)
    train(data, "stopped", steps=16, resume=True, **options, constant_share=1.0)
    assert_same(data / "straight", data / "stopped")
    logged = [losses_of(line) for line in read_metrics(data / "stopped")]
    # Of steps 0, 1, 2 and 3, 4 and 5, 6 and 7 ... as lines are: 0, 3, 6, 9, 12 and 15 have it.
    assert ["identity_a" in losses for losses in logged] == [True, False, True, False, True, True, False, True, True]


def test_a_run_of_a_version_without_winograd_goes_on_without(data: Path) -> None:
    train(data, "run", steps=2)
    file = data / "run" / "config.yaml"
    settings = read_yaml(file)
    assert settings["training"].pop("winograd") is True
    write_yaml(file, settings)
    train(data, "run", steps=4, resume=True)
    assert read_yaml(file)["training"]["winograd"] is False


def test_stopping_and_resuming_is_bitwise_the_same(data: Path) -> None:
    """n + n steps equal 2n: weights, optimisers, moving average, history, random state (drop-out, noise, warps)."""
    for out, every in (("straight", 16), ("stopped", 8)):
        process = child(data, out, 16, every)
        assert process.wait(120) == 0, process.stderr.read().decode()
    shutil.rmtree(data / "stopped" / "checkpoints" / "step-00000016")
    process = child(data, "stopped", 16, 8)
    assert process.wait(120) == 0, process.stderr.read().decode()
    assert_same(data / "straight", data / "stopped")


@pytest.mark.slow
def test_killed_at_random_moments_it_still_arrives_at_the_same_weights(data: Path) -> None:
    steps = 240
    process = child(data, "straight", steps, steps)
    assert process.wait(240) == 0, process.stderr.read().decode()
    chance = random.Random(os.environ.get("PYTEST_RANDOM", "unpaired"))
    kills = 0
    while kills < 3:
        process = child(data, "killed", steps, 7)
        started = time.monotonic()
        before = len(checkpoints.listed(data / "killed"))
        # Wait for the run to be well under way, so that the kill falls into steps and checkpoints, not into imports.
        while len(checkpoints.listed(data / "killed")) <= min(before, 1) and process.poll() is None:
            assert time.monotonic() - started < 120
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.4))
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        assert checkpoints.listed(data / "killed")
    assert kills >= 1
    process = child(data, "killed", steps, 7)
    assert process.wait(240) == 0, process.stderr.read().decode()
    assert_same(data / "straight", data / "killed")
    assert not list((data / "killed" / "checkpoints").glob(".unfinished*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_saves_and_says_how_to_go_on(data: Path, number: signal.Signals) -> None:
    process = child(data, "run", 100_000, 100_000)
    started = time.monotonic()
    while not (data / "run" / "metrics.jsonl").exists() or len(read_metrics(data / "run")) < 2:
        assert time.monotonic() - started < 120
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.05)
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert b"continue with --resume" in error
    (checkpoint,) = checkpoints.listed(data / "run")
    assert checkpoints.load(checkpoint).step > 1
    assert (data / "run" / "model.safetensors").exists()


def test_other_settings_are_not_resumed(data: Path) -> None:
    train(data, "run", steps=5)
    with pytest.raises(unpaired.ConfigError, match=r"networks \(filters: was 4, is 8\)"):
        train(data, "run", steps=5, resume=True, networks=dataclasses.replace(TINY, filters=8))
    with pytest.raises(unpaired.ConfigError, match=r"training.seed \(was 0, is 1\)"):
        train(data, "run", steps=5, resume=True, seed=1)
    with pytest.raises(unpaired.ConfigError, match="holds a run already; resume it with --resume"):
        train(data, "run", steps=5)
    with pytest.raises(unpaired.ConfigError, match="no run to resume"):
        train(data, "nothing", steps=5, resume=True)
    train(data, "run", steps=8, resume=True)
    assert load_model(data / "run" / "model.safetensors", Arrays).step == 8


def test_a_run_from_before_a_setting_existed_is_resumed(data: Path) -> None:
    train(data, "run", steps=5)
    file = data / "run" / "config.yaml"
    settings = read_yaml(file)
    del settings["objective"]["cycle_noise"], settings["networks"]["dropout"], settings["domain"]["size"]
    write_yaml(file, settings)
    train(data, "run", steps=6, resume=True)
    assert load_model(data / "run" / "model.safetensors", Arrays).step == 6
    assert read_yaml(file)["objective"]["cycle_noise"] == 0.0


def test_the_best_by_a_loss_that_is_not_logged(data: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match=r"training.best is 'cycle_c', which is not logged \(did you mean"):
        train(data, "run", steps=5, best="cycle_c")


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_diverging_names_the_last_good_checkpoint(data: Path, clip: float) -> None:
    train(data, "run", steps=10, checkpoint_every=5, clip=clip)
    with pytest.raises(unpaired.NumericsError, match=r"last good checkpoint is .*step-000000"):
        train(data, "run", steps=60, resume=True, learning_rate=1e25, clip=clip)
    for folder in checkpoints.listed(data / "run"):
        assert all(bool(w.isfinite().all()) for w in load_file(folder / "weights.safetensors").values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stepz": 5}, r"stepz: no such training setting \(did you mean 'steps'\?\)"),
        ({"steps": 0}, "training.steps is 0; expected 1 or more"),
        ({"device": "tpu"}, "training.device is 'tpu'; expected auto, cpu, cuda"),
        ({"networks": unpaired.NetworkSettings(discriminator_layers=5)}, "too small for 5 discriminator layers"),
        ({"preset": "huge"}, "preset is 'huge'"),
    ],
)
def test_settings_that_cannot_be(data: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(unpaired.ConfigError, match=message):
        train(data, "run", **options)
    assert not (data / "run").exists()


def test_sizes_a_generator_cannot_take_are_refused_before_the_first_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_arrays(tmp_path / name, 3, 0, 0.0, size=36)
    with pytest.raises(unpaired.ConfigError, match="36 x 36; this generator needs multiples of 64"):
        train(tmp_path, "run", networks=unpaired.NetworkSettings(generator="unet", blocks=6, filters=4))


def test_domains_of_unlike_channels_train_without_identity(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", 3, 0, 0.3, channels=1)
    write_arrays(tmp_path / "b", 3, 1, -0.3, channels=3)
    domain = Arrays(ArraySettings(channels_a=1, channels_b=3))
    arguments = (domain, tmp_path / "a", tmp_path / "b", tmp_path / "run")
    with pytest.raises(unpaired.ConfigError, match="A has 1 channels and B 3"):
        unpaired.train(*arguments, **QUICK, steps=2)
    model = unpaired.train(*arguments, **QUICK, steps=2, objective=unpaired.CycleSettings(identity_a=0, identity_b=0))
    assert load_model(model, Arrays).generators["a2b"](torch.zeros(1, 1, 16, 16)).shape == (1, 3, 16, 16)


@pytest.mark.parametrize("form", ["lsgan", "vanilla", "hinge", "wgan-gp", "relativistic"])
def test_every_adversarial_form_trains(data: Path, form: Any) -> None:
    objective = unpaired.CycleSettings(form=form, equivariance=1.0, r1=1.0, r2=1.0)
    train(data, "run", steps=3, objective=objective, clip=1.0, accumulate=2, batch=2)
    losses = losses_of(read_metrics(data / "run")[-1])
    assert all(value is not None for value in losses.values())


@pytest.mark.parametrize("precision", ["bf16", "fp64", "auto"])
def test_every_precision_trains(data: Path, precision: Any) -> None:
    model = train(data, "run", steps=3, precision=precision)
    assert next(load_model(model, Arrays).generators["a2b"].parameters()).dtype == torch.float32


def test_accumulating_is_the_same_as_a_larger_batch(data: Path) -> None:
    """With instance norm, plain gradient descent on two passes of 2 is one of 4; Adam then takes the same step."""
    objective = unpaired.CycleSettings(history=0)
    for out, options in (("two", {"batch": 2, "accumulate": 2}), ("four", {"batch": 4})):
        train(data, out, steps=4, precision="fp64", objective=objective, **options)
    two, four = newest(data / "two"), newest(data / "four")
    assert max(float((two[name] - four[name]).abs().max()) for name in two) < 1e-6


def test_two_processes_match_one_with_twice_the_batch(data: Path) -> None:
    """Gradients in fp32 to 1e-6 of their size (Adam's first moments after one step), weights in fp64 to 1e-6.

    Weights in fp32 are no measure: a bias before instance norm has no gradient but rounding, which Adam scales up.
    """
    objective = unpaired.CycleSettings(history=0)
    for precision, steps in (("fp32", 1), ("fp64", 4)):
        for out, options in (("one", {"batch": 2}), ("two", {"batch": 1, "processes": 2})):
            train(data, f"{out}-{precision}", steps=steps, precision=precision, objective=objective, **options)
    moments = []
    for run in ("one-fp32", "two-fp32"):
        shared = checkpoints.load(checkpoints.listed(data / run)[-1]).shared
        moments.append(torch.cat([s["exp_avg"].flatten() for g in shared.values() for s in g["state"].values()]))
    assert float(moments[0].norm()) > 0.1
    assert float((moments[0] - moments[1]).norm() / moments[0].norm()) < 1e-6
    one, two = newest(data / "one-fp64"), newest(data / "two-fp64")
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6


@pytest.mark.slow
def test_two_processes_resume(data: Path) -> None:
    train(data, "run", steps=4, processes=2)
    with pytest.raises(unpaired.ConfigError, match=r"training.processes \(was 2, is 1\)"):
        train(data, "run", steps=6, resume=True)
    train(data, "run", steps=6, processes=2, resume=True)
    assert load_model(data / "run" / "model.safetensors", Arrays).step == 6


def test_a_run_starts_from_the_weights_of_another(data: Path) -> None:
    train(data, "first", steps=5, ema=0.0, checkpoint_every=2, keep=3)
    still: dict[str, Any] = {"steps": 1, "learning_rate": 1e-12, "seed": 7}
    train(data, "second", start_from=str(data / "first"), **still)
    first, second = newest(data / "first"), newest(data / "second")
    for name, value in first.items():
        # Adam's step is of the size of the rate, whatever the gradient.
        torch.testing.assert_close(second[name], value, rtol=0, atol=1e-6, msg=name)
    train(data, "third", start_from=str(data / "first" / "model.safetensors"), **still)
    third = newest(data / "third")
    part = {name: torch.allclose(third[name], value, atol=1e-6) for name, value in first.items()}
    assert all(same for name, same in part.items() if not name.startswith("discriminators."))
    assert not all(same for name, same in part.items() if name.startswith("discriminators.")), "a file holds none"


def test_a_start_with_other_networks_is_refused_before_anything_is_written(data: Path) -> None:
    train(data, "first", steps=1)
    wider = dataclasses.replace(TINY, filters=6)
    with pytest.raises(unpaired.ConfigError, match="filters is 6 here and 4 there"):
        train(data, "second", steps=1, start_from=str(data / "first"), networks=wider)
    assert not (data / "second" / "config.yaml").exists()
    with pytest.raises(unpaired.MissingFile, match="there is no model at"):
        train(data, "third", steps=1, start_from=str(data / "nowhere.safetensors"))
    assert not (data / "third" / "config.yaml").exists()


def test_a_group_of_processes_is_left_before_python_ends(tmp_path: Path) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    leave_group()
    assert not distributed.is_initialized()
    leave_group()  # without one there is nothing to leave
