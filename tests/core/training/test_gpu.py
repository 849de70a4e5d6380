"""Training on a CUDA device: the same step as on the CPU, in bf16 near it, resumed, and its model used anywhere.

`make gpu` runs these; elsewhere they are skipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.networks.presets import default_networks
from unpaired.core.objectives.cycle import Cycle
from unpaired.core.samples import Batch
from unpaired.core.training.devices import make_fabric
from unpaired.core.training.engine import Engine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SMALL = unpaired.NetworkSettings(filters=8, blocks=2, discriminator_filters=8, discriminator_layers=2)


def losses(device: str, precision: Any, steps: int = 3, compile: bool = False) -> dict[str, float]:
    """Those of the last of some steps on the same samples, from the same weights."""
    settings = unpaired.TrainingSettings(device=device, precision=precision, compile=compile)
    engine = Engine(make_fabric(settings), default_networks(2, 3, 3, "tiny", SMALL), Cycle(), settings)
    random = torch.Generator().manual_seed(3)
    a, b = (torch.rand(2, 3, 32, 32, generator=random).to(engine.fabric.device) * 2 - 1 for _ in range(2))
    for step in range(steps):
        found = engine.step([Batch(a, b)], None, 1.0, step)
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-3), ("bf16", 5e-2)])
def test_a_step_agrees_with_the_cpu(precision: str, tolerance: float) -> None:
    there, here = losses("cuda", precision), losses("cpu", "fp32")
    assert there == pytest.approx(here, rel=tolerance, abs=tolerance)


def test_a_compiled_step_agrees_with_the_plain_one() -> None:
    assert losses("cuda", "fp32", compile=True) == pytest.approx(losses("cuda", "fp32"), rel=2e-3, abs=2e-3)


def test_a_run_is_resumed_and_its_model_used_on_the_cpu(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    given: dict[str, Any] = {"networks": SMALL, "workers": 0, "device": "cuda"}
    out = unpaired.train(Arrays(), tmp_path / "a", tmp_path / "b", tmp_path / "run", steps=4, **given)
    unpaired.train(Arrays(), tmp_path / "a", tmp_path / "b", tmp_path / "run", steps=8, resume=True, **given)
    weights = load_file(out)
    assert all(bool(value.isfinite().all()) for value in weights.values() if value.is_floating_point())
    x = torch.rand(1, 2, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    on_gpu, on_cpu = (unpaired.load(out, "torch", device, domain=Arrays) for device in ("cuda", "cpu"))
    assert on_gpu.model.step == 8
    torch.testing.assert_close(on_gpu(x), on_cpu(x), rtol=0.05, atol=0.05)
