"""`--resume elastic`: a run goes on in another number of processes or with another batch, each sample drawn once."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kept import row
from safetensors.torch import load_file
from torch import Tensor
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.settings.mapping import read_yaml
from unpaired.core.sides import Side
from unpaired.core.training import checkpoints
from unpaired.core.training.elastic import redistributed
from unpaired.core.training.layout import Change, Layout, Progress
from unpaired.core.training.loader import Positions

TINY = unpaired.NetworkSettings(filters=4, blocks=1, discriminator_filters=4, discriminator_layers=2, dropout=0.3)
QUICK: dict[str, Any] = {
    "networks": TINY, "workers": 0, "log_every": 1, "preview_every": 1000, "precision": "fp32", "device": "cpu",
    "checkpoint_every": 1000, "objective": unpaired.CycleSettings(history=3),
}  # fmt: skip
LOG = "UNPAIRED_TEST_DRAWN"
COUNT = 12


class Logged(Arrays):
    """Writes down the side, position and file of each sample that training draws, and how much it was augmented."""

    def sample(self, file: Path, side: Side, rng: np.random.Generator, augmentation: float = 1.0) -> Tensor:
        seed = rng.bit_generator.seed_seq.entropy  # type: ignore[attr-defined]
        if isinstance(seed, list) and LOG in os.environ:
            with Path(os.environ[LOG]).open("a") as log:
                log.write(json.dumps([side, seed[3], file.name, augmentation]) + "\n")
        return super().sample(file, side, rng, augmentation)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_arrays(tmp_path / "a", COUNT, 0, 0.3, size=16)
    write_arrays(tmp_path / "b", COUNT, 1, -0.3, size=16)
    monkeypatch.setenv(LOG, str(tmp_path / "log"))
    return tmp_path


def train(data: Path, out: str, **options: Any) -> Path:
    unpaired.train(Logged(), data / "a", data / "b", data / out, **{**QUICK, **options})
    return data / out


def drawn(data: Path) -> list[tuple[str, int, str, float]]:
    return [tuple(json.loads(line)) for line in (data / "log").read_text().splitlines()]


def weights(run: Path) -> dict[str, Tensor]:
    return load_file(checkpoints.listed(run)[-1] / "weights.safetensors")


def assert_same(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_from_one_process_to_two_and_back_every_file_is_drawn_once_an_epoch(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(data, "run", steps=4)
    train(data, "run", steps=6, processes=2, resume="elastic")
    told = capsys.readouterr().err
    assert "processes from 1 to 2 at step 4: from here on this is no longer bitwise the same run" in told
    assert "it has drawn 4 samples of each side and goes on with the next, 2 a step; steps and schedule stay" in told
    train(data, "run", steps=10, resume="elastic")
    for side in ("a", "b"):
        records = sorted(each for each in drawn(data) if each[0] == side)
        assert [position for _, position, _, _ in records] == list(range(4 + 2 * 2 + 4))
        assert Counter(file for _, _, file, _ in records) == Counter({f"{n:03d}.npy": 1 for n in range(COUNT)})
    recorded = read_yaml(run / "config.yaml")["elastic"]
    assert [(each["step"], each["samples"]) for each in recorded] == [(4, 4), (6, 8)]
    assert [each["after"]["processes"] for each in recorded] == [2, 1]
    page = (run / "report.html").read_text()
    assert "From step 4 on this is no longer bitwise the same run (processes from 1 to 2)" in page
    assert "From step 6 on this is no longer bitwise the same run (processes from 2 to 1)" in page
    assert checkpoints.progress(checkpoints.listed(run)[-1]) == Progress(10, 12, Layout(device="cpu"))


def test_schedules_follow_the_steps(data: Path) -> None:
    """Augmentation is full for half of the steps; the rate falls by steps, whatever a step draws."""
    run = train(data, "run", steps=8, checkpoint_every=4)
    straight = [json.loads(line)["learning_rate"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    alone = {position: augmentation for _, position, _, augmentation in drawn(data)}
    (data / "log").unlink()
    train(data, "other", steps=4)
    train(data, "other", steps=8, batch=3, resume="elastic")
    lines = (data / "other" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["learning_rate"] for line in lines][4:] == straight[4:]
    after = {position: augmentation for _, position, _, augmentation in drawn(data) if position >= 4}
    assert after == {position: alone[4 + (position - 4) // 3] for position in range(4, 4 + 4 * 3)}


@row("checkpoint of a run", "another number of processes, batch or accumulation than its run has now")
@pytest.mark.parametrize("change", [{"batch": 3}, {"batch": 1, "accumulate": 3}])
def test_another_batch_is_refused_without_the_word_and_resumed_bitwise_after_it(
    data: Path, change: dict[str, int]
) -> None:
    before, after = {"batch": 2}, {"batch": 2, **change, "constant_share": 1.0}
    train(data, "straight", steps=3, **before)
    shutil.copytree(data / "straight", data / "stopped")
    with pytest.raises(unpaired.ConfigError, match=r"training\.\w+ \(was .*; --resume elastic goes on all the same"):
        train(data, "straight", steps=6, resume=True, **after)
    train(data, "straight", steps=6, resume="elastic", **after)
    progress = checkpoints.progress(checkpoints.listed(data / "straight")[-1])
    assert progress is not None
    assert progress.samples == 3 * 2 + 3 * 3
    train(data, "stopped", steps=4, resume="elastic", **after)
    train(data, "stopped", steps=6, resume=True, **after)
    assert_same(data / "straight", data / "stopped")


@pytest.mark.slow
def test_killed_before_its_next_checkpoint_it_makes_the_same_change_again(data: Path) -> None:
    options: dict[str, Any] = {"checkpoint_every": 4, "keep": 5}
    run = train(data, "run", steps=4, **options)
    train(data, "run", steps=8, processes=2, resume="elastic", **options)
    whole = weights(run)
    last = checkpoints.listed(run)[-1]
    assert last.name == "step-00000008"
    for file in last.iterdir():
        file.unlink()
    last.rmdir()
    with pytest.raises(unpaired.ConfigError, match=r"training.processes \(was 2, is 1\)"):
        train(data, "run", steps=8, resume=True, **options)
    train(data, "run", steps=8, processes=2, resume=True, **options)
    assert all(torch.equal(whole[name], value) for name, value in weights(run).items())
    assert len(read_yaml(run / "config.yaml")["elastic"]) == 1


def test_taken_up_from_before_the_change_it_is_refused_again(data: Path) -> None:
    """The newer checkpoint was deleted: the settings are those after a change that the older one knows nothing of."""
    options: dict[str, Any] = {"checkpoint_every": 2, "keep": 5}
    run = train(data, "run", steps=4, **options)
    train(data, "run", steps=5, batch=2, resume="elastic", **options)
    for folder in checkpoints.listed(run)[1:]:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    with pytest.raises(unpaired.ConfigError, match=r"step-00000002 was written before a change of batch from 1 to 2"):
        train(data, "run", steps=6, batch=2, resume=True, **options)
    train(data, "run", steps=6, batch=2, resume="elastic", **options)
    assert [each["step"] for each in read_yaml(run / "config.yaml")["elastic"]] == [2]


@pytest.mark.slow
def test_a_checkpoint_of_an_earlier_version_goes_on_both_ways(data: Path) -> None:
    def as_before(run: Path) -> None:
        """Take away what earlier versions did not write."""
        for name in ("progress.json", "checksums.json"):
            (checkpoints.listed(run)[-1] / name).unlink()

    train(data, "straight", steps=6, batch=2)
    for out in ("bitwise", "elastic"):
        as_before(train(data, out, steps=3, batch=2, constant_share=1.0))
    train(data, "bitwise", steps=6, batch=2, resume=True)
    # The step at which the rate begins to fall is the only difference of a run that was planned shorter.
    (data / "log").unlink()
    run = train(data, "elastic", steps=6, processes=2, resume="elastic")
    assert sorted({position for _, position, _, _ in drawn(data)}) == list(range(6, 12))
    (recorded,) = read_yaml(run / "config.yaml")["elastic"]
    assert recorded == {
        "step": 3, "samples": 6, "before": {"batch": 2, "accumulate": 1, "processes": 1, "device": ""},
        "after": {"batch": 1, "accumulate": 1, "processes": 2, "device": "cpu"},
    }  # fmt: skip
    assert_same(data / "straight", data / "bitwise")


def test_what_is_another_experiment_stays_refused(data: Path) -> None:
    train(data, "run", steps=2)
    with pytest.raises(unpaired.ConfigError, match=r"training.seed \(was 0, is 1\); give the run's own settings or"):
        train(data, "run", steps=4, seed=1, batch=2, resume="elastic")
    with pytest.raises(unpaired.ArgumentError, match="resume is 'elastik'; expected true or false, or 'elastic'"):
        train(data, "run", steps=4, resume="elastik")
    assert "elastic" not in read_yaml(data / "run" / "config.yaml")


def test_elastic_without_a_change_is_bitwise_the_plain_resume(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out, resume in (("plain", True), ("elastic", "elastic")):
        train(data, out, steps=3)
        train(data, out, steps=5, resume=resume)
    assert_same(data / "plain", data / "elastic")
    assert "no longer bitwise" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_is_missing_is_named(data: Path) -> None:
    folder = checkpoints.listed(train(data, "run", steps=2, processes=2))[-1]
    for name in ("progress.json", "process-1.pt"):
        kept = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(unpaired.ModelFileError, match=f"has no {name}"):
            train(data, "run", steps=4, resume="elastic")
        (folder / name).write_bytes(kept)


def state(samples: list[float], seed: int) -> dict[str, Any]:
    """The local state of a process, with scalars in its buffers."""
    random = torch.Generator().manual_seed(seed).get_state()
    buffer = {"samples": [torch.tensor(each) for each in samples], "random": random}
    return {"history_a": buffer, "history_b": {"samples": [], "random": random}, "random": random, "random_cuda": None}


def held(states: list[dict[str, Any]]) -> list[list[float]]:
    return [[float(each) for each in local["history_a"]["samples"]] for local in states]


def test_buffers_are_dealt_out_and_generators_kept_apart() -> None:
    before = [state([0, 1, 2], 5), state([10, 11], 6)]
    three = [redistributed(before, rank, 3, 3, (0, 7)) for rank in range(3)]
    assert held(three) == [[0, 11], [10, 2], [1]]
    assert torch.equal(three[0]["random"], before[0]["random"])
    assert torch.equal(three[1]["history_a"]["random"], before[1]["history_a"]["random"])
    fresh = [three[2]["random"], three[2]["history_a"]["random"], three[2]["history_b"]["random"]]
    known = [before[0]["random"], before[1]["random"]]
    assert len({bytes(each.numpy()) for each in (*fresh, *known)}) == 5
    later = redistributed(before, 2, 3, 3, (0, 8))
    assert not torch.equal(later["random"], three[2]["random"]), "a second change would repeat the first one's draws"


def test_more_samples_than_one_buffer_takes_are_taken_of_all_alike() -> None:
    before = [state([0, 1, 2], 5), state([10, 11, 12], 6)]
    assert held([redistributed(before, 0, 1, 3, (0, 7))]) == [[0, 10, 1]]


def test_positions_follow_on_from_where_the_earlier_steps_ended() -> None:
    settings = unpaired.TrainingSettings(steps=4, batch=2, accumulate=2)
    both = [Positions(settings, 3, rank, 2, first=5) for rank in (0, 1)]
    parts = [[[draw.position for draw in batch] for batch in positions] for positions in both]
    assert parts == [[[5, 6], [9, 10]], [[7, 8], [11, 12]]]
    assert [len(positions) for positions in both] == [2, 2]


def test_words_of_a_change() -> None:
    change = Change(4, 8, Layout(2, 1, 1, "cpu"), Layout(1, 1, 4, "cuda"))
    assert change.describe() == "batch from 2 to 1, processes from 1 to 4, device from cpu to cuda at step 4"
    assert Layout(device="").changes_to(Layout(device="cuda")) == []
    assert Progress(4, 8, Layout(2)).after(6, Layout(1, 3)) == Progress(6, 14, Layout(1, 3))
