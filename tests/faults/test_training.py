"""Folders that cannot be trained on, settings that cannot be, runs that cannot be resumed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import unpaired

Refused = Callable[..., str]
Words = tuple[str, ...]


def test_a_missing_folder(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    line = refused(*train, "--a", tmp_path / "none", "--b", folders / "b", "--out", tmp_path / "run")
    assert str(tmp_path / "none") in line
    assert str(tmp_path / "none") in refused("inspect", tmp_path / "none")


def test_a_file_in_place_of_a_folder(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    file = folders / "a/0.png"
    assert str(file) in refused(*train, "--a", file, "--b", folders / "b", "--out", tmp_path / "run")
    assert str(file) in refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", file)
    assert str(file) in refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", file / "run")


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_that_leads_in_a_circle(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    (circle := tmp_path / "circle").symlink_to("circle")
    a, b = folders / "a", folders / "b"
    assert f"there is no folder {circle}" in refused(*train, "--a", circle, "--b", b, "--out", tmp_path / "run")
    assert "leads in a circle" in refused(*train, "--a", a, "--b", b, "--out", circle)
    assert str(circle) in refused(*train, "--a", a, "--b", b, "--out", circle / "run")


def test_an_empty_folder(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    line = refused(*train, "--a", tmp_path / "empty", "--b", folders / "b", "--out", tmp_path / "run")
    assert str(tmp_path / "empty") in line


def test_too_few_usable_pictures(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        (folders / f"a/{number}.png").write_bytes(b"")
    line = refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", tmp_path / "run")
    assert "1 usable" in line
    assert "2 broken" in line
    assert "unpaired inspect" in line


@pytest.mark.usefixtures("ordinary_user")
@pytest.mark.parametrize("mode", [0o000, 0o400], ids=["unreadable", "unsearchable"])
def test_a_folder_without_permission(mode: int, refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    (folders / "a").chmod(mode)
    try:
        words = (*train, "--a", folders / "a", "--b", folders / "b", "--out", tmp_path / "run")
        line = refused(*words, watched=folders / "b")
    finally:
        (folders / "a").chmod(0o700)
    assert str(folders / "a") in line
    assert not (tmp_path / "run").exists()


def test_a_equals_b(refused: Refused, train: Words, folders: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folders / "a")
    for other in (folders / "a", folders / "b/../a", tmp_path / "link"):
        assert "same folder" in refused(*train, "--a", folders / "a", "--b", other, "--out", tmp_path / "run")


def test_a_run_folder_inside_a_training_folder(refused: Refused, train: Words, folders: Path) -> None:
    line = refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", folders / "a/run")
    assert "inside" in line


@pytest.mark.parametrize(
    ("misspelt", "parts"),
    [
        (
            ("--lerning-rate", "1", "--config", "c.yaml"),
            (
                "--lerning-rate is no option (did you mean '--learning-rate'?)",
                "trainig is unknown; did you mean training?",
                "objective.cycel is unknown; did you mean objective.cycle?",
                "training.seed is 'many'; expected a whole number",
            ),
        ),
        (
            ("--domain.sise", "3", "--training.ema", "2"),
            (
                "--domain.sise is unknown; did you mean --domain.size?",
                "--training.ema is 2.0; expected 0 to below 1",
            ),
        ),
    ],
)
def test_every_misspelt_setting_is_told_at_once(
    misspelt: tuple[str, ...],
    parts: tuple[str, ...],
    refused: Refused,
    train: Words,
    folders: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("trainig: {}\nobjective:\n  cycel: 3\ntraining:\n  seed: many\n")
    line = refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", tmp_path / "run", *misspelt)
    assert all(part in line for part in parts), line


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--networks.generator", "resnt"), "did you mean 'resnet'?"),
        (("--networks.discriminator", "patchgn"), "did you mean 'patchgan'?"),
        (("--networks.generator", "unet", "--networks.blocks", "30"), "30"),
        (("--objective", "circle"), "did you mean 'cycle'?"),
        (("--domain", "vidoe"), "no domain named 'vidoe' is installed"),
        (("--preset", "hgue"), "tiny, small, base"),
        (("--device", "cuda:99"), "cuda:99"),
        (("--device", "abacus"), "abacus"),
        (("--precision", "fp31"), "fp32"),
        (("--config", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_a_setting_that_names_nothing(
    words: Words, part: str, refused: Refused, train: Words, folders: Path, tmp_path: Path
) -> None:
    assert part in refused(*train, "--a", folders / "a", "--b", folders / "b", "--out", tmp_path / "run", *words)


def test_a_configuration_that_is_no_yaml(refused: Refused, train: Words, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("training:\n  steps: [1\n")
    assert f"{tmp_path / 'c.yaml'}, line 3: " in refused(*train, "--config", tmp_path / "c.yaml")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, in a folder with its data."""
    place = tmp_path_factory.mktemp("finished")
    random = np.random.default_rng(0)
    for side in ("a", "b"):
        (place / "in" / side).mkdir(parents=True)
        for number in range(2):
            values = random.integers(0, 256, (36, 44, 3), dtype=np.uint8)
            Image.fromarray(values).save(place / "in" / side / f"{number}.png")
    small = unpaired.NetworkSettings(blocks=1, discriminator_layers=1)
    steps = unpaired.TrainingSettings(steps=2, workers=0, device="cpu", precision="fp32")
    unpaired.train(unpaired.Image(size=32), place / "in/a", place / "in/b", place / "run", preset="tiny",
                   networks=small, training=steps)  # fmt: skip
    return place


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    rewrite(tmp_path / "run", a=str(tmp_path / "in/a"), b=str(tmp_path / "in/b"))
    return tmp_path / "run"


