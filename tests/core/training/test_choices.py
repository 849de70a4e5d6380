"""What networks are like when the user does not say: by medium, objective and files; a resumed run as it began."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow
from torch import nn

import unpaired
from unpaired.core.model.model_file import read_header
from unpaired.core.networks.resnet import ResnetGenerator
from unpaired.core.networks.spec import NetworkSpec
from unpaired.core.training import checkpoints, choices, start_from

SMALL: dict[str, Any] = {"filters": 4, "blocks": 1, "discriminator_filters": 4, "discriminator_layers": 1}


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Noise in two colours, as photographs are many-coloured, and drawings: black strokes on white."""
    random = np.random.default_rng(0)
    for name, low, high in (("dark", (0, 20, 60), (60, 80, 160)), ("bright", (120, 90, 150), (250, 200, 255))):
        (tmp_path / name).mkdir()
        for number in range(4):
            pixels = random.integers(low, high, (36, 36, 3), dtype=np.uint8)
            Pillow.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "drawn").mkdir()
    for number in range(4):
        pixels = np.full((36, 36, 3), 255, np.uint8)
        pixels[:, 8 * number : 8 * number + 4] = 0
        Pillow.fromarray(pixels).save(tmp_path / "drawn" / f"{number}.png")
    return tmp_path


def trained(
    a: Path,
    b: Path,
    out: Path,
    steps: int = 1,
    domain: unpaired.Domain | None = None,
    networks: Any = None,
    **more: Any,
) -> str | None:
    """Where the generators of a run began, by its model; checked against its config.yaml."""
    settings = unpaired.NetworkSettings(**{**SMALL, **(networks or {})})
    training = unpaired.TrainingSettings(
        steps=steps, workers=0, device="cpu", precision="fp32", start_from=more.pop("start_from", "")
    )
    model = unpaired.train(
        domain or unpaired.Image(size=32), a, b, out, networks=settings, training=training, preset="tiny", **more
    )
    recorded = yaml.safe_load((out / "config.yaml").read_text())["networks"]["start"]
    begun = read_header(model)["networks"]["generator_a2b"]["options"].get("start")
    assert recorded == (begun or "random")
    return None if begun is None else str(begun)


