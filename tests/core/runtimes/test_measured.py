"""Which way a generator runs: by a race, once for each network and size, and what the choice holds for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.networks.norm import WithStatistics
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.runtimes import machine, measured
from unpaired.core.runtimes.cache import cache_folder
from unpaired.core.runtimes.candidates import Candidate
from unpaired.core.runtimes.choice import choose
from unpaired.core.runtimes.measured import MeasuredRuntime, expecting
from unpaired.core.runtimes.race import race, winner
from unpaired.core.runtimes.source import GeneratorSource

FP32, BF16, EAGER = Candidate("openvino", "fp32"), Candidate("openvino", "bf16"), Candidate("torch", "fp32")
WAYS = (FP32, BF16, EAGER)


class Clock:
    """A clock that ways to work put forward."""

    def __init__(self) -> None:
        self.now = 0.0
        self.called: list[str] = []

    def __call__(self) -> float:
        return self.now

    def way(self, name: str, *seconds: float) -> Callable[[], None]:
        """Work that takes these seconds in turn, then always the last."""
        taken = itertools.chain(seconds, itertools.repeat(seconds[-1]))

        def work() -> None:
            self.called.append(name)
            self.now += next(taken)

        return work


def raced(clock: Clock, **ways: tuple[float, ...]) -> dict[str, float]:
    return race({name: clock.way(name, *seconds) for name, seconds in ways.items()}, clock=clock)


def test_ways_take_turns_and_getting_ready_does_not_count() -> None:
    clock = Clock()
    assert raced(clock, slow=(3.0, 0.02), fast=(0.3, 0.01)) == pytest.approx({"slow": 0.02, "fast": 0.01})
    assert clock.called[:6] == ["slow", "fast", "slow", "fast", "fast", "slow"]  # another begins each round
    assert len(clock.called) == 2 + 2 * 15


def test_the_median_ignores_a_round_that_was_disturbed() -> None:
    assert raced(Clock(), one=(0.1, 0.02, 0.3, 0.02), other=(0.1, 0.01))["one"] == pytest.approx(0.02)


def test_a_race_keeps_to_its_time_once_the_default_is_ready() -> None:
    clock = Clock()
    assert set(raced(clock, default=(9.0, 0.2), late=(0.6, 0.1), left_out=(0.1, 0.1))) == {"default", "late"}
    assert clock.called == ["default", "late", "default", "late"]  # a second round would end after 1.2 s
    clock = Clock()
    raced(clock, default=(5.0, 0.05), other=(0.2, 0.05))
    assert clock.now <= 5.0 + 1.0


def test_a_way_that_fails_is_left_out_but_not_the_default() -> None:
    def fail() -> None:
        raise RuntimeError("no such kernel")

    clock = Clock()
    assert set(race({"default": clock.way("default", 0.1), "broken": fail}, clock=clock)) == {"default"}
    with pytest.raises(RuntimeError, match="no such kernel"):
        race({"broken": fail, "other": clock.way("other", 0.1)}, clock=clock)


def test_near_ties_go_to_the_one_that_comes_first() -> None:
    assert winner({"default": 1.09, "other": 1.0}) == "default"
    assert winner({"default": 1.11, "other": 1.0}) == "other"
    assert winner({"default": 2.0, "second": 1.05, "third": 1.0}) == "second"
    assert winner({"default": 0.0, "other": 0.0}) == "default"
    assert winner({"default": 1.0}) == "default"


# -- what a choice holds for -------------------------------------------------------------------------
@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("UNPAIRED_MEASURE")
    return tmp_path / "cache"


@pytest.fixture
def races(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, float]]:
    """The races that are run, all won by bf16."""
    run: list[dict[str, float]] = []

    def told(ways: dict[str, Any]) -> dict[str, float]:
        run.append({name: {"openvino bf16": 0.4}.get(name, 1.0) for name in ways})
        return run[-1]

    monkeypatch.setattr(measured, "race", told)
    return run


def generator(filters: int = 4) -> nn.Module:
    torch.manual_seed(1)
    return ResnetGenerator(3, 3, filters=filters, blocks=1).eval().requires_grad_(False)


def sample(side: int = 32) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(2)) * 2 - 1


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted((folder / "runtimes").glob("*.json"))]


def test_one_race_serves_every_later_process(cache: Path, races: list[dict[str, float]]) -> None:
    for _ in range(2):
        run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
        run(sample())
        run(sample(44))  # 1,936 positions: the same power of two as 1,024
        run.with_statistics(sample(), torch.zeros(WithStatistics(generator()).size), 1.0)
        assert run.ran == ("openvino bf16",)
    assert len(races) == 1
    (entry,) = entries(cache)
    assert entry["value"]["1024"]["chosen"] == "openvino bf16"
    assert entry["value"]["1024"]["shape"] == [1, 3, 32, 32]
    assert entry["key"]["candidates"] == ["openvino fp32", "openvino bf16", "torch fp32"]


def test_another_size_or_network_is_another_race(cache: Path, races: list[dict[str, float]]) -> None:
    run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
    run(sample(32))
    run(sample(64))
    MeasuredRuntime(GeneratorSource.of(generator(8), 2), WAYS)(sample(32))
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS[:2])(sample(32))
    assert len(races) == 4
    assert [sorted(entry["value"]) for entry in entries(cache)].count(["1024", "4096"]) == 1


@pytest.mark.parametrize("part", ["cpu", "flags", "threads", "libraries", "limits"])
def test_another_machine_is_another_race(
    part: str, cache: Path, races: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    monkeypatch.setattr(measured, "measured_on", lambda threads: machine.measured_on(threads) | {part: "another"})
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    assert len(races) == 2


def test_sizes_beyond_what_a_race_has_time_for_share_one(cache: Path, races: list[dict[str, float]]) -> None:
    large = ResnetGenerator(3, 3, filters=32, blocks=9)
    run = measured._Races(GeneratorSource.of(large, 2), ["openvino fp32"])
    weights = sum(parameter.numel() for parameter in large.parameters())
    assert run._most * weights / 8 <= 8e9 < 2 * run._most * weights / 8
    made: list[str] = []

    def make(name: str) -> Any:
        made.append(name)
        return lambda x: x

    for side in (256, 512, 2048):
        assert run.won((side, side), None, make) == "openvino fp32"
    assert len(races) == 1


def test_little_work_takes_the_default_and_leaves_no_choice_behind(cache: Path, races: list[dict[str, float]]) -> None:
    run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
    with expecting(3):
        run(sample())
    assert run.ran == ("openvino fp32",)
    assert races == entries(cache) == []
    with expecting(10**9):
        run(sample())
    assert len(races) == 1
    with expecting(1):  # now it is known
        run(sample())
    assert run.ran == ("openvino fp32", "openvino bf16")


def test_the_cache_is_asked_once_for_many_small_samples(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(measured, "read_entry", lambda kind, key: asked.append(kind))
    run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
    with expecting(3):
        for _ in range(3):
            run(sample())
    assert asked == ["runtimes"]


def test_nothing_is_measured_where_the_environment_says_so(
    cache: Path, races: list[dict[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    monkeypatch.setenv("UNPAIRED_MEASURE", "0")
    run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
    run(sample())
    run(sample(64))
    assert run.ran == ("openvino fp32",)
    assert len(races) == 1


@pytest.mark.parametrize("content", ["", "{", '{"format": 99}', "null"])
def test_a_damaged_choice_is_made_anew(content: str, cache: Path, races: list[dict[str, float]]) -> None:
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    (file,) = (cache / "runtimes").glob("*.json")
    file.write_text(content)
    run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
    run(sample())
    assert len(races) == 2
    assert run.notes == ()
    assert entries(cache)[0]["value"]["1024"]["chosen"] == "openvino bf16"


def test_a_choice_that_is_no_longer_there_is_made_anew(cache: Path, races: list[dict[str, float]]) -> None:
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    (file,) = (cache / "runtimes").glob("*.json")
    file.write_text(file.read_text().replace('"chosen": "openvino bf16"', '"chosen": "openvino fp8"'))
    MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)(sample())
    assert len(races) == 2


def test_a_cache_that_cannot_be_written_costs_a_note_and_a_race_a_process(
    cache: Path, races: list[dict[str, float]]
) -> None:
    cache.write_text("no folder")
    for number in (1, 2):
        run = MeasuredRuntime(GeneratorSource.of(generator(), 2), WAYS)
        run(sample())
        run(sample())
        assert len(races) == number
        (note,) = run.notes
        assert str(cache) in note
        assert run.ran == ("openvino bf16",)


# -- the machine -------------------------------------------------------------------------------------
def test_flags_and_model_are_read_from_the_first_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    core = "processor\t: {}\nmodel name\t: A CPU\nflags\t\t: fpu {} avx512f\n\n"
    info.write_text(core.format(0, "avx2") + core.format(1, "amx_tile") * 500)
    monkeypatch.setattr(machine, "_CPUINFO", info)
    machine._cpuinfo.cache_clear()
    try:
        assert machine.cpu_model() == "A CPU"
        assert machine.cpu_flags() == ("avx2", "avx512f")
        machine._cpuinfo.cache_clear()
        monkeypatch.setattr(machine, "_CPUINFO", tmp_path / "none")
        assert machine.cpu_flags() != ()
    finally:
        machine._cpuinfo.cache_clear()


def test_a_real_race_chooses_what_runs_and_keeps_it(cache: Path) -> None:
    asked = choose("auto", "cpu")
    network, x = generator(8), sample(64)
    run = asked.build(GeneratorSource.of(network, 2))
    y = run(x)
    torch.testing.assert_close(y, network(x), atol=0.1, rtol=0)
    (row,) = entries(cache)[0]["value"].values()
    assert row["chosen"] in map(str, asked.candidates)
    assert row["chosen"] == winner(row["seconds"])
    assert all(seconds > 0 for seconds in row["seconds"].values())
    again = asked.build(GeneratorSource.of(network, 2))
    assert torch.equal(again(x), y)
    assert again.ran == run.ran == (row["chosen"],)
    assert cache_folder() == cache
