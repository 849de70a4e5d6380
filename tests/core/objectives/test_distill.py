"""Distillation: losses by hand, a teacher that stays as it is, students that learn, and runs that go on bit for bit."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import unpaired
from unpaired import ConfigError
from unpaired.core.model import load_model
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.networks.spec import Networks
from unpaired.core.objectives.distill import Distill, DistillSettings
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch


class Affine(nn.Module):
    """x -> factor x + offset, with the features x and 2 x."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), nn.Parameter(torch.tensor(offset))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x + self.offset

    def forward_with_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self(x), [x, 2 * x]


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


# Half of the values 1, the others 0, so that the mean of each pair of rows is 0.5.
A = torch.tensor([1.0, 0.0]).repeat(1, 1, 4, 2)
B = torch.full((1, 1, 4, 4), -0.5)


def networks(preset: str = "tiny", generator: str = "resnet") -> Networks:
    return default_networks(2, 3, 3, preset, NetworkSettings(generator=generator))


def taught(settings: DistillSettings) -> Distill:
    objective = Distill(settings)
    objective.learn_from({"a2b": Affine(2.0), "b2a": Affine(1.0, 0.5)}, networks())
    return objective


def test_losses_are_distances_from_the_teacher() -> None:
    """a2b: the student gives x + 0.25, the teacher 2 x; b2a: the student gives x, the teacher x + 0.5."""
    objective = taught(DistillSettings(teacher="t", output=2.0, half=3.0, features=4.0))
    heads = {"a2b_0": Times(1.0), "a2b_1": Times(0.5), "b2a_0": Times(0.0), "b2a_1": Times(1.0)}
    students = Generators({"a2b": Affine(1.0, 0.25), "b2a": Affine(1.0)}, heads=heads)
    found = objective.generator_step(students, Discriminators({}), Batch(A, B), None)
    expected = {
        "output_a2b": 2.0 * (0.75 + 0.25) / 2,
        "half_a2b": 3.0 * 0.25,  # means of 2x2 values: 0.75 and 1
        "features_a2b": 4.0 * (0.0 + 0.25) / 2,  # |0.5 * 2 x - 2 x|^2 is a quarter of |2 x|^2
        "output_b2a": 2.0 * 0.5,
        "half_b2a": 3.0 * 0.5,
        "features_b2a": 4.0 * (1.0 + 0.0) / 2,
    }
    assert {name: value.item() for name, value in found.losses.items()} == pytest.approx(expected)
    torch.testing.assert_close(found.translated["b"], A + 0.25)
    assert not found.translated["a"].requires_grad


def test_discriminators_count_only_with_a_weight() -> None:
    students = Generators({"a2b": Affine(1.0, 0.25), "b2a": Affine(1.0)})
    judges = Discriminators({"a": Affine(1.0), "b": Affine(3.0)})
    without = taught(DistillSettings(teacher="t"))
    assert without.updates() == (True, False)
    assert without.discriminator_step(judges, Batch(A, B), {"a": A, "b": B}, {}).losses == {}
    objective = taught(DistillSettings(teacher="t", adversarial=0.5, features=0.0))
    losses = objective.generator_step(students, judges, Batch(A, B), None).losses
    # lsgan: (3 * 1.25 - 1)^2 and (3 * 0.25 - 1)^2 in halves, and (-0.5 - 1)^2.
    assert losses["adversarial_b"].item() == pytest.approx(0.5 * (2.75**2 + 0.25**2) / 2)
    assert losses["adversarial_a"].item() == pytest.approx(0.5 * 1.5**2)
    judged = objective.discriminator_step(judges, Batch(A, B), {"a": B, "b": A}, {}).losses
    assert judged.keys() == {"discriminator_a", "discriminator_b"}


def test_noise_is_the_students_alone() -> None:
    torch.manual_seed(0)
    objective = taught(DistillSettings(teacher="t", noise=0.1, features=0.0, half=0.0))
    same = Generators({"a2b": Affine(2.0), "b2a": Affine(1.0, 0.5)})
    losses = objective.generator_step(same, Discriminators({}), Batch(A, B), None).losses
    assert 0.05 < losses["output_a2b"].item() < 0.4


