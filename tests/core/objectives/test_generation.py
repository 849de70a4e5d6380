"""GAN, DCGAN and conditional GAN: losses worked out by hand, networks by their published sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

import unpaired
from unpaired.core.networks.dcgan import DcganDiscriminator, DcganGenerator, layout
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.perceptron import Maxout, PerceptronDiscriminator, PerceptronGenerator
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.core.objectives.augmentation import augmented
from unpaired.core.objectives.generation import Cgan, CganSettings, Dcgan, Gan, GanSettings
from unpaired.core.objectives.objective import Discriminators, Generators
from unpaired.core.samples import Batch

Z = torch.tensor([0.4, 0.0]).reshape(1, 2, 1, 1)
B = torch.full((1, 1, 2, 2), -0.6)
LOG = math.log


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class Spread(nn.Module):
    """(B, C, 1, 1) -> (B, 1, 2, 2): twice the first number, everywhere."""

    def forward(self, z: Tensor) -> Tensor:
        return (2 * z[:, :1]).expand(-1, 1, 2, 2)


class Weighted(nn.Module):
    """The mean of each channel times 3, 10, 100 ... added up: one logit a sample."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.mean((2, 3)) * torch.tensor([3.0, 10.0, 100.0])[: x.shape[1]]).sum(1, keepdim=True)


def numbers(losses: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in losses.items()}


GENERATORS, DISCRIMINATORS = Generators({"a2b": Spread()}), Discriminators({"b": Weighted()})


# -- losses by hand ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("vanilla", -LOG(sigmoid(2.4))),  # -log D(G(z)): G(z) is 0.8, and its logit 3 * 0.8
        ("minimax", LOG(1 - sigmoid(2.4))),  # log(1 - D(G(z))), equation 1
        ("lsgan", 1.4**2),
        ("hinge", -2.4),
    ],
)
def test_the_generator_minimises_the_form_that_was_chosen(form: str, expected: float) -> None:
    step = Gan(GanSettings(form=form)).generator_step(GENERATORS, DISCRIMINATORS, Batch(Z, B), None)  # type: ignore[arg-type]
    assert numbers(step.losses) == pytest.approx({"adversarial_b": expected}, rel=1e-5)
    assert torch.equal(step.translated["b"], torch.full((1, 1, 2, 2), 0.8))
    assert not step.translated["b"].requires_grad


@pytest.mark.parametrize("form", ["vanilla", "minimax"])
def test_the_discriminator_maximises_the_log_likelihood_of_equation_1_whatever_the_generator_minimises(
    form: str,
) -> None:
    step = Dcgan(GanSettings(form=form)).discriminator_step(  # type: ignore[arg-type]
        DISCRIMINATORS, Batch(Z, B), {"b": torch.full((1, 1, 2, 2), 0.8)}, {}
    )
    value = LOG(sigmoid(-1.8)) + LOG(1 - sigmoid(2.4))
    assert numbers(step.losses) == pytest.approx({"discriminator_b": -0.5 * value}, rel=1e-5)
    assert numbers(step.logits) == pytest.approx({"real_b": -1.8, "generated_b": 2.4}, rel=1e-5)


def test_the_labels_of_noise_and_of_real_samples_are_joined_to_the_discriminators_input() -> None:
    z = torch.tensor([0.4, 0.0, 1.0]).reshape(1, 3, 1, 1)  # one number, and the label 1 of two
    batch = Batch(z, B, context_b={"label": torch.tensor([[1.0, 0.0]])})
    objective = Cgan(CganSettings(noise=1))
    made = objective.generator_step(GENERATORS, DISCRIMINATORS, batch, None)
    assert made.losses["adversarial_b"].item() == pytest.approx(-LOG(sigmoid(102.4)), abs=1e-6)
    judged = objective.discriminator_step(DISCRIMINATORS, batch, made.translated, {})
    assert numbers(judged.logits) == pytest.approx({"real_b": -1.8 + 10, "generated_b": 2.4 + 100}, rel=1e-5)


