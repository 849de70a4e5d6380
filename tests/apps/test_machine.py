"""`unpaired machine`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unpaired.apps.commands import machine_command
from unpaired.core.runtimes.cache import TRAININGS, keep_entry
from unpaired.core.runtimes.cores import usual_threads
from unpaired.core.runtimes.machine import measured_on


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    return tmp_path / "cache"


def test_an_empty_cache_says_what_to_do(unpaired: Callable, cache: Path) -> None:
    done = unpaired("machine")
    assert (done.code, done.err) == (0, "")
    assert f"cache folder: {cache}, 0.0 MB\n" in done.out
    assert "Nothing has been measured here yet" in done.out
    assert "--measure" in done.out
    assert json.loads(unpaired("machine", "--json").out)["measured"] == []
    assert not cache.exists()


def test_what_was_measured_is_told_to_people_and_programs(
    unpaired: Callable, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_command, "_PRESETS", ("tiny",))
    monkeypatch.setattr(machine_command, "_SIZE", 32)
    done = unpaired("machine", "--measure")
    assert done.code == 0, done.err
    assert done.err.startswith("measured the preset tiny in ")
    report = json.loads(unpaired("machine", "--json").out)
    assert {"cpu", "flags", "cores", "threads", "spinning", "libraries"} <= set(report)
    assert report["cache_bytes"] == sum(file.stat().st_size for file in cache.rglob("*.json"))
    assert "conversion" in {each["use"] for each in report["measured"]}
    told = done.out.splitlines()
    for each in report["measured"]:
        assert each["valid"]
        (line,) = (line for line in told if line.startswith(each["use"]))
        assert line.endswith(each["reason"])
        assert f" {each['chosen']} " in line
        assert " 3x32x32 " in line


def test_networks_of_one_class_and_size_are_told_apart(unpaired: Callable, cache: Path) -> None:
    """As voices that begin at random and at their input; what an earlier version chose among less is not used."""
    machine, value = measured_on(usual_threads()), {"chosen": "bf16", "seconds": {"fp32": 2.0, "bf16": 1.0}}
    for layers in ("12f89991", "bfacf7ef"):
        key = {"network": f"GatedGenerator {layers}", "weights": 9, "shape": [1, 1, 80, 64], **machine}
        keep_entry(TRAININGS, key, value)
        for ways in (["fp32", "bf16"], ["fp32", "bf16", "bf16 channels_last"]):
            keep_entry(TRAININGS, {**key, "candidates": ways}, value)
    told = unpaired("machine").out
    rows = [line.partition(" 0.00 M ") for line in told.splitlines() if line.startswith("training ")]
    assert sorted(first.split()[1:] for first, _, _ in rows) == [["GatedGenerator", each] for each in
                                                                 ("12f8", "12f8", "bfac", "bfac")]  # fmt: skip
    assert sorted(last.split()[:3] for _, _, last in rows) == [["1x80x64", "bf16", each] for each in "2233"]
    assert "2 more for another CPU, number of threads, libraries or version" in told


def test_damaged_measurements_are_counted(unpaired: Callable, cache: Path) -> None:
    for kind in ("runtimes", "training"):
        (cache / kind).mkdir(parents=True)
        (cache / kind / "0.json").write_text("{")
    done = unpaired("machine")
    assert (done.code, done.err) == (0, "")
    assert "2 damaged or of another version: measured again when needed.\n" in done.out


def test_measuring_what_would_not_be_used_is_refused(
    unpaired: Callable, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNPAIRED_MEASURE", "0")
    assert "UNPAIRED_MEASURE=0: nothing is measured" in unpaired("machine").out
    done = unpaired("machine", "--measure")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "UNPAIRED_MEASURE" in done.err
    assert not cache.exists()