def test_features_are_matched_where_both_networks_show_as_many_of_one_size() -> None:
    objective = Distill(DistillSettings(teacher="t"))
    small = networks("small")
    objective.learn_from({"a2b": Affine(1.0), "b2a": Affine(1.0)}, small)
    heads = objective.heads(networks("tiny", "mobile"))
    assert {name: tuple(head.weight.shape) for name, head in heads.items()} == {
        f"{direction}_{number}": (64, 64, 1, 1) for direction in ("a2b", "b2a") for number in (0, 1)
    }
    assert objective.heads(networks("tiny", "unet")) == {}
    assert objective.networks(networks("tiny", "mobile")).discriminator_a == small.discriminator_a


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"output": 0.0, "half": 0.0}, "objective.output and objective.half are both 0"),
        ({"noise": -1.0}, "objective.noise"),
        ({"form": "wgan-gp"}, "distill does not know"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        DistillSettings(**settings)


def test_a_teacher_is_needed_and_goes_both_ways() -> None:
    with pytest.raises(ConfigError, match=r"objective\.teacher is missing"):
        Distill().check(3, 3)
    with pytest.raises(ConfigError, match="has no generator b2a"):
        Distill(DistillSettings(teacher="cut")).learn_from({"a2b": Affine(1.0)}, networks())


# -- whole runs --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("distill")
    random = torch.Generator().manual_seed(0)
    for side, tint in (("a", 0.2), ("b", 0.8)):
        (folder / side).mkdir()
        for number in range(6):
            coarse = torch.rand(1, 3, 6, 6, generator=random) * 0.4 + tint * 0.6
            picture = nn.functional.interpolate(coarse, size=(40, 40), mode="bilinear")[0]
            Image.fromarray((255 * picture).byte().permute(1, 2, 0).numpy()).save(folder / side / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def teacher(data: Path) -> Path:
    return unpaired.train(
        unpaired.Image(size=32, load_size=36), data / "a", data / "b", data / "teacher", preset="tiny",
        names=("dark", "light"), steps=60, workers=0, device="cpu", precision="fp32", seed=3, held_out=2,
    ).parent  # fmt: skip


QUICK = {"workers": 0, "device": "cpu", "precision": "fp32", "log_every": 1, "checkpoint_every": 100}


def weights(run: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(run / "model.safetensors")


@pytest.mark.slow
def test_a_student_takes_over_what_its_teacher_was_trained_on_and_comes_near_it(teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "student"
    before = {path: path.read_bytes() for path in teacher.rglob("*") if path.is_file()}
    file = unpaired.distill(teacher, out, steps=120, batch=2, ema=0.9, **QUICK)
    assert {path: path.read_bytes() for path in teacher.rglob("*") if path.is_file()} == before
    student, original = unpaired.load(file, runtime="torch"), unpaired.load(teacher, runtime="torch")
    assert load_model(file).names == ("dark", "light")
    assert student.domain.settings == original.domain.settings
    assert sorted(path.name for path in out.glob("*.safetensors")) == [
        "best.safetensors", "model.safetensors", "teacher.safetensors",
    ]  # fmt: skip
    assert (out / "held-out.json").read_text() == (teacher / "held-out.json").read_text()
    held = [student.domain.load(path, "a") for path in (teacher.parent / "a").iterdir()][:2]
    at_random = unpaired.NetworkSettings(start="random")
    begun = unpaired.distill(teacher, tmp_path / "fresh", steps=1, batch=2, networks=at_random, **QUICK)
    fresh = unpaired.load(begun, runtime="torch")

    def apart(one: unpaired.Translator) -> float:
        return sum(float((one(x[None]) - original(x[None])).abs().mean()) for x in held)

    assert apart(student) < 0.6 * apart(fresh)
    page = (out / "report.html").read_text()
    assert "input, teacher, translation" in page
    assert "teacher_random_swd_a2b" in page


def test_a_resumed_student_goes_on_bit_for_bit_without_the_original(teacher: Path, data: Path, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / "moved"
    shutil.copytree(teacher, moved)
    whole = unpaired.distill(moved, tmp_path / "whole", steps=4, constant_share=1.0, **QUICK).parent
    half = unpaired.distill(moved, tmp_path / "half", steps=2, constant_share=1.0, **QUICK).parent
    shutil.rmtree(moved)
    unpaired.train(
        unpaired.Image(size=32, load_size=36), data / "a", data / "b", half, preset="tiny", names=("dark", "light"),
        networks=NetworkSettings(generator="mobile"), objective_name="distill",
        objective=DistillSettings(teacher=str(moved)), resume=True, steps=4, constant_share=1.0, batch=4, seed=3,
        held_out=2, learning_rate=1e-3, **QUICK,
    )  # fmt: skip
    one, two = weights(whole), weights(half)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_an_adversarial_student_begins_with_the_discriminators_of_the_run(teacher: Path, tmp_path: Path) -> None:
    from unpaired.core.training import checkpoints

    settings = DistillSettings(adversarial=0.1)
    file = unpaired.distill(
        teacher, tmp_path / "judged", objective=settings, steps=1, discriminator_learning_rate=1e-9, **QUICK
    )
    out = file.parent
    own, theirs = (checkpoints.load(checkpoints.listed(run)[-1]).weights for run in (out, teacher))
    names = [name for name in theirs if name.startswith("discriminators.")]
    assert names
    assert all(torch.allclose(own[name], theirs[name], atol=1e-6) for name in names)


def test_faults_are_said_before_the_first_step(
    teacher: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(unpaired.UnknownName, match="no model named 'nothing'"):
        unpaired.distill("nothing", tmp_path / "none")
    with pytest.raises(unpaired.ModelFileError):
        unpaired.distill(data / "a" / "0.png", tmp_path / "none")
    with pytest.raises(ConfigError, match="a is missing: day2night does not say"):
        unpaired.distill("day2night", tmp_path / "none")
    with pytest.raises(unpaired.MissingFile, match="missing"):
        unpaired.distill(teacher, tmp_path / "none", a=data / "missing", b=data / "b")
    with pytest.raises(ConfigError, match="translates image, and this run video"):
        unpaired.train(
            unpaired.Video(size=32), data / "a", data / "b", tmp_path / "none", objective_name="distill",
            objective=DistillSettings(teacher=str(teacher)), steps=1,
        )  # fmt: skip
    assert not (tmp_path / "none").exists()
    unpaired.distill(
        teacher, tmp_path / "large", networks=NetworkSettings(generator="resnet", filters=9), steps=1, **QUICK
    )
    assert "so that it will hardly be the faster one" in capsys.readouterr().err


def test_the_teacher_is_no_part_of_the_student() -> None:
    objective = taught(DistillSettings(teacher="t"))
    teacher = objective._teachers["a2b"]
    before = copy.deepcopy(teacher.state_dict())
    students = Generators({"a2b": Affine(1.0), "b2a": Affine(1.0)})
    objective.generator_step(students, Discriminators({}), Batch(A, B), None).losses["output_a2b"].backward()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
