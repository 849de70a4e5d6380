"""A medium that somebody else's package brings is found by its name, trained and used like ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import unpaired


@pytest.fixture
def installed(repository: Path, tmp_path: Path) -> dict[str, str]:
    """An environment in which docs/examples/ecg is installed."""
    place = tmp_path / "installed"
    place.mkdir()
    (place / "ecg.py").write_text((repository / "docs" / "examples" / "ecg" / "ecg.py").read_text())
    metadata = place / "unpaired_ecg-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: unpaired-ecg\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[unpaired.domains]\necg = ecg:Ecg\n")
    return {**os.environ, "PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}


def _unpaired(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "unpaired.apps.main", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_medium_of_ones_own_from_folder_to_file(installed: dict[str, str], recordings: Path) -> None:
    assert "unpaired-ecg" in _unpaired(installed, "domains")
    run = str(recordings / "run")
    settings = ["--preset", "tiny", "--steps", "2", "--workers", "0", "--domain.length", "64"]
    sides = ["--a", str(recordings / "a"), "--b", str(recordings / "b")]
    equivariance = ["--objective.equivariance", "1"]
    _unpaired(installed, "train", "--domain", "ecg", *sides, "--out", run, *settings, *equivariance)
    _unpaired(installed, "convert", run, str(recordings / "a"), str(recordings / "converted"))
    converted = sorted((recordings / "converted").iterdir())
    assert [path.name for path in converted] == ["0.txt", "1.txt", "2.txt"]
    assert len(converted[0].read_text().splitlines()) == 5000


def test_a_medium_that_nobody_registered_is_given_as_a_class(recordings: Path, ecg: type[unpaired.Domain]) -> None:
    domain = ecg(ecg.settings_type(length=64))  # type: ignore[call-arg]
    run = recordings / "run"
    unpaired.train(domain, recordings / "a", recordings / "b", run, preset="tiny", steps=2, workers=0, device="cpu")
    with pytest.raises(unpaired.UnknownName, match="ecg"):
        unpaired.load(run)
    translator = unpaired.load(run, domain=ecg)
    translator.convert(recordings / "b" / "0.txt", recordings / "slow.txt", direction="b2a")
    assert len((recordings / "slow.txt").read_text().splitlines()) == 5000