def test_a_projection_discriminator_adds_the_labels_vector_times_its_features() -> None:
    torch.manual_seed(0)
    network = DcganDiscriminator(1 + 2, size=[8, 8], filters=2, labels=2).eval()
    assert network.projection is not None
    x, label = torch.rand(3, 1, 8, 8), torch.eye(2)[[0, 1, 1]]
    planes = label[..., None, None].expand(-1, -1, 8, 8)
    features = network.features(x)
    expected = network.last(features).flatten(1)
    for row, kind in enumerate((0, 1, 1)):
        expected[row] += network.projection.weight[:, kind] @ features[row].sum((1, 2))
    assert torch.allclose(network(torch.cat([x, planes], 1)), expected, atol=1e-6)


# -- few samples of B --------------------------------------------------------------------------------
def test_r1_is_half_the_squared_gradient_at_real_samples() -> None:
    shown = {"b": torch.full((1, 1, 2, 2), 0.8)}
    plain, penalised = (
        Dcgan(GanSettings(r1=weight))
        .discriminator_step(DISCRIMINATORS, Batch(Z, B), shown, {})
        .losses["discriminator_b"]
        for weight in (0.0, 2.0)
    )  # the logit is 3 times the mean of four values: a gradient of 3/4 each
    assert (penalised - plain).item() == pytest.approx(2 * 0.5 * 4 * 0.75**2, rel=1e-5)


def test_what_the_discriminator_sees_is_augmented_real_or_generated_and_samples_are_not() -> None:
    judged: list[Tensor] = []

    class Seeing(Weighted):
        def forward(self, x: Tensor) -> Tensor:
            judged.append(x)
            return super().forward(x)

    objective, seeing = Dcgan(GanSettings(augment="cutout")), Discriminators({"b": Seeing()})
    z = Z.clone().requires_grad_(True)
    made = objective.generator_step(GENERATORS, seeing, Batch(z, B), None)
    objective.discriminator_step(seeing, Batch(Z, B), made.translated, {})
    assert torch.equal(made.translated["b"], torch.full((1, 1, 2, 2), 0.8))
    made.losses["adversarial_b"].backward()
    for seen in torch.cat(judged):  # a hole of one value, or of none at the border
        assert (seen == 0).sum() in (0, 1)
    assert z.grad is not None


