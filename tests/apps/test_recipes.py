"""Recipes: settings for a kind of task, below those of a file and of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image as Pillow

from unpaired import CycleSettings, NetworkSettings, TrainingSettings
from unpaired.apps import recipe
from unpaired.apps.main import main


@pytest.fixture
def photos(assets: Path, tmp_path: Path) -> list[str]:
    """Words that name three small photographs for each side."""
    for side, folder in (("a", "day"), ("b", "night")):
        (tmp_path / side).mkdir()
        for file in sorted((assets / "day2night" / folder).iterdir())[:3]:
            Pillow.open(file).convert("RGB").resize((48, 40)).save(tmp_path / side / f"{file.stem}.png")
    return ["--a", str(tmp_path / "a"), "--b", str(tmp_path / "b"), "--out", str(tmp_path / "run")]


SHORT = "--steps 1 --workers 0 --held-out 0 --precision fp32 --device cpu --size 32 --preset tiny"
SMALL = "--networks.filters 2 --networks.blocks 1 --networks.discriminator_filters 2 --networks.discriminator_layers 1"


def trained(words: list[str]) -> dict[str, Any]:
    """What a run records of its settings."""
    assert main(["train", *words, *SHORT.split(), *SMALL.split()]) == 0
    recorded: dict[str, Any] = yaml.safe_load((Path(words[words.index("--out") + 1]) / "config.yaml").read_text())
    return recorded


@pytest.mark.parametrize("name", recipe.names())
def test_a_recipe_trains(name: str, photos: list[str]) -> None:
    domain = [] if "domain" in recipe.read(name) else ["--domain", "image"]
    recorded = trained(["--recipe", name, *domain, *photos])
    for group in ("domain", "objective", "networks", "training"):
        given = recipe.read(name).get(group, {})
        told = {"size", "filters", "blocks", "discriminator_filters", "discriminator_layers"}
        assert given.items() - {(key, given.get(key)) for key in told} <= recorded[group].items()


def test_the_papers_recipe_is_what_was_published() -> None:
    """Zhu et al. 2017, section 4: a weight of 10 for the cycle, half of it for identity, Adam with 2e-4, one sample."""
    paper = recipe.read("paper")
    networks, objective, training = (paper[group] for group in ("networks", "objective", "training"))
    assert (objective["form"], objective["cycle_a"], objective["identity_a"]) == ("lsgan", 10.0, 5.0)
    assert (training["learning_rate"], training["batch"]) == (2e-4, 1)
    assert (networks["start"], networks["upsampling"]) == ("random", "transposed")
    assert NetworkSettings(**networks)
    assert CycleSettings(**{k: v for k, v in objective.items() if k != "name"})
    assert TrainingSettings(**training)


def test_a_file_goes_over_the_recipe_and_options_over_both(photos: list[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("objective: {cycle_a: 3.0, cycle_b: 4.0}\n")
    words = ["--recipe", "maps", "--config", str(file), "--objective.cycle_b", "7", *photos]
    objective = trained(words)["objective"]
    assert (objective["cycle_a"], objective["cycle_b"], objective["cycle_noise"]) == (3.0, 7.0, 0.2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--recipe mapz", "recipe is 'mapz'; expected one of"),
        ("--recipe mapz", "(did you mean maps?)"),
        ("--recipe light --recipe maps", "--recipe is given twice (light and maps); give one"),
        (
            "--recipe maps --domain audio",
            "the recipe maps is for the domain image, not for 'audio'; leave out the recipe",
        ),
    ],
)
def test_what_cannot_be(words: str, told: str, photos: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *words.split(), *photos]) == 2
    assert told in capsys.readouterr().err
    assert not Path(photos[-1]).exists()
