"""What a run would take, measured by a short one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor
from toy import Arrays, ArraySettings, write_arrays

import unpaired
from unpaired.core.sides import Side

PARENT = "UNPAIRED_TEST_PARENT"
QUICK: dict[str, Any] = {"workers": 0, "precision": "fp32", "device": "cpu", "seconds": 0.1}
SMALL = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_arrays(tmp_path / "a", 3, 0, 0.3)
    write_arrays(tmp_path / "b", 3, 1, -0.3)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_an_estimate_has_every_figure_and_leaves_nothing(data: Path) -> None:
    (made,) = unpaired.plan_training(
        Arrays(), data / "a", data / "b", presets=["tiny"], networks=SMALL, steps=1000, checkpoint_every=100, **QUICK
    )
    assert {file.name for file in data.iterdir()} == {"a", "b", "temporary"}
    assert not list((data / "temporary").glob("unpaired*"))
    assert (made.preset, made.fault, made.steps, made.device_memory) == ("tiny", "", 1000, None)
    assert made.seconds > 1000 / made.steps_per_second
    assert made.first_model_seconds > 100 / made.steps_per_second
    assert made.first_preview_seconds >= 30 or made.first_preview_seconds == made.seconds
    # Python with torch takes some hundred MB; the weights of these networks take some hundred KB, three times on disk.
    assert 1e8 < made.memory < 1e11
    assert 1e5 < made.disk < 1e8


class Hungry(Arrays):
    """Has no memory in another process than the test's."""

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        if os.environ[PARENT] != str(os.getpid()):
            raise MemoryError
        return super().sample(file, side, rng, augmentation)


def test_a_preset_without_memory_has_a_fault(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARENT, str(os.getpid()))
    (made,) = unpaired.plan_training(Hungry(), data / "a", data / "b", presets=["tiny"], networks=SMALL, **QUICK)
    assert made.fault.startswith("there is not enough memory for a step")
    assert made.steps == 0


def test_what_no_run_can_be_is_refused(data: Path) -> None:
    with pytest.raises(unpaired.MissingFile):
        unpaired.plan_training(Arrays(ArraySettings()), data / "a", data / "none", **QUICK)
    with pytest.raises(unpaired.ConfigError, match="preset is 'hug'"):
        unpaired.plan_training(Arrays(), data / "a", data / "b", presets=["tiny", "hug"], **QUICK)
    with pytest.raises(unpaired.ConfigError, match="exclude each other"):
        unpaired.plan_training(Arrays(), data / "a", data / "b", steps=5, minutes=5, **QUICK)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not count what the starting process held")
def test_memory_is_that_of_the_process_itself() -> None:
    held = np.ones(2**27)  # 1 GiB
    program = "from unpaired.core.training.resources import peak_memory; print(peak_memory())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert held.nbytes > int(done.stdout) > 20e6
