"""A run is resolved once, in the process that was asked for it, however many train."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.networks.spec import Networks

LOG = "UNPAIRED_TEST_RESOLVED"
TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2)


class Counted(Arrays):
    """Writes down, for all processes, who scans which folder and who asks for networks."""

    def scan(self, folder: Path, thorough: bool = False) -> unpaired.Inventory:
        _write_down(f"scan {folder.name}")
        return super().scan(folder, thorough)

    def networks(self, preset: str, settings: NetworkSettings) -> Networks:
        _write_down("networks")
        return super().networks(preset, settings)


def _write_down(what: str) -> None:
    with Path(os.environ[LOG]).open("a") as log:
        log.write(f"{os.getpid()} {what}\n")


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_folders_are_scanned_and_networks_resolved_by_one_process(
    processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_arrays(tmp_path / "a", 4, 0, 0.3)
    write_arrays(tmp_path / "b", 4, 1, -0.3)
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    unpaired.train(
        Counted(), tmp_path / "a", tmp_path / "b", tmp_path / "run", networks=TINY, steps=1, workers=0,
        processes=processes, precision="fp32", device="cpu",
    )  # fmt: skip
    lines = [line.split(" ", 1) for line in (tmp_path / "log").read_text().splitlines()]
    assert {int(process) for process, _ in lines} == {os.getpid()}
    scans = sorted(what for _, what in lines if what.startswith("scan"))
    assert scans == ["scan a", "scan b"]
