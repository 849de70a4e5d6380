"""`unpaired train`: settings from every source, a run, its resumption and its interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unpaired import ConfigError, CycleSettings, Image
from unpaired.apps.command_line import Parser
from unpaired.apps.commands import train_command
from unpaired.apps.run_settings import compose
from unpaired.core.settings.mapping import read_yaml, write_yaml

SMALL = ("--domain", "image", "--domain.size", "32", "--preset", "tiny", "--networks.blocks", "1",
         "--networks.discriminator_layers", "2", "--workers", "0", "--log-every", "1", "--precision", "fp32",
         "--device", "cpu")  # fmt: skip


def settings(*words: str) -> Any:
    args = train_command.parser().read(["--a", "x", "--b", "y", "--out", "z", *words])
    return compose(train_command.of_words(args), args.faults)


def test_options_reach_the_settings_they_name() -> None:
    found = settings("--domain", "image", "--domain.size", "64", "--objective.cycle", "3", "--objective.identity_b=0",
                     "--steps", "1e3", "--learning-rate", "1e-3", "--training.ema", "0.5", "--names", "day", "night",
                     "--networks.filters", "12", "--preset", "small", "--domain.flip", "false")  # fmt: skip
    assert isinstance(found.domain, Image)
    assert (found.domain.settings.size, found.domain.settings.flip) == (64, False)
    assert found.objective == CycleSettings(cycle_a=3.0, cycle_b=3.0, identity_b=0.0)
    assert (found.training.steps, found.training.learning_rate, found.training.ema) == (1000, 1e-3, 0.5)
    assert found.names == ("day", "night")
    assert (found.networks.filters, found.preset, found.objective_name) == (12, "small", "cycle")
    assert (found.a, found.b, found.out) == (Path("x"), Path("y"), Path("z"))


def test_every_fault_of_a_command_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings("--stpes", "3", "--batch", "0", "--domain", "imgae", "--objective.form", "lsgna", "--training.smeed=1")
    message = "; ".join(caught.value.faults)
    for part in ("--stpes is no option (did you mean '--steps'?)", "training.batch is 0", "did you mean 'image'?",
                 "objective.form is 'lsgna'", "training.smeed is unknown; did you mean training.seed?"):  # fmt: skip
        assert part in message


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"domain": "image", "trainig": {}}, "trainig is unknown; did you mean training?"),
        ({"domain": "image", "training": 3}, "training is 3; expected settings by name"),
        ({"domain": "image", "names": "day"}, "names is 'day'; expected a list of 2"),
        ({"domain": "image", "preset": "huge"}, "preset is 'huge'; expected one of tiny, small, base"),
        ({"domain": {"name": "image", "sise": 3}}, "domain.sise is unknown; did you mean domain.size?"),
        (
            {"domain": "image", "objective": "circle"},
            "no objective named 'circle' is installed (did you mean 'cycle'?)",
        ),
        ({}, "no domain was named: give --domain NAME (installed: "),
        ({"domain": 3}, "domain is 3"),
        ({"domain": ["image"]}, "domain is ['image']"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose({"a": "x", "b": "y", "out": "z", **mapping}, [])
    assert message in str(caught.value)


def test_options_win_over_the_file_and_the_file_over_defaults(
    unpaired: Callable, pictures: Path, tmp_path: Path
) -> None:
    write_yaml(tmp_path / "s.yaml", {"training": {"steps": 3, "seed": 5}, "objective": {"cycle_a": 1, "cycle_b": 2}})
    done = unpaired("train", *SMALL, "--config", tmp_path / "s.yaml", "--data", pictures, "--out", tmp_path / "run",
                    "--steps", "1", "--objective.cycle", "4")  # fmt: skip
    assert done.code == 0, done.err
    model, verdict = done.out.splitlines()
    assert model == f"model: {tmp_path / 'run/model.safetensors'}"
    assert verdict.startswith("verdict: too early to judge: step 1 of the some ")
    assert verdict.removeprefix("verdict: ").split(":")[0] in (tmp_path / "run/report.html").read_text()
    run = read_yaml(tmp_path / "run/config.yaml")
    assert (run["training"]["steps"], run["training"]["seed"]) == (1, 5)
    assert (run["objective"]["cycle_a"], run["objective"]["cycle_b"]) == (4.0, 4.0)
    assert (run["a"], run["b"]) == (str(pictures / "trainA"), str(pictures / "trainB"))


def test_a_run_is_resumed_by_its_name_alone(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert unpaired("train", *SMALL, "--data", pictures, "--out", run, "--steps", "2").code == 0
    done = unpaired("train", "--out", run)
    assert done.code == 2
    assert done.err == f"unpaired: {run} already holds a run; continue it with --resume, or choose another --out\n"
    assert unpaired("train", "--out", run, "--resume", "--steps", "3").code == 0
    assert read_yaml(run / "config.yaml")["training"]["steps"] == 3
    assert (run / "checkpoints/step-00000003").is_dir()
    assert unpaired("train", "--config", run / "config.yaml", "--out", tmp_path / "again", "--steps", "1").code == 0


def test_with_another_batch_it_takes_a_word_more(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert unpaired("train", *SMALL, "--data", pictures, "--out", run, "--steps", "2").code == 0
    more = ("--out", run, "--steps", "3", "--batch", "2")
    done = unpaired("train", "--resume", *more)
    assert done.code == 2
    assert "--batch (was 1, is 2); --resume elastic goes on all the same" in done.err
    assert unpaired("train", "--resume", "plastic", *more).code == 2
    done = unpaired("train", "--resume", "elastic", *more)
    assert done.code == 0, done.err
    assert "batch from 1 to 2 at step 2: from here on this is no longer bitwise the same run" in done.err
    assert read_yaml(run / "config.yaml")["elastic"][0]["samples"] == 2
    assert unpaired("train", "--out", run, "--resume", "--steps", "4").code == 0
    assert read_yaml(run / "config.yaml")["elastic"][0]["samples"] == 2
    assert unpaired("train", "--config", run / "config.yaml", "--out", tmp_path / "again", "--steps", "1").code == 0


@pytest.mark.parametrize("words", [("--resume",), ("--resume", "--out", "nowhere"), ("--data", "nowhere"),
                                   ("--config", "nowhere.yaml")])  # fmt: skip
def test_what_is_not_there_cannot_be_resumed_or_read(
    words: tuple[str, ...], unpaired: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unpaired("train", *words)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_excludes_the_two_folders(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    done = unpaired("train", *SMALL, "--data", pictures, "--a", "x", "--out", tmp_path / "run")
    assert done.code == 2
    assert "--data and --a, --b exclude each other" in done.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_in_several_seeds_says_how_to_go_on(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "two"
    words = [sys.executable, "-m", "unpaired.apps.main", "train", *SMALL, "--data", str(pictures), "--out", str(run)]
    more = ["--seeds", "2", "--seed", "7", "--steps", "1000000"]
    with subprocess.Popen([*words, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, b"")
        for line in lines:
            if line.startswith(b"step 3/"):
                break
        process.send_signal(signal.SIGINT)
        last = [line.decode() for line in lines][-1]
        assert process.wait(60) == 130
    assert last.endswith(f"unpaired train --out {run} --seeds 2 --resume\n")
    assert [path.name for path in run.iterdir() if path.is_dir()] == ["seed-7"]
    refused = unpaired("train", "--out", run, "--resume")
    assert refused.code == 2
    assert refused.err == f"unpaired: {run} holds runs of several seeds; continue them with --seeds N --resume\n"
    step = int(last.split()[4]) + 1
    done = unpaired("train", "--out", run, "--seeds", "2", "--resume", "--steps", str(step))
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].split() == ["figure", "mean", "deviation", "n", "seed-7", "seed-8"]
    assert f"models: {run / 'seed-7/model.safetensors'}, {run / 'seed-8/model.safetensors'}" in done.out
    assert read_yaml(run / "seed-8/config.yaml")["training"]["seed"] == 8
    assert {"seeds.csv", "seeds.json"} <= {path.name for path in run.iterdir()}
    assert unpaired("train", "--out", tmp_path / "new", "--seeds", "0").code == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_ctrl_c_saves_and_says_how_to_go_on(unpaired: Callable, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = [sys.executable, "-m", "unpaired.apps.main", "train", *SMALL, "--data", str(pictures), "--out", str(run)]
    with subprocess.Popen([*words, "--steps", "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, b"")
        for line in lines:
            if line.startswith(b"step 3/"):
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        last = [line.decode() for line in lines][-1]
        assert process.wait(60) == 130
    assert last.startswith("unpaired: stopped after step ")
    assert last.endswith(f"unpaired train --out {run} --resume\n")
    step = int(last.split()[4])
    assert (run / f"checkpoints/step-{step:08d}").is_dir()
    assert unpaired("train", "--out", run, "--resume", "--steps", str(step + 1)).code == 0


def test_of_several_processes_the_first_names_the_model(
    unpaired: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unpaired.train", lambda **settings: settings["out"] / "model.safetensors")
    words = ["train", "--domain", "image", "--a", tmp_path, "--b", tmp_path, "--out", tmp_path / "run"]
    for rank, printed in {"0": f"model: {tmp_path}/run/model.safetensors\n", "1": ""}.items():
        monkeypatch.setenv("RANK", rank)
        assert unpaired(*words).out == printed


def test_help_lists_every_setting(unpaired: Callable) -> None:
    text = unpaired("train", "--domain", "image", "--help").out
    for name in ("--training.steps", "--objective.cycle_a", "--networks.filters", "--domain.size"):
        assert f"  {name}\n" in text
    assert "Weight of |F(G(a)) - a|." in text
    assert isinstance(train_command.parser(), Parser)


def test_what_is_measured_is_neither_listed_nor_taken(unpaired: Callable) -> None:
    text = unpaired("train", "--domain", "audio", "--help").out
    assert "  --domain.sample_rate\n" in text
    assert not [name for name in ("mean_a", "deviation_b", "f0_a") if name in text]
    with pytest.raises(ConfigError) as caught:
        settings("--domain", "audio", "--domain.f0", "200", "--domain.mean_a", "1")
    assert caught.value.faults == tuple(
        f"domain.{name} is measured when training begins; leave it out" for name in ("mean_a", "f0_a", "f0_b")
    )


def test_a_domains_own_form_of_the_objective_has_its_settings() -> None:
    found = settings("--domain", "video", "--objective.flow", "10", "--objective.far_b", "3", "--objective.cycle=4")
    weights = found.objective
    assert isinstance(weights, found.domain.objective_type("cycle").settings_type)
    assert (weights.flow_a, weights.flow_b, weights.far_b, weights.cycle_a) == (10.0, 10.0, 3.0, 4.0)
    with pytest.raises(ConfigError, match=r"objective\.flow is unknown"):
        settings("--domain", "image", "--objective.flow", "10")


def test_a_fault_of_the_domain_does_not_hide_its_form_of_the_objective() -> None:
    with pytest.raises(ConfigError) as caught:
        settings("--domain", "video", "--domain.size", "3", "--objective.flow", "-1")
    assert "domain.size is 3" in str(caught.value)
    assert "objective.flow_a is -1" in str(caught.value)
    assert "unknown" not in str(caught.value)


def test_help_lists_the_settings_of_the_domains_form_of_the_objective(unpaired: Callable) -> None:
    assert "  --objective.flow_a\n" in unpaired("train", "--domain", "video", "--help").out
    assert "  --objective.flow_a\n" not in unpaired("train", "--domain", "image", "--help").out
