"""The linear map that generators begin with: by hand, and in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from safetensors.torch import load_file
from torch import Tensor

import unpaired
from unpaired.core.model.model_file import read_header
from unpaired.core.networks.start import RIDGE
from unpaired.core.training.near_input import Moments, moments, transport


def of(covariance: list[list[float]], mean: list[float]) -> Moments:
    """Moments whose covariance is this one once the ridge is added."""
    ridge = RIDGE * torch.eye(len(mean), dtype=torch.float64)
    return Moments(torch.tensor(mean, dtype=torch.float64), torch.tensor(covariance, dtype=torch.float64) - ridge)


def close(found: Tensor, expected: list[float] | list[list[float]]) -> None:
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_moments_by_hand() -> None:
    found = moments([torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[-1.0], [0.5]])])
    close(found.mean, [0.0, 0.5])
    close(found.covariance, [[2 / 3, 0.0], [0.0, 0.0]])


def test_one_channel_takes_the_other_mean_and_deviation() -> None:
    weight, bias = transport(of([[0.04]], [-0.5]), of([[0.16]], [0.25]))
    close(weight, [[2.0]])  # deviations 0.2 and 0.4
    close(bias, [1.25])  # -0.5 comes to 0.25


def test_colours_by_hand() -> None:
    """The root of [[5, 4], [4, 5]] is [[2, 1], [1, 2]]: its eigenvalues are 9 and 1."""
    weight, bias = transport(of([[0.01, 0.0], [0.0, 0.01]], [0.1, 0.0]), of([[0.05, 0.04], [0.04, 0.05]], [0.0, 0.3]))
    close(weight, [[2.0, 1.0], [1.0, 2.0]])
    close(bias, [-0.2, 0.2])


def test_the_map_gives_the_moments_of_the_other_side() -> None:
    random = torch.Generator().manual_seed(0)
    sides = [torch.randn(3, 500, generator=random, dtype=torch.float64) for _ in range(2)]
    mix = torch.tensor([[0.3, 0.1, 0.0], [0.2, 0.2, 0.1], [0.0, -0.1, 0.3]], dtype=torch.float64)
    source, target = moments([mix @ sides[0]]), moments([mix.t() @ sides[1] + 0.2])
    weight, bias = transport(source, target)
    ridge = RIDGE * torch.eye(3, dtype=torch.float64)
    torch.testing.assert_close(weight @ (source.covariance + ridge) @ weight.t(), target.covariance + ridge)
    torch.testing.assert_close(weight @ source.mean + bias, target.mean)
    torch.testing.assert_close(weight, weight.t())
    assert torch.linalg.eigvalsh(weight).min() > 0  # symmetric and positive: the gradient of a convex function


def test_colour_becomes_grey_and_grey_colour_along_the_main_axis() -> None:
    """Variances 0.08 along (0.6, 0.8) and 0.01 across."""
    colour = of([[0.0352, 0.0336], [0.0336, 0.0548]], [0.0, 0.0])
    grey = of([[0.02]], [0.5])
    weight, bias = transport(colour, grey)
    close(weight, [[0.3, 0.4]])  # deviations: 0.5 of the main axis's
    close(bias, [0.5])
    weight, bias = transport(grey, colour)
    close(weight, [[1.2], [1.6]])
    close(bias, [-0.6, -0.8])


def test_a_channel_that_never_varies_is_not_blown_up() -> None:
    weight, _ = transport(Moments(torch.zeros(1), torch.zeros(1, 1)), Moments(torch.zeros(1), torch.ones(1, 1)))
    assert 30 < float(weight) < 33  # sqrt(1.001 / 0.001)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Noise, dark and blue on one side, bright and grey on the other."""
    random = np.random.default_rng(0)
    for side, low, high in (("a", (0, 20, 60), (60, 80, 160)), ("b", (120,) * 3, (250,) * 3)):
        (tmp_path / side).mkdir()
        for number in range(4):
            pixels = random.integers(low, high, (8, 8, 3 if side == "a" else 1), dtype=np.uint8) if side == "a" else (
                random.integers(120, 250, (8, 8, 1), dtype=np.uint8).repeat(3, 2))  # fmt: skip
            Pillow.fromarray(pixels).resize((36, 36), Pillow.Resampling.NEAREST).save(tmp_path / side / f"{number}.png")
    return tmp_path / "a", tmp_path / "b"


