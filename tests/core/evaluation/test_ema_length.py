"""The length of an average, chosen on held-out files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from toy import Arrays, write_arrays

import unpaired
from unpaired.core.model.shipped import load_model_named
from unpaired.core.scoring.composition import total_score
from unpaired.core.scoring.figures import score
from unpaired.core.training.held_out import HELD_OUT

LENGTHS = (0.05, 0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lengths")
    for name, seed in (("a", 0), ("b", 1), ("test_a", 2), ("test_b", 3)):
        write_arrays(folder / name, 3, seed, 0.3 if "a" in name[-1] else -0.3)
    options = {"preset": "tiny", "steps": 16, "checkpoint_every": 4, "workers": 0, "device": "cpu"}
    unpaired.train(Arrays(), folder / "a", folder / "b", folder / "run", **options)  # type: ignore[arg-type]
    return folder


def test_each_length_is_scored_as_a_checkpoint_is_and_the_best_is_written(place: Path, tmp_path: Path) -> None:
    shown: list[float] = []
    report = unpaired.choose_ema_length(
        place / "run", place / "test_a", place / "test_b", lengths=LENGTHS, out=tmp_path / "best.safetensors",
        domain=Arrays, progress=shown.append,
    )  # fmt: skip
    assert [each.length for each in report.tried] == [None, *LENGTHS]
    assert (shown[-1], report.files, report.step) == (1.0, {"a": 3, "b": 3}, 16)
    files = [sorted((place / name).iterdir()) for name in ("test_a", "test_b")]
    for each in report.tried:
        model = load_model_named(place / "run", Arrays, each.length)
        alone = score(model.generators, None, Arrays(), *files)
        assert alone.items() <= each.scores.items()
        assert any(name.startswith("discriminator_swd") for name in each.scores)
        assert each.score == total_score(each.scores)
    best = min(report.tried, key=lambda each: each.score or 9.0)
    assert report.best is best
    written = load_model_named(tmp_path / "best.safetensors", Arrays)
    expected = load_model_named(place / "run", Arrays, best.length)
    for direction, generator in written.generators.items():
        for name, value in generator.state_dict().items():
            assert torch.equal(value, expected.generators[direction].state_dict()[name])
    assert json.loads(json.dumps(report.as_dict()))["best"] == best.length
    assert report.text().count("  best") == 1


def test_the_files_that_the_run_held_out_serve(place: Path) -> None:
    with pytest.raises(unpaired.ConfigError, match=r"held no files out; give two folders"):
        unpaired.choose_ema_length(place / "run", domain=Arrays)
    names = {side: [str(file) for file in sorted((place / f"test_{side}").iterdir())] for side in "ab"}
    (place / "run" / HELD_OUT).write_text(json.dumps(names))
    found = unpaired.choose_ema_length(f"{place}/run@12", lengths=(0.05, 0.25), domain=Arrays)
    given = unpaired.choose_ema_length(
        f"{place}/run@12", place / "test_a", place / "test_b", lengths=(0.05,), domain=Arrays
    )
    assert found.tried[:2] == given.tried
    (place / "run" / HELD_OUT).write_text("[]")
    with pytest.raises(unpaired.ConfigError, match=r"held-out\.json cannot be read"):
        unpaired.choose_ema_length(place / "run", domain=Arrays)
    (place / "run" / HELD_OUT).unlink()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"lengths": ()}, unpaired.ConfigError, "no lengths are given"),
        ({"lengths": (0.05, 2.0)}, unpaired.ConfigError, "ema_length is 2; expected 0.01 to 0.25"),
        ({"out": "x.onnx"}, unpaired.ConfigError, "expected .safetensors"),
        ({"a": "folder"}, unpaired.ConfigError, "only one folder of held-out files is given"),
        ({"model": "day2night"}, unpaired.ConfigError, "day2night is no run folder or checkpoint"),
        ({"model": "nix/run"}, unpaired.MissingFile, "there is no run at nix/run"),
    ],
)
def test_what_cannot_be_is_told(place: Path, given: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        unpaired.choose_ema_length(**{"model": place / "run", "domain": Arrays, **given})