def test_colour_pictures_begin_at_the_other_side(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(folders / "dark", folders / "bright", folders / "run") == "transport"
    assert "begin at the other side's colours (networks.start transport)" in capsys.readouterr().err


@pytest.mark.parametrize("start", ["random", "residual"])
def test_what_the_user_says_counts(start: str, folders: Path) -> None:
    begun = trained(folders / "dark", folders / "bright", folders / "run", networks={"start": start})
    assert (begun or "random") == start


def test_drawings_begin_at_random(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(folders / "dark", folders / "drawn", folders / "run") is None
    assert "networks.start" not in capsys.readouterr().err


def test_grey_pictures_begin_at_random(folders: Path) -> None:
    assert (
        trained(folders / "dark", folders / "bright", folders / "run", domain=unpaired.Image(size=32, mode="grey"))
        is None
    )


@pytest.mark.parametrize(("objective", "networks"), [("pix2pix", {"blocks": 4}), ("cut", {}), ("dual", {"blocks": 4})])
def test_other_objectives_begin_as_published(objective: str, networks: dict[str, Any], folders: Path) -> None:
    assert (
        trained(folders / "dark", folders / "bright", folders / "run", objective_name=objective, networks=networks)
        is None
    )


class OwnGenerator(ResnetGenerator):
    """Of a user, with no start."""

    def __init__(self, in_channels: int, out_channels: int, dimensions: int, filters: int, blocks: int) -> None:
        super().__init__(in_channels, out_channels, dimensions, filters, blocks)


@pytest.mark.parametrize(("generator", "start"), [(OwnGenerator, None), ("mobile", "transport")])
def test_a_generator_without_such_a_start_begins_at_random(
    generator: str | type[nn.Module], start: str | None, folders: Path
) -> None:
    networks = {"generator": generator}
    assert trained(folders / "dark", folders / "bright", folders / "run", networks=networks) == start


def test_a_resumed_run_goes_on_as_it_began(folders: Path) -> None:
    """Whatever the files are by then: here the drawings are gone."""
    run = folders / "run"
    assert trained(folders / "dark", folders / "drawn", run) is None
    shutil.rmtree(folders / "drawn")
    shutil.copytree(folders / "bright", folders / "drawn")
    assert trained(folders / "dark", folders / "drawn", run, steps=2, resume=True, data_changed=True) is None
    shutil.rmtree(run)
    assert trained(folders / "dark", folders / "bright", run) == "transport"
    assert trained(folders / "dark", folders / "bright", run, steps=2, resume=True) == "transport"


def test_a_run_from_before_there_was_a_choice_began_at_random(folders: Path) -> None:
    run = folders / "run"
    trained(folders / "dark", folders / "bright", run, networks={"start": "random"})
    config = yaml.safe_load((run / "config.yaml").read_text())
    del config["networks"]["start"]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert trained(folders / "dark", folders / "bright", run, steps=2, resume=True) is None


@pytest.mark.parametrize("start", ["random", "transport"])
def test_a_run_that_begins_from_a_model_has_its_start(
    start: str, folders: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dark, bright = folders / "dark", folders / "bright"
    trained(dark, bright, folders / "first", networks={"start": start})
    capsys.readouterr()
    monkeypatch.setattr(unpaired.Image, "start_note", lambda domain, begun: f"begun at {begun.name}s of {domain.name}s")
    begun = trained(dark, bright, folders / "second", start_from=str(folders / "first"))
    assert (begun or "random") == start
    assert "unpaired: note: begun at images of images\n" in capsys.readouterr().err


def layers(a: Path, b: Path, out: Path, domain: unpaired.Domain | None = None, **more: Any) -> int:
    """Strided layers of a run's discriminators when the user does not say."""
    trained(a, b, out, domain=domain, networks={"discriminator_layers": None, **more.pop("networks", {})}, **more)
    found: int = yaml.safe_load((out / "config.yaml").read_text())["networks"]["discriminator_layers"]
    weights = checkpoints.load(checkpoints.listed(out)[-1]).weights
    strided = [name for name in weights if re.fullmatch(r"discriminators\.a\.layers\.\d+\.weight", name)]
    assert len(strided) == found + 2  # the first, and the one that makes logits
    return found


@pytest.mark.parametrize(
    ("size", "expected"), [(16, 1), (32, 1), (61, 1), (62, 2), (64, 2), (127, 2), (128, 3), (256, 3)]
)
def test_patches_are_about_half_as_wide_as_a_crop(size: int, expected: int) -> None:
    """16, 34 and 70 pixels, at most 55 % of the crop; the paper's are 70 of 256."""
    for kind in (unpaired.Image, unpaired.Video):
        assert kind(size=size).choose_discriminator_layers() == expected
    assert unpaired.Image(size=256, height=size).choose_discriminator_layers() == expected


def test_small_crops_have_discriminators_of_small_patches(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert layers(folders / "dark", folders / "drawn", folders / "run") == 1
    assert "judge smaller patches (networks.discriminator_layers 1); the paper's is 3" in capsys.readouterr().err


def test_other_objectives_have_the_papers_patches(folders: Path) -> None:
    more: dict[str, Any] = {"objective_name": "dual", "networks": {"blocks": 4}}
    assert layers(folders / "dark", folders / "bright", folders / "run", **more) == 3


def test_a_run_from_before_keeps_its_discriminators(folders: Path) -> None:
    """Resumed, and taken up by another."""
    dark, bright, run = folders / "dark", folders / "bright", folders / "run"
    trained(dark, bright, run, networks={"discriminator_layers": 3})
    assert layers(dark, bright, run, steps=2, resume=True) == 3
    assert layers(dark, bright, folders / "next", start_from=str(run)) == 3


def test_discriminators_of_its_own_kind_have_no_such_choice(folders: Path) -> None:
    run = folders / "run"
    trained(folders / "dark", folders / "bright", run,
            networks={"discriminator": "pixel", "discriminator_layers": None})  # fmt: skip
    assert yaml.safe_load((run / "config.yaml").read_text())["networks"]["discriminator_layers"] == 3


def test_where_nothing_judges_nothing_is_said_of_discriminators() -> None:
    """As in a distillation without them."""
    assert choices._note({"discriminator_layers": 1}, judged=False) is None
    assert "smaller patches" in (choices._note({"discriminator_layers": 1}, judged=True) or "")


def test_models_that_do_not_fit_are_told_by_their_starts() -> None:
    near, far = NetworkSpec("resnet", {"start": "residual"}), NetworkSpec("resnet", {})
    assert start_from._difference(near, far) == "start is residual here and random there"
    blurred = NetworkSpec("resnet", {"downsampling": "blurred"})
    assert start_from._difference(far, blurred) == "downsampling is strided here and blurred there"