def rewrite(run: Path, **changes: object) -> None:
    settings = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**settings, **changes}))


def test_a_run_that_cannot_be_resumed(refused: Refused, train: Words, run: Path, tmp_path: Path) -> None:
    assert "--resume" in refused(*train, "--a", tmp_path / "in/a", "--b", tmp_path / "in/b", "--out", run)
    assert "filters" in refused("train", "--out", run, "--resume", "--networks.filters", "9")

    checkpoint = run / "checkpoints/step-00000002"
    state = (checkpoint / "state.pt").read_bytes()
    for damage in (b"", b"junk", state[: len(state) // 2]):
        (checkpoint / "state.pt").write_bytes(damage)
        assert str(checkpoint) in refused("train", "--out", run, "--resume", "--steps", "3")
    (checkpoint / "state.pt").write_bytes(state)

    weights = (checkpoint / "weights.safetensors").read_bytes()
    (checkpoint / "weights.safetensors").write_bytes(weights[:-100])
    assert str(checkpoint) in refused("train", "--out", run, "--resume", "--steps", "3")
    (checkpoint / "weights.safetensors").write_bytes(weights)

    shutil.rmtree(tmp_path / "in/a")
    assert str(tmp_path / "in/a") in refused("train", "--out", run, "--resume", "--steps", "3")


def test_a_run_made_by_a_newer_version(refused: Refused, run: Path) -> None:
    rewrite(run, format=3, something_new=3)
    assert "newer version" in refused("train", "--out", run, "--resume", "--steps", "3")
    rewrite(run, format="later")
    assert "newer version" in refused("train", "--out", run, "--resume", "--steps", "3")


def test_a_run_whose_domain_is_not_installed(refused: Refused, run: Path) -> None:
    rewrite(run, domain={"name": "smell", "size": 3})
    assert "no domain named 'smell' is installed" in refused("train", "--out", run, "--resume", "--steps", "3")


def test_a_pickle_in_place_of_a_checkpoint_is_not_executed(refused: Refused, run: Path, tmp_path: Path) -> None:
    import pickle

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "executed",)

    for name in ("state.pt", "process-0.pt"):
        file = run / "checkpoints/step-00000002" / name
        sound = file.read_bytes()
        file.write_bytes(pickle.dumps(Trap()))
        refused("train", "--out", run, "--resume", "--steps", "3")
        file.write_bytes(sound)
    assert not (tmp_path / "executed").exists()
