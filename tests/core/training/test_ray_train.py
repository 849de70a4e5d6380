"""The recipe for Ray Train in docs/how-to/several-machines.md, with two workers on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.training import checkpoints

PROGRAM = """
import sys
from pathlib import Path

import ray
from ray.train import RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer

data = Path({data!r})

def work(settings):
    import unpaired
    from toy import Arrays

    networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
    unpaired.train(
        Arrays(), data / "a", data / "b", data / "ray", networks=networks, steps=settings["steps"], workers=0,
        device="cpu", precision="fp64", objective=unpaired.CycleSettings(history=0), preview_every=1000,
        resume=(data / "ray" / "config.yaml").exists(),
    )

ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
TorchTrainer(
    work,
    train_loop_config={{"steps": 4}},
    torch_config=TorchConfig(backend="gloo"),
    scaling_config=ScalingConfig(num_workers=2),
    run_config=RunConfig(storage_path=str(data / "results")),
).fit()
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_workers_of_ray_train_match_one_process_with_twice_the_batch(tmp_path: Path) -> None:
    pytest.importorskip("ray.train", exc_type=ImportError)
    write_arrays(tmp_path / "a", 6, 0, 0.3)
    write_arrays(tmp_path / "b", 5, 1, -0.3)
    places = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": places, "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    program = PROGRAM.format(data=str(tmp_path))
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=800)
    networks = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)
    given: dict[str, Any] = {"networks": networks, "steps": 4, "batch": 2, "workers": 0, "device": "cpu"}
    given |= {"precision": "fp64", "objective": unpaired.CycleSettings(history=0), "preview_every": 1000}
    unpaired.train(Arrays(), tmp_path / "a", tmp_path / "b", tmp_path / "one", **given)
    one, two = (checkpoints.load(checkpoints.listed(tmp_path / name)[-1]).weights for name in ("one", "ray"))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6
