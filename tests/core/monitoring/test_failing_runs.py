"""Real trainings driven into each failure through their settings or their weights, and one that is well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import avg_pool2d

from unpaired.core.errors import NumericsError
from unpaired.core.monitoring import needs
from unpaired.core.monitoring.log import losses_of, read_findings, read_metrics
from unpaired.core.monitoring.records import Finding
from unpaired.core.monitoring.verdict import verdict_of
from unpaired.core.networks.spec import NetworkSpec
from unpaired.core.objectives.settings import CycleSettings
from unpaired.core.sides import Side

from . import conftest
from .conftest import blobs

Run = Callable[..., Path]


def found(run: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in read_findings(run)}


def test_a_healthy_run_raises_no_alarm(tiny_run: Run) -> None:
    run = tiny_run(steps=100)
    assert found(run) == {}
    assert "no sign" not in (run / "report.html").read_text().lower()


def test_identity_outweighing_everything_is_identity_collapse(tiny_run: Run) -> None:
    objective = CycleSettings(adversarial_a=0, adversarial_b=0, identity_a=50, identity_b=50)
    findings = found(tiny_run(objective, "unet", steps=160, batch=4, learning_rate=1e-2))
    assert set(findings) == {"identity collapse a2b", "identity collapse b2a"}
    advice = findings["identity collapse a2b"].advice
    assert "objective.identity_b (now 50" in advice
    assert "objective.adversarial_b (now 0" in advice
    assert "objective.identity_a (now 50" in findings["identity collapse b2a"].advice


@pytest.mark.slow
def test_a_discriminator_far_too_fast_saturates(tiny_run: Run) -> None:
    findings = found(tiny_run(steps=160, discriminator_learning_rate=2e-2, learning_rate=1e-5))
    assert set(findings) == {"discriminator saturation a", "discriminator saturation b"}
    assert "training.discriminator_learning_rate (now 0.02)" in findings["discriminator saturation a"].advice


def test_generators_driven_out_of_range_give_flat_output(tiny_run: Run) -> None:
    findings = found(tiny_run(steps=16, preview_every=4, learning_rate=0.5, discriminator_learning_rate=1e-4))
    assert findings
    assert set(findings) <= {"flat output a2b", "flat output b2a"}
    assert all("training.learning_rate (now 0.5)" in finding.advice for finding in findings.values())


def test_divergence_is_a_finding_in_the_report_of_the_stopped_run(tiny_run: Run, tmp_path: Path) -> None:
    with pytest.raises(NumericsError):
        tiny_run(steps=10, learning_rate=1e20)
    finding = found(tmp_path / "run")["NaN or infinity"]
    assert "training.learning_rate (now 1e+20)" in finding.advice
    assert losses_of(read_metrics(tmp_path / "run")[-1])["generators"] is None
    assert "NaN or infinity" in (tmp_path / "run" / "report.html").read_text()


def fitted(wanted: Callable[[Tensor], Tensor], draw: Callable[[int, Side], Tensor] = blobs) -> dict[str, Tensor]:
    """Weights of a U-Net of `tiny_run` fitted to a function of the drawn pictures of both domains."""
    pictures = torch.stack([draw(seed, "a") for seed in range(16)] + [draw(seed, "b") for seed in range(100, 116)])
    options = {"in_channels": 3, "out_channels": 3, "filters": 8, "levels": 2, "norm": "none"}
    network = NetworkSpec("unet", options).build("generators")
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for step in range(150):
        batch = pictures[step % 8 :: 8]
        loss = (network(batch) - wanted(batch)).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.state_dict()


def continued_with(
    tiny_run: Run, generators: Mapping[str, Mapping[str, Tensor]], objective: CycleSettings | None = None
) -> dict[str, Finding]:
    """Findings of a run (without identity losses, by default) that goes on with these weights by direction."""
    objective = objective or CycleSettings(identity_a=0, identity_b=0)
    rates = {"learning_rate": 2e-4, "preview_every": 4}
    run = tiny_run(objective, "unet", steps=1, **rates)
    assert found(run) == {}
    file = run / "checkpoints" / "step-00000001" / "weights.safetensors"
    weights = load_file(file)
    for part in ("generators", "averaged"):
        for direction, state in generators.items():
            weights |= {f"{part}.{direction}.{name}": value.clone() for name, value in state.items()}
    save_file(weights, file)
    (file.parent / "checksums.json").unlink()  # they are not the weights that were trained
    return found(tiny_run(objective, "unet", resume=True, steps=24, **rates))


def test_generators_that_agree_on_the_negative_are_colour_inversion(tiny_run: Run) -> None:
    inverting = fitted(lambda batch: -batch)
    findings = continued_with(tiny_run, {"a2b": inverting, "b2a": inverting})
    assert set(findings) == {"colour inversion a2b", "colour inversion b2a"}
    assert "objective.identity_b (now 0" in findings["colour inversion a2b"].advice
    assert "objective.identity_a (now 0" in findings["colour inversion b2a"].advice


def test_generators_that_agree_on_a_shift_are_displaced(tiny_run: Run) -> None:
    there, back = (fitted(lambda batch, by=by: batch.roll((by, by), dims=(2, 3))) for by in (3, -3))
    findings = continued_with(tiny_run, {"a2b": there, "b2a": back})
    assert set(findings) == {"displaced translation a2b", "displaced translation b2a"}
    assert "objective.identity_b (now 0" in findings["displaced translation a2b"].advice


def rough(seed: int, side: Side) -> Tensor:
    """A drawn picture under fine grain."""
    grain = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1000 + seed)) - 0.5
    return (blobs(seed, side) + 0.5 * grain).clamp(-1, 1)


def test_generators_that_smooth_are_blurred_once_the_run_is_old_enough(
    tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "blobs", rough)
    monkeypatch.setattr(needs, "FEWEST", 8)
    monkeypatch.setattr(needs, "OTHERS", 8)
    smooth = fitted(lambda batch: avg_pool2d(batch, 5, stride=1, padding=2, count_include_pad=False), rough)
    slack = CycleSettings(adversarial_a=0.01, adversarial_b=0.01, cycle_a=0.1, cycle_b=0.1, identity_a=0, identity_b=0)
    findings = continued_with(tiny_run, {"a2b": smooth, "b2a": smooth}, slack)
    assert set(findings) == {"blur a2b", "blur b2a"}
    assert "objective.adversarial_b (now 0.01)" in findings["blur a2b"].advice
    verdict = verdict_of(tmp_path / "run")
    assert (verdict.kind, verdict.findings) == ("looks wrong", ("blur",))
    monkeypatch.undo()
    assert verdict_of(tmp_path / "run").kind == "too early to judge"
