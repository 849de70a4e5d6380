"""Networks: shapes in every dimension, the paper's sizes, statistics that can be given, hostile options."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unpaired import ConfigError, NetworkSettings, UnknownName
from unpaired.core import registry
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.layers import BlurredDouble, BlurredHalf
from unpaired.core.networks.norm import InstanceNorm, WithStatistics
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.spec import Encoder, FixedSizes, Generator, NetworkSpec, ShowsFeatures


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize(("architecture", "depth"), [("resnet", {"blocks": 1}), ("unet", {"levels": 3})])
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_generators_keep_the_size(
    dimensions: int, upsampling: str, architecture: str, depth: dict[str, int], norm: str
) -> None:
    options = {"in_channels": 2, "out_channels": 5, "dimensions": dimensions, "filters": 4, **depth}
    generator = NetworkSpec(architecture, {**options, "upsampling": upsampling, "norm": norm}).build("generators")
    size = max(generator.minimum, 2 * generator.multiple)
    y = generator.eval()(torch.randn(2, 2, *[size] * dimensions))
    assert y.shape == (2, 5, *[size] * dimensions)
    assert float(y.detach().abs().max()) <= 1.0


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("sampling", [{"downsampling": "blurred"}, {"upsampling": "blurred"}])
def test_blurred_sampling_halves_and_doubles(dimensions: int, sampling: dict[str, str]) -> None:
    options = {"in_channels": 2, "out_channels": 5, "dimensions": dimensions, "filters": 4, "blocks": 1, **sampling}
    generator = NetworkSpec("resnet", options).build("generators").eval()
    assert generator(torch.randn(2, 2, *[16] * dimensions)).shape == (2, 5, *[16] * dimensions)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_blurs_keep_a_constant_and_weigh_by_binomials(dimensions: int) -> None:
    half, double = BlurredHalf(dimensions, 2), BlurredDouble(dimensions, 2)
    flat = torch.full((1, 2, *[8] * dimensions), 0.7)
    torch.testing.assert_close(half(flat), torch.full((1, 2, *[4] * dimensions), 0.7))
    torch.testing.assert_close(double(flat), torch.full((1, 2, *[16] * dimensions), 0.7))
    ramp = torch.arange(8.0).reshape(1, 1, 8)
    torch.testing.assert_close(BlurredHalf(1, 1)(ramp), torch.tensor([[[0.5, 2.0, 4.0, 6.0]]]))
    torch.testing.assert_close(BlurredDouble(1, 1)(ramp[..., :3]), torch.tensor([[[0.0, 0.25, 0.75, 1.25, 1.75, 2.0]]]))


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_discriminators_judge_patches_or_pixels(dimensions: int) -> None:
    x = torch.randn(1, 3, *[32] * dimensions)
    options = {"in_channels": 3, "dimensions": dimensions, "filters": 4}
    assert NetworkSpec("patchgan", options).build("discriminators")(x).shape == (1, 1, *[2] * dimensions)
    assert NetworkSpec("pixel", options).build("discriminators")(x).shape == (1, 1, *[32] * dimensions)


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_verdict_sees_the_published_field(layers: int, field: int) -> None:
    options = {"in_channels": 1, "filters": 2, "layers": layers, "norm": "none"}
    discriminator = NetworkSpec("patchgan", options).build("discriminators")
    x = torch.zeros(1, 1, 320, 320, requires_grad=True)
    logits = discriminator(x)
    middle = logits.shape[-1] // 2
    (gradient,) = torch.autograd.grad(logits[0, 0, middle, middle], x)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == field


def test_base_is_the_size_of_the_paper() -> None:
    networks = default_networks(2, 3, 3, "base", NetworkSettings())
    generator, discriminator = (
        networks.generator_a2b.build("generators"),
        networks.discriminator_a.build("discriminators"),
    )
    # 11.378 and 2.765 million parameters are what the reference prints for its ResNet-9 and its 70x70 PatchGAN.
    assert sum(p.numel() for p in generator.parameters()) == 11_378_179
    assert sum(p.numel() for p in discriminator.parameters()) == 2_764_737


def test_what_the_user_sets_goes_before_the_preset() -> None:
    networks = default_networks(1, 2, 3, "tiny", NetworkSettings(filters=12, generator="unet", blocks=4))
    assert networks.generator_a2b.options["filters"] == 12
    assert networks.generator_a2b.options["levels"] == 4
    assert (networks.generator_b2a.options["in_channels"], networks.generator_b2a.options["out_channels"]) == (3, 2)
    deeper = default_networks(2, 3, 3, "tiny", NetworkSettings(blocks=2, blocks_b2a=5))
    assert (deeper.generator_a2b.options["blocks"], deeper.generator_b2a.options["blocks"]) == (2, 5)
    with pytest.raises(ConfigError, match="preset is 'huge'; expected one of tiny, small, base"):
        default_networks(2, 3, 3, "huge", NetworkSettings())


def test_initial_weights_are_the_papers_and_repeat() -> None:
    spec = NetworkSpec("resnet", {"in_channels": 3, "out_channels": 3, "filters": 16, "blocks": 2})
    first, second = spec.build("generators"), spec.build("generators")
    for network in (first, second):
        initialise(network, torch.Generator().manual_seed(7))
    weights = torch.cat([p.flatten() for n, p in first.named_parameters() if n.endswith("weight")])
    assert float(weights.mean()) == pytest.approx(0.0, abs=1e-3)
    assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"in_channels": 3, "out_channels": 3, "blocks": 10**9}, "blocks is 1000000000; expected 0 to 64"),
        ({"in_channels": 3, "out_channels": 3, "filters": 10**6}, "filters is 1000000; expected 1 to 1024"),
        ({"in_channels": 3, "out_channels": 3, "dimensions": 4}, "dimensions is 4; expected 1, 2 or 3"),
        ({"in_channels": 3, "out_channels": 3, "colour": 1}, "unexpected keyword argument 'colour'"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NetworkSpec("resnet", options).build("generators")


class Bare(torch.nn.Module):
    """A module that says nothing of the samples it takes."""

    in_channels = 3


def test_a_module_that_does_not_say_what_it_takes_is_no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find", lambda group, name: Bare)
    with pytest.raises(ConfigError, match="Bare is no generator: it has no multiple, no minimum"):
        NetworkSpec("bare", {}).build("generators")
    assert isinstance(NetworkSpec("bare", {}).build("discriminators"), Bare)


@pytest.mark.parametrize("architecture", ["resnet", "unet", "gated"])
def test_every_registered_generator_is_one(architecture: str) -> None:
    module = NetworkSpec(architecture, {"in_channels": 1, "out_channels": 1}).build("generators")
    assert isinstance(module, Generator)
    assert isinstance(module, Encoder) == (architecture == "resnet")
    assert isinstance(module, FixedSizes) == (architecture == "gated")


@pytest.mark.parametrize("architecture", ["patchgan", "pixel", "gated-patch"])
def test_discriminators_show_features_or_not(architecture: str) -> None:
    module = NetworkSpec(architecture, {"in_channels": 1}).build("discriminators")
    assert isinstance(module, ShowsFeatures) == (architecture != "gated-patch")


def test_an_unknown_architecture_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"no generator named 'resnt' is installed \(did you mean 'resnet'\?\)"):
        NetworkSpec("resnt", {}).build("generators")


@settings(max_examples=20, deadline=None)
@given(batch=st.integers(1, 3), channels=st.integers(1, 5), seed=st.integers(0, 99))
def test_instance_norm_gives_every_channel_mean_0_and_variance_1(batch: int, channels: int, seed: int) -> None:
    x = 3 + 2 * torch.randn(batch, channels, 6, 7, generator=torch.Generator().manual_seed(seed))
    for trained in (False, True):
        y = InstanceNorm(channels)(x.clone().requires_grad_(trained)).detach()
        torch.testing.assert_close(y.mean((2, 3)), torch.zeros(batch, channels), atol=1e-5, rtol=0)
        torch.testing.assert_close(y.var((2, 3), correction=0), torch.ones(batch, channels), atol=1e-3, rtol=0)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_given_statistics(dimensions: int) -> None:
    options = {"in_channels": 2, "out_channels": 2, "dimensions": dimensions, "filters": 4, "blocks": 1}
    generator = NetworkSpec("resnet", options).build("generators").eval()
    wrapped = WithStatistics(generator)
    x = torch.randn(1, 2, *[16] * dimensions)
    one, half, zero = (torch.tensor(value) for value in (1.0, 0.5, 0.0))
    with torch.no_grad():
        y, own = wrapped(x, torch.zeros(wrapped.size), one)
        torch.testing.assert_close(y, generator(x), atol=2e-5, rtol=0)
        again, used = wrapped(x, own, zero)
        torch.testing.assert_close(again, y, atol=0, rtol=0)
        torch.testing.assert_close(used, own)
        # Frozen statistics make the generator a fixed function of what it sees: shifting the rest changes nothing.
        other = wrapped(torch.randn_like(x), own, zero)[1]
        torch.testing.assert_close(other, own)
        blended = wrapped(x, torch.zeros_like(own), half)[1]
        torch.testing.assert_close(blended[:4], own[:4] / 2, atol=1e-6, rtol=1e-4)
    assert generator.layers[2].given is None


def test_blocks_have_one_bound() -> None:
    """What the settings allow, the generators build."""
    with pytest.raises(ConfigError, match=r"networks.blocks is 65; expected 1 to 64; networks.blocks_b2a is 65"):
        NetworkSettings(blocks=65, blocks_b2a=65)
    for architecture in ("resnet", "gated"):
        deep = NetworkSpec(architecture, {"in_channels": 1, "out_channels": 1, "filters": 2, "blocks": 64})
        assert deep.build("generators")
        with pytest.raises(ConfigError, match="65; expected 0 to 64"):
            NetworkSpec(architecture, {**deep.options, "blocks": 65}).build("generators")