@pytest.mark.parametrize("space", [(24,), (16, 24), (8, 8, 8)])
def test_augmentations_change_each_sample_by_itself_in_any_number_of_axes(space: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = (torch.rand(1, 3, *space) + 0.1).expand(32, -1, *[-1] * len(space))
    moved = augmented(x, "translation")
    assert moved.shape == x.shape
    assert len({each.sum().item() for each in moved}) > 4
    for each in moved:  # the middle is somewhere near, as it was
        inner = each[(slice(None), *[slice(length // 4, -(length // 4)) for length in space])]
        assert torch.isin(inner, x[0]).all()
    holed = augmented(x, "cutout")
    share = (holed == 0).float().flatten(1).mean(1)
    assert 0 < share.max() <= 0.5 ** len(space)
    assert torch.equal(holed[holed != 0], x[holed != 0])
    coloured = augmented(x, "colour")
    assert len({each.mean().item() for each in coloured}) == 32
    assert torch.equal(augmented(x, ""), x)


def test_an_augmentation_that_there_is_not_is_refused() -> None:
    with pytest.raises(unpaired.ConfigError, match=r"objective.augment names blur, x; expected some of colour, transl"):
        GanSettings(augment="colour, blur,x")


# -- networks ----------------------------------------------------------------------------------------
def test_dcgan_has_the_published_networks_at_64_pixels_and_64_maps() -> None:
    with torch.device("meta"):
        generator = DcganGenerator(100, 3, size=[64, 64], filters=64)
        discriminator = DcganDiscriminator(3, size=[64, 64], filters=64)
    assert sum(weight.numel() for weight in generator.parameters()) == 3_576_704
    assert sum(weight.numel() for weight in discriminator.parameters()) == 2_765_568
    layers = [type(layer).__name__ for layer in generator.layers]
    assert layers == [*["ConvTranspose2d", "BatchNorm2d", "ReLU"] * 4, "ConvTranspose2d", "Tanh"]
    layers = [type(layer).__name__ for layer in discriminator.features]
    assert layers == ["Convolution2d", "LeakyReLU", *["Convolution2d", "BatchNorm2d", "LeakyReLU"] * 3]
    assert all(layer.negative_slope == 0.2 for layer in discriminator.features if isinstance(layer, nn.LeakyReLU))
    assert generator(torch.empty(2, 100, 1, 1, device="meta")).shape == (2, 3, 64, 64)
    assert discriminator(torch.empty(2, 3, 64, 64, device="meta")).shape == (2, 1)


def test_weights_begin_as_published() -> None:
    generator = DcganGenerator(100, 1, size=[16, 16], filters=32)
    initialise(generator, torch.Generator().manual_seed(0))
    first, norm = generator.layers[0].weight, generator.layers[1].weight
    assert first.std().item() == pytest.approx(0.02, rel=0.02)  # type: ignore[union-attr, operator]
    assert norm.mean().item() == pytest.approx(1.0, abs=0.01)  # type: ignore[union-attr, operator]
    published = Dcgan.published_settings["training"]
    assert published == {"batch": 128, "learning_rate": 2e-4, "beta1": 0.5, "constant_share": 1.0, "ema": 0.0}


@pytest.mark.parametrize(
    ("size", "first", "widths"),
    [
        ([28, 28], (7, 7), [8, 16]),
        ([64, 96], (4, 6), [8, 16, 32, 64]),
        ([256], (4,), [8, 16, 32, 64, 64, 64]),
        ([8, 8, 16], (4, 4, 8), [8]),
    ],
)
def test_dcgan_fits_any_even_size(size: list[int], first: tuple[int, ...], widths: list[int]) -> None:
    assert layout(size, len(size), 8) == (first, widths)
    generator = DcganGenerator(5, 2, size, len(size), 2)
    discriminator = DcganDiscriminator(2, size, len(size), 2)
    made = generator(torch.rand(2, 5, *[1] * len(size)))
    assert made.shape == (2, 2, *size)
    assert discriminator(made).shape == (2, 1)


def test_dcgan_refuses_an_odd_size_in_a_line() -> None:
    with pytest.raises(unpaired.ConfigError, match="samples of B are 27 x 27; dcgan needs 2 axes of even sizes from 8"):
        DcganGenerator(5, 1, [27, 27])


def test_the_perceptrons_have_1200_rectified_and_240_maxout_units() -> None:
    gan = Gan.published_settings["networks"]
    generator = PerceptronGenerator(100, 1, [28, 28], filters=gan["filters"])
    discriminator = PerceptronDiscriminator(1, [28, 28], filters=gan["discriminator_filters"])
    assert [layer.out_features for layer in generator.layers if isinstance(layer, nn.Linear)] == [1200, 1200, 784]
    maxout = [layer for layer in discriminator.features if isinstance(layer, Maxout)]
    assert [layer.maps.out_features for layer in maxout] == [240 * 5, 240 * 5]
    made = generator(torch.rand(2, 100, 1, 1))
    assert made.shape == (2, 1, 28, 28)
    assert discriminator(made).shape == (2, 1)


def test_maxout_takes_the_largest_of_five_maps_of_each_unit() -> None:
    layer = Maxout(1, 2)
    layer.maps.weight.data = torch.tensor([[1.0], [2], [3], [4], [5], [-1], [-2], [-3], [-4], [-5]])
    layer.maps.bias.data.zero_()
    assert layer(torch.tensor([[2.0]])).tolist() == [[10.0, -2.0]]


def test_cgan_asks_for_a_discriminator_that_can_be_told_a_label() -> None:
    def networks(discriminator: str, conditioning: str) -> object:
        settings = NetworkSettings(generator="dcgan", discriminator=discriminator)
        return Cgan(CganSettings(conditioning=conditioning)).networks(  # type: ignore[arg-type]
            default_networks(2, 100 + 10, 1, "tiny", settings)
        )

    for conditioning, labels in (("join", None), ("projection", 10)):
        found = networks("dcgan", conditioning).discriminator_b.options  # type: ignore[attr-defined]
        assert (found["in_channels"], found.get("labels")) == (11, labels)
    with pytest.raises(unpaired.ConfigError, match="patchgan takes no labels, and so no label by projection"):
        networks("patchgan", "projection")
