"""What is said of a machine: measurements as the real choice keeps them, and why something was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.runtimes import describe_machine
from unpaired.core.runtimes.cache import CONVERSIONS, TRAININGS, keep_entry
from unpaired.core.runtimes.choice import choose
from unpaired.core.runtimes.machine import measured_on
from unpaired.core.runtimes.measured import MeasuredRuntime
from unpaired.core.runtimes.report import reason_of
from unpaired.core.runtimes.source import GeneratorSource
from unpaired.core.training.precision import measured_way


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    return tmp_path / "cache"


def generator() -> ResnetGenerator:
    return ResnetGenerator(3, 3, filters=4, blocks=1).eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("chosen", "seconds", "reason"),
    [
        ("bf16", {"fp32": 1.0, "bf16": 0.53}, "bf16 takes 0.53 of the time of fp32"),
        ("fp32", {"fp32": 1.0, "bf16": 0.95}, "bf16 takes 0.95 of its time, within 10 %, so the default stays"),
        ("fp32", {"fp32": 1.0, "bf16": 1.05}, "bf16 takes 1.05 of its time, within 10 %, so the default stays"),
        ("fp32", {"fp32": 1.0, "bf16": 1.5}, "the default is faster: bf16 takes 1.50 of its time"),
        ("fp32", {"fp32": 1.0}, "no other way ran"),
        ("bf16", {"fp32": 1.0, "bf16": 1.5}, "recorded by an earlier measurement, and kept"),
        ("onnx", {"fp32": 1.0, "bf16": 1.5}, "recorded by an earlier measurement, and kept"),
    ],
)
def test_a_reason_names_the_ratio(chosen: str, seconds: dict[str, float], reason: str) -> None:
    assert reason_of(chosen, "fp32", seconds) == reason


def test_what_was_measured_is_described() -> None:
    network = generator()
    runtime = MeasuredRuntime(GeneratorSource.of(network, 2), choose(device="cpu").candidates)
    runtime(torch.rand(1, 3, 32, 32))
    trained = measured_way(ResnetGenerator(3, 3, filters=4, blocks=1), (32, 32), winograd=True)
    report = describe_machine()
    conversion, training = report.measured
    assert (conversion.use, training.use) == ("conversion", "training")
    assert runtime.ran == (conversion.chosen,)
    assert str(trained) == training.chosen
    assert conversion.shape == training.shape == (1, 3, 32, 32)
    assert conversion.network == training.network == "ResnetGenerator"
    assert conversion.weights == sum(each.numel() for each in network.parameters())
    assert conversion.valid
    assert training.valid
    assert report.cache_bytes > 0
    assert report.damaged == 0


def test_a_size_is_measured_anew_on_request() -> None:
    runtime = MeasuredRuntime(GeneratorSource.of(generator(), 2), choose(device="cpu").candidates)
    runtime.measure((32, 32))
    (first,) = describe_machine().measured
    runtime.measure((44, 44))  # of the same power of two
    (second,) = describe_machine().measured
    assert first.seconds != second.seconds
    assert second.reason != "recorded by an earlier measurement, and kept"


def test_what_was_measured_for_another_machine_is_told_apart() -> None:
    key = {"network": "ResnetGenerator 12", "weights": 9, "shape": [1, 3, 8, 8]}
    value = {"chosen": "bf16", "seconds": {"fp32": 2.0, "bf16": 1.0}}
    keep_entry(TRAININGS, {**key, **measured_on(1), "cpu": "another"}, value)
    (found,) = describe_machine().measured
    assert not found.valid


@pytest.mark.parametrize("value", [{}, {"8": None}, {"8": {"chosen": [], "shape": 3, "seconds": {"openvino fp32": 0}}}])
def test_entries_that_were_changed_by_hand_are_left_out(value: dict, cache: Path) -> None:
    key = {"network": "ResnetGenerator 12", "weights": 9, "candidates": ["openvino fp32"], **measured_on(1)}
    keep_entry(CONVERSIONS, key, value)
    keep_entry(TRAININGS, {"network": 3}, value)
    (cache / CONVERSIONS / "x.json").write_text("{")
    report = describe_machine()
    assert report.measured == ()
    assert report.damaged == 1
