"""Where samples of an earlier generation lie: they are neither left among the new ones nor lost unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import unpaired
from unpaired.apps.main import main
from unpaired.core.adapter.generated import check_unused, earlier_samples
from unpaired.core.errors import ArgumentError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of arrays with the labels x and y."""
    folder = tmp_path_factory.mktemp("b")
    for label in "xy":
        (folder / label).mkdir()
        for number in range(2):
            np.save(folder / label / f"{number}.npy", np.sin(np.arange(16, dtype=np.float32) + number)[None])
    networks = unpaired.NetworkSettings(
        generator="perceptron", discriminator="perceptron", filters=4, discriminator_filters=4
    )
    options = {"objective_name": "cgan", "steps": 1, "batch": 2, "workers": 0, "device": "cpu", "networks": networks}
    medium = unpaired.Tensors(dimensions=1, channels_b=1, size=16)
    return unpaired.train(medium, None, folder, folder.parent / "run", **options).parent


def names(out: Path) -> list[str]:
    return sorted(str(file.relative_to(out)) for file in out.rglob("*.npy"))


def test_fewer_samples_are_not_written_among_those_of_an_earlier_generation(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["generate", str(run), str(out), "--count", "8"]) == 0
    kept = {file: file.read_bytes() for file in out.rglob("*.npy")}
    capsys.readouterr()
    assert main(["generate", str(run), str(out), "--count", "2", "--seed", "1"]) == 2
    said = capsys.readouterr().err
    assert "holds 8 samples of an earlier generation, such as x/0000.npy" in said
    assert "name another folder, or replace all of them with --overwrite" in said
    assert said.count("\n") == 1
    assert {file: file.read_bytes() for file in out.rglob("*.npy")} == kept


def test_overwrite_replaces_all_samples_and_nothing_else(run: Path, tmp_path: Path) -> None:
    out, translator = tmp_path / "out", unpaired.load(run)
    translator.generate_files(out, 8)
    for name in ("x/notes.txt", "x/12.npy", "x/mine.npy"):
        (out / name).write_text("mine")
    assert main(["generate", str(run), str(out), "--count", "2", "--overwrite"]) == 0
    assert names(out) == ["x/0000.npy", "x/12.npy", "x/mine.npy", "y/0001.npy"]
    assert (out / "x/notes.txt").read_text() == "mine"


def test_samples_of_another_label_go_beside(run: Path, tmp_path: Path) -> None:
    translator = unpaired.load(run)
    translator.generate_files(tmp_path, 2, "x")
    translator.generate_files(tmp_path, 1, "y")
    assert names(tmp_path) == ["x/0000.npy", "x/0001.npy", "y/0000.npy"]


def test_one_file_with_all_samples_is_not_replaced_unasked(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    check_unused(texts, earlier_samples(texts, [""], ""))
    texts.write_text("kept")
    with pytest.raises(unpaired.OutputError, match=r"texts.txt exists: name another file, or replace it with --over"):
        check_unused(texts, earlier_samples(texts, [""], ""))


def test_a_fault_costs_no_earlier_samples(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    translator = unpaired.load(run)
    translator.generate_files(tmp_path, 2)
    with pytest.raises(unpaired.ConfigError, match="count is 0"):
        translator.generate_files(tmp_path, 0, overwrite=True)
    with pytest.raises(ArgumentError, match="overwrite is 'no'; expected true or false"):
        translator.generate_files(tmp_path, 1, overwrite="no")  # type: ignore[arg-type]
    monkeypatch.setattr(translator.model.generators["a2b"], "forward", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        translator.generate_files(tmp_path, 1, overwrite=True)
    assert names(tmp_path) == ["x/0000.npy", "y/0001.npy"]
