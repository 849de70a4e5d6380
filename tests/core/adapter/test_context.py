"""A domain that gives context with its samples and brings its own form of the objective, with a discriminator more."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays
from toy_context import Neighbours, PairCycle, PairSettings

import unpaired
from unpaired.core.model.model_file import load_model, read_header
from unpaired.core.monitoring.log import losses_of, read_metrics
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch, Sample
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.training import checkpoints
from unpaired.core.training.loader import PairDataset, Positions, collate, loader

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 1, "preview_every": 1000, "precision": "fp32", "device": "cpu"
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    return tmp_path


def train(data: Path, out: str, domain: unpaired.Domain | None = None, **options: Any) -> Path:
    return unpaired.train(domain or Neighbours(), data / "a", data / "b", data / out, **{**QUICK, **options})


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


# -- samples and batches ------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [0, 1])
def test_context_is_stacked_with_its_samples(data: Path, workers: int) -> None:
    settings = unpaired.TrainingSettings(steps=2, batch=3, workers=workers)
    files = {side: sorted((data / side).iterdir()) for side in ("a", "b")}
    dataset = PairDataset(Neighbours(), files, settings, 3)
    for batch in loader(dataset, Positions(settings, 0, 0, 1), pin=False):
        for x, context in ((batch.a, batch.context_a), (batch.b, batch.context_b)):
            assert context.keys() == {"neighbour"}
            assert context["neighbour"].shape == x.shape == (3, 2, 32, 32)
            # Noise of 0.1 apart: to its own neighbour, and to no other.
            assert torch.allclose((context["neighbour"] - x).std(), torch.tensor(0.1), atol=0.03)


def test_a_plain_tensor_is_a_sample_without_context(data: Path) -> None:
    x = torch.zeros(1, 2)
    assert Sample.of(x).x is x
    assert Sample.of(x).context == {}
    assert Sample.of(Sample(x, {"y": x})).context["y"] is x
    file = sorted((data / "a").iterdir())[0]
    assert torch.equal(Neighbours().load(file, "a"), Arrays().load(file, "a"))


def test_contexts_that_cannot_be_stacked_are_refused() -> None:
    x = torch.zeros(1, 2, 4)
    plain, rich = Batch(x, x), Batch(x, x, context_b={"y": x})
    with pytest.raises(unpaired.MediaError, match="samples of B differ in context"):
        collate([plain, rich])
    with pytest.raises(unpaired.MediaError, match="context 'y' of samples of B differ in shape"):
        collate([rich, Batch(x, x, context_b={"y": torch.zeros(1, 2, 5)})])
    with pytest.raises(unpaired.MediaError, match="samples of A differ in shape"):
        collate([plain, Batch(torch.zeros(1, 2, 5), x)])


# -- training -----------------------------------------------------------------------------------------
def test_the_domains_form_of_the_objective_is_trained(data: Path) -> None:
    train(data, "run", steps=3)
    losses = losses_of(read_metrics(data / "run")[-1])
    assert {"steady_a", "steady_b", "pair_b", "discriminator_pair_b", "cycle_a"} <= losses.keys()
    assert read_yaml(data / "run" / "config.yaml")["objective"]["steady"] == 2.0


def test_the_further_discriminator_learns_and_teaches(data: Path) -> None:
    """Its weights move from where they began, and the generator's differ from those without it."""
    for steps in (1, 4):
        train(data, f"run{steps}", steps=steps)
    train(data, "without", steps=4, objective=PairSettings(pair=0))
    first, later, without = (weights(data / run) for run in ("run1", "run4", "without"))
    further = [
        name for name in later if name.startswith("discriminators.auxiliary.pair_b.") and name.endswith("weight")
    ]
    assert further
    assert not any(name.startswith("discriminators.auxiliary") for name in without)
    assert all(not torch.equal(first[name], later[name]) for name in further)
    name = next(name for name in later if name.startswith("generators.a2b") and name.endswith("weight"))
    assert not torch.equal(later[name], without[name])


def test_stopping_and_resuming_is_bitwise_the_same(data: Path) -> None:
    train(data, "straight", steps=8, checkpoint_every=4, keep=5)
    shutil.copytree(data / "straight", data / "stopped")
    shutil.rmtree(data / "stopped" / "checkpoints" / "step-00000008")
    train(data, "stopped", steps=8, checkpoint_every=4, keep=5, resume=True)
    one, other = weights(data / "straight"), weights(data / "stopped")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_two_processes_match_one_with_twice_the_batch(data: Path) -> None:
    """Context goes to every process with its samples: gradients in fp32 to 1e-6 of their size."""
    objective = PairSettings(history=0)
    for out, options in (("one", {"batch": 2}), ("two", {"batch": 1, "processes": 2})):
        train(data, out, steps=1, objective=objective, **options)
    moments = []
    for run in ("one", "two"):
        shared = checkpoints.load(checkpoints.listed(data / run)[-1]).shared
        moments.append(torch.cat([s["exp_avg"].flatten() for g in shared.values() for s in g["state"].values()]))
    assert float((moments[0] - moments[1]).norm() / moments[0].norm()) < 1e-6


@pytest.mark.parametrize("precision", ["fp64", "bf16"])
def test_other_precisions_reach_the_context(data: Path, precision: Any) -> None:
    train(data, "run", steps=2, precision=precision, accumulate=2, batch=2)
    assert all(value is not None for value in losses_of(read_metrics(data / "run")[-1]).values())


def test_without_anything_of_its_own_nothing_is_added() -> None:
    networks = Arrays().networks("tiny", TINY)
    assert networks.auxiliary == {}
    with torch.device("meta"):
        discriminators, translators = Discriminators(networks), Generators(networks)
    assert {name.split(".")[0] for name in discriminators.state_dict()} == {"a", "b"}
    assert {name.split(".")[0] for name in translators.state_dict()} == {"a2b", "b2a"}


# -- settings -----------------------------------------------------------------------------------------
def test_settings_of_the_plain_form_are_carried_over(data: Path) -> None:
    train(data, "run", steps=1, objective=unpaired.CycleSettings(cycle_a=3))
    objective = read_yaml(data / "run" / "config.yaml")["objective"]
    assert (objective["cycle_a"], objective["steady"]) == (3.0, 2.0)


def test_settings_of_another_form_are_refused(data: Path) -> None:
    with pytest.raises(
        unpaired.ConfigError, match=r"settings are PairSettings; the objective 'cycle' of .* takes CycleSettings"
    ):
        train(data, "run", Arrays(), steps=1, objective=PairSettings())
    assert not (data / "run").exists()


def test_an_unknown_objective_is_told(data: Path) -> None:
    assert Neighbours().objective_type("cycle") is PairCycle
    with pytest.raises(unpaired.UnknownName, match="did you mean 'cycle'"):
        train(data, "run", steps=1, objective_name="circle")


# -- files --------------------------------------------------------------------------------------------
def test_a_model_file_names_further_discriminators_and_reads_alike(data: Path) -> None:
    model = train(data, "run", steps=1)
    further = read_header(model)["networks"]["further"]
    assert further["pair_b"]["options"]["in_channels"] == 4
    assert load_model(model, Neighbours).networks.auxiliary["pair_b"].architecture == "patchgan"
    plain = train(data, "plain", Arrays(), steps=1)
    assert "further" not in read_header(plain)["networks"], "as earlier versions wrote and read it"
    assert load_model(plain, Arrays).networks.auxiliary == {}