def trained(sides: tuple[Path, Path], out: Path, steps: int, start: str, resume: bool = False) -> Path:
    networks = unpaired.NetworkSettings(
        filters=4, blocks=1, discriminator_filters=4, discriminator_layers=1, start=start
    )  # type: ignore[arg-type]
    training = unpaired.TrainingSettings(steps=steps, workers=0, device="cpu", precision="fp32", learning_rate=1e-12)
    domain = unpaired.Image(size=32)
    return unpaired.train(domain, *sides, out, networks=networks, training=training, preset="tiny", resume=resume)


def test_a_run_begins_at_the_other_side_of_its_data(sides: tuple[Path, Path], tmp_path: Path) -> None:
    """With a learning rate that changes nothing, its generators have the colours of the other side."""
    model = trained(sides, tmp_path / "run", 1, "transport")
    assert read_header(model)["networks"]["generator_a2b"]["options"]["start"] == "transport"
    translate = unpaired.load(model, runtime="torch", device="cpu")
    domain = unpaired.Image(size=32)
    for direction, (source, target) in {"a2b": ("a", "b"), "b2a": ("b", "a")}.items():
        source_files, target_files = (sorted((tmp_path / side).iterdir()) for side in (source, target))
        made = moments([translate(domain.load(file, "a")[None], direction)[0] for file in source_files])  # type: ignore[arg-type]
        real = moments([domain.load(file, "a") for file in target_files])
        assert (made.mean - real.mean).abs().max() < 0.05
        assert (made.covariance - real.covariance).abs().max() < 0.05


def test_a_run_begins_at_its_input(sides: tuple[Path, Path], tmp_path: Path) -> None:
    model = trained(sides, tmp_path / "run", 1, "residual")
    x = unpaired.Image(size=32).load(tmp_path / "a" / "0.png", "a")[None]
    torch.testing.assert_close(unpaired.load(model, runtime="torch", device="cpu")(x, "a2b"), x, atol=1e-4, rtol=0)


@pytest.mark.parametrize("start", ["transport", "residual"])
def test_a_student_begins_where_its_teacher_did(start: str, sides: tuple[Path, Path], tmp_path: Path) -> None:
    """Not at what its own files, here the others, would say."""
    teacher = trained(sides, tmp_path / "run", 1, start).parent
    student = unpaired.distill(
        teacher, tmp_path / "student", a=sides[1], b=sides[0], networks=unpaired.NetworkSettings(filters=4, blocks=1),
        steps=1, batch=1, workers=0, device="cpu", precision="fp32",
    )  # fmt: skip
    theirs, own = (load_file(file) for file in (teacher / "model.safetensors", student))
    names = [name for name in theirs if ".start." in name or name.startswith("start.")]
    assert len(names) == (8 if start == "transport" else 4)
    for name in names:
        assert torch.equal(own[name], theirs[name])


def test_a_resumed_run_keeps_its_map_whatever_became_of_the_files(sides: tuple[Path, Path], tmp_path: Path) -> None:
    trained(sides, tmp_path / "run", 1, "transport")
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    model = trained(sides, tmp_path / "run", 2, "transport", resume=True)
    first, second = unpaired.load(model, device="cpu", runtime="torch"), tmp_path / "before.safetensors"
    second.write_bytes(before)
    earlier = unpaired.load(second, device="cpu", runtime="torch")
    for direction in ("a2b", "b2a"):
        one, two = (each.model.generators[direction].state_dict() for each in (first, earlier))
        assert torch.equal(one["start.weight"], two["start.weight"])
        assert not torch.equal(one["start.weight"], torch.eye(3))
