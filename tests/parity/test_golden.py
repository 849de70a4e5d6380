"""Ten steps of a reference run in float64, followed from the same weights and samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from unpaired.core.model.importing import rename
from unpaired.core.networks.spec import Networks, NetworkSpec
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.objectives.settings import CycleSettings
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine
from unpaired.core.training.settings import TrainingSettings

# Ours by the reference's: its G_A translates A to B, its D_A discriminators B.
NETWORKS = {"G_A": "a2b", "G_B": "b2a", "D_A": "b", "D_B": "a"}
LOSSES = {
    "G_A": "adversarial_b",
    "G_B": "adversarial_a",
    "cycle_A": "cycle_a",
    "cycle_B": "cycle_b",
    "idt_A": "identity_b",
    "idt_B": "identity_a",
    "D_A": "discriminator_b",
    "D_B": "discriminator_a",
}


def engine_of(config: dict) -> Engine:
    blocks = int(config["netG"].removeprefix("resnet_").removesuffix("blocks"))
    generator = NetworkSpec("resnet", {"in_channels": 3, "out_channels": 3, "filters": config["ngf"], "blocks": blocks})
    discriminator = NetworkSpec(
        "patchgan", {"in_channels": 3, "filters": config["ndf"], "layers": config["n_layers_D"]}
    )
    identity = config["lambda_identity"]
    objective = Cycle(
        CycleSettings(
            form=config["gan_mode"],
            cycle_a=config["lambda_A"],
            cycle_b=config["lambda_B"],
            identity_a=config["lambda_A"] * identity,
            identity_b=config["lambda_B"] * identity,
            history=config["pool_size"],
        )
    )
    training = TrainingSettings(
        learning_rate=config["lr"], beta1=config["beta1"], beta2=config["beta2"], precision="fp64", device="cpu"
    )
    return Engine(
        make_fabric(training), Networks(generator, generator, discriminator, discriminator), objective, training
    )


def networks_of(engine: Engine) -> dict[str, torch.nn.Module]:
    parts = {**dict(engine.generators.named_children()), **dict(engine.discriminators.named_children())}
    return {theirs: parts[ours] for theirs, ours in NETWORKS.items()}


def part(weights: dict[str, torch.Tensor], network: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(network + "."): value for key, value in weights.items() if key.startswith(network + ".")}


def runs(golden: Path) -> list[Path]:
    found = sorted(path for path in golden.glob("cyclegan-*") if path.is_dir())
    assert found, f"no golden runs below {golden}"
    return found


@pytest.mark.parametrize("accuracy", [1e-9])
def test_every_golden_run_is_followed(golden: Path, accuracy: float) -> None:
    for folder in runs(golden):
        record = json.loads((folder / "record.json").read_text())
        config = record["config"]
        engine = engine_of(config)
        first, samples = load_file(folder / "init.safetensors"), load_file(folder / "samples.safetensors")
        for name, network in networks_of(engine).items():
            network.load_state_dict(rename(part(first, name), network))
        for step, expected in enumerate(record["losses"]):
            chosen = slice(step * config["batch"], (step + 1) * config["batch"])
            losses = engine.step([Batch(samples["A"][chosen], samples["B"][chosen], ())], None, 1.0, step)
            for theirs, ours in LOSSES.items():
                value = float(losses.get(ours, torch.zeros(())))
                assert value == pytest.approx(expected[theirs], rel=accuracy), f"{folder.name} step {step} {theirs}"
        last = load_file(folder / "final.safetensors")
        for name, network in networks_of(engine).items():
            for key, value in rename(part(last, name), network).items():
                difference = (network.state_dict()[key] - value).abs().max()
                assert float(difference) <= 1e-8, f"{folder.name} {name}.{key}"
        translated = networks_of(engine)["G_A"](samples["A"][:1])
        torch.testing.assert_close(translated, samples["final_G_A_of_first_A"], rtol=0, atol=1e-7)
