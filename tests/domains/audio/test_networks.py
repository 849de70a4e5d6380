"""The gated networks: published sizes, shapes, how far they reach, statistics from outside, and no dead layers."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from unpaired import ConfigError, NetworkSettings
from unpaired.core.networks.ends import EndOf
from unpaired.core.networks.initialisation import initialise
from unpaired.core.networks.norm import WithStatistics
from unpaired.core.networks.start import BeginsNearInput
from unpaired.core.runtimes.rewriting import rewrite
from unpaired.core.runtimes.runtime import translate_end
from unpaired.domains.audio.networks import GatedGenerator, GatedPatchDiscriminator, audio_networks


def parameters(network: nn.Module) -> float:
    return sum(p.numel() for p in network.parameters()) / 1e6


def test_presets_are_the_published_width_a_quarter_and_one_for_tests() -> None:
    with torch.device("meta"):
        sizes = {
            preset: parameters(audio_networks(80, preset, NetworkSettings()).generator_a2b.build("generators"))
            for preset in ("base", "small", "tiny")
        }
    assert sizes["base"] == pytest.approx(22.9, abs=0.1)
    assert sizes["small"] == pytest.approx(1.45, abs=0.05)
    assert sizes["tiny"] < 0.1


def test_what_the_user_names_goes_before_the_presets() -> None:
    networks = audio_networks(40, "tiny", NetworkSettings(filters=6, blocks=1, discriminator_layers=2, norm="none"))
    assert networks.generator_b2a.options == {
        "in_channels": 1, "out_channels": 1, "bins": 40, "filters": 6, "blocks": 1, "norm": "none",
    }  # fmt: skip
    assert networks.discriminator_a.options == {"in_channels": 1, "filters": 8, "layers": 2, "norm": "none"}
    deeper = audio_networks(40, "tiny", NetworkSettings(blocks=1, blocks_b2a=2))
    assert (deeper.generator_a2b.options["blocks"], deeper.generator_b2a.options["blocks"]) == (1, 2)
    core = audio_networks(80, "tiny", NetworkSettings(generator="resnet", discriminator="patchgan"))
    assert (core.generator_a2b.architecture, core.discriminator_b.architecture) == ("resnet", "patchgan")
    assert core.generator_a2b.options["in_channels"] == 1
    with pytest.raises(ConfigError, match="preset is 'huge'"):
        audio_networks(80, "huge", NetworkSettings())
    for generator in (None, "resnet"):
        with pytest.raises(ConfigError, match=r"networks\.start is 'transport', a mere gain .* expected random or res"):
            audio_networks(80, "tiny", NetworkSettings(generator=generator, start="transport"))


def test_the_rewritten_end_is_the_same_function() -> None:
    """One channel of a frame at a time leaves 15 of 16 lanes of a vector register empty."""
    generator = GatedGenerator(bins=32, filters=4, blocks=1).double().eval()
    initialise(generator, torch.Generator().manual_seed(3), 0.2)
    faster = rewrite(copy.deepcopy(generator))
    last = [module for module in faster.modules() if isinstance(module, nn.Conv2d)][-1]
    assert (last.out_channels, last.kernel_size, last.stride, last.padding) == (16, (8, 18), (4, 4), (2, 7))
    for frames in (8, 64, 100):
        x = torch.rand(2, 1, 32, frames, dtype=torch.float64) * 2 - 1
        assert generator(x).std() > 0.05
        torch.testing.assert_close(faster(x), generator(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("start", ["random", "residual"])
@pytest.mark.parametrize("rewritten", [False, True])
def test_the_end_alone_is_that_of_the_whole(rewritten: bool, start: str) -> None:
    generator = GatedGenerator(bins=16, filters=4, blocks=2, start=start).double().eval().requires_grad_(False)
    initialise(generator, torch.Generator().manual_seed(0), deviation=0.1)
    faster = rewrite(copy.deepcopy(generator)) if rewritten else generator
    for frames in (8, 32, 64):
        x = torch.rand(1, 1, 16, frames, dtype=torch.float64) * 2 - 1
        size = WithStatistics(generator).size
        whole, statistics = WithStatistics(generator)(x, torch.zeros(size), torch.tensor(1.0))
        assert whole.std() > 0.05
        for length in (1, 2, 3, 4, 9, frames):
            end = WithStatistics(EndOf(faster, length))(x, statistics)[0]
            torch.testing.assert_close(end, whole[..., -length:], atol=1e-12, rtol=0)
    shown = torch.cat([x, torch.zeros_like(x)], 1)
    assert torch.equal(EndOf(generator, 2)(shown), generator(shown)[..., -2:])


def test_the_end_alone_takes_fewer_operations() -> None:
    generator = GatedGenerator(filters=32, blocks=1).eval().requires_grad_(False)
    x = torch.rand(1, 1, 80, 32)
    with FlopCounterMode(display=False) as whole:
        generator(x)
    with FlopCounterMode(display=False) as end:
        generator.forward_end(x, 4)
    assert end.get_total_flops() < 0.75 * whole.get_total_flops()


def test_one_that_begins_at_its_input_gives_that_before_it_adds_to_it() -> None:
    spec = audio_networks(80, "tiny", NetworkSettings(start="residual")).generator_b2a
    generator = spec.build("generators").eval().requires_grad_(False)
    assert isinstance(generator, BeginsNearInput)
    x = torch.rand(2, 1, 80, 32) * 2 - 1
    assert (generator(x) - x).abs().max() > 0.01
    for weight in generator.last_convolution.parameters():
        weight.zero_()
    torch.testing.assert_close(generator(x), x)
    hidden = torch.cat([x, torch.zeros_like(x)], 1)
    torch.testing.assert_close(generator(hidden), x)


@pytest.mark.parametrize("frames", [8, 64, 100])
@pytest.mark.parametrize("bins", [80, 32])
def test_any_number_of_frames_goes_in_and_comes_out(bins: int, frames: int) -> None:
    generator = GatedGenerator(bins=bins, filters=4, blocks=1)
    x = torch.rand(2, 1, bins, frames) * 2 - 1
    y = generator(x)
    assert y.shape == x.shape
    assert float(y.detach().abs().max()) <= 1


def test_no_mask_is_a_mask_of_ones_and_hidden_frames_are_told_from_quiet_ones() -> None:
    generator = GatedGenerator(filters=4, blocks=1).eval()
    x = torch.rand(1, 1, 80, 32)
    ones = torch.ones_like(x)
    assert torch.equal(generator(x), generator(torch.cat([x, ones], 1)))
    mask = ones.clone()
    mask[..., 8:16] = 0
    assert not torch.allclose(generator(torch.cat([x * mask, mask], 1)), generator(torch.cat([x * mask, ones], 1)))


def test_a_frame_reaches_no_further_than_the_docstring_says() -> None:
    blocks = 2
    generator = GatedGenerator(bins=16, filters=4, blocks=blocks, norm="none").double()
    initialise(generator, torch.Generator().manual_seed(0), deviation=0.05)
    x = torch.rand(1, 1, 16, 200, dtype=torch.float64, requires_grad=True)
    limit = -(-(35 + 8 * blocks) // 4) * 4
    for frame in range(100, 104):
        (gradient,) = torch.autograd.grad(generator(x)[..., frame].sum(), x)
        reached = gradient[0, 0].abs().sum(0).nonzero().flatten() - frame
        assert -limit <= int(reached.min()) < -20
        assert 20 < int(reached.max()) <= limit


def test_instance_norm_statistics_can_be_given() -> None:
    """A quiet piece under the statistics of the whole is translated as within the whole."""
    generator = WithStatistics(GatedGenerator(bins=16, filters=4, blocks=1).eval())
    whole = torch.randn(1, 1, 16, 256).clamp(-1, 1)
    with torch.no_grad():
        own, statistics = generator(whole, torch.zeros(generator.size), torch.tensor(1.0))
        assert torch.allclose(own, generator.generator(whole), atol=1e-5)
        piece, used = generator(whole[..., 64:192], statistics, torch.tensor(0.0))
        alone = generator.generator(whole[..., 64:192])
    assert torch.equal(used, statistics)
    assert torch.allclose(piece[..., 48:-48], own[..., 112:-112], atol=1e-4)
    assert not torch.allclose(alone[..., 48:-48], own[..., 112:-112], atol=1e-3)


def test_the_generator_learns_a_given_change() -> None:
    """Of one batch: every bin a step up and half as loud, which no bias alone can give."""
    generator = GatedGenerator(bins=16, filters=8, blocks=1)
    initialise(generator, torch.Generator().manual_seed(0))
    x = torch.nn.functional.avg_pool2d(torch.randn(4, 1, 18, 34), 3, stride=1).clamp(-1, 1)
    wanted = 0.5 * x.roll(1, dims=2)
    optimiser = torch.optim.Adam(generator.parameters(), 3e-3, betas=(0.5, 0.999))
    losses = []
    for _ in range(80):
        loss = (generator(x) - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * float(wanted.abs().mean())


def test_the_discriminator_judges_patches() -> None:
    discriminator = GatedPatchDiscriminator(filters=4)
    assert discriminator(torch.rand(3, 1, 80, 64)).shape == (3, 1, 10, 8)
    assert GatedPatchDiscriminator(filters=4, layers=2)(torch.rand(1, 1, 80, 64)).shape == (1, 1, 20, 16)


@pytest.mark.parametrize(
    ("network", "x"),
    [
        (GatedGenerator(bins=16, filters=4, blocks=2), torch.randn(1, 1, 16, 32)),
        (GatedPatchDiscriminator(filters=4), torch.randn(1, 1, 32, 32)),
    ],
)
def test_every_weight_is_used(network: nn.Module, x: Tensor) -> None:
    network(x).square().sum().backward()
    unused = [name for name, p in network.named_parameters() if p.grad is None]
    assert unused == []
    assert any(bool(p.grad.abs().sum() > 0) for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (GatedGenerator, {"bins": 30}, "bins is 30; expected a multiple of 4, 8 to 512"),
        (GatedGenerator, {"filters": 5}, "filters is 5; expected an even number"),
        (GatedGenerator, {"in_channels": 2}, "in_channels is 2; expected 1"),
        (GatedGenerator, {"blocks": 65, "norm": "layer"}, "blocks is 65"),
        (GatedPatchDiscriminator, {"layers": 0}, "layers is 0; expected 1 to 8"),
    ],
)
def test_options_that_cannot_be(kind: type[nn.Module], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        kind(**options)
    assert message in str(caught.value)


@pytest.mark.parametrize(("runtime", "start"), [("openvino", "residual"), ("onnx", "random")])
def test_other_runtimes_agree_with_torch(runtime: str, start: Any) -> None:
    from unpaired import Audio
    from unpaired.core.conversion.translator import Translator
    from unpaired.core.model.model_file import Model

    domain = Audio(bins=16)
    networks = domain.networks("tiny", NetworkSettings(filters=4, blocks=1, start=start))
    generators: Any = {
        direction: networks.generator(direction).build("generators").eval().requires_grad_(False)
        for direction in ("a2b", "b2a")
    }
    model = Model(generators=generators, networks=networks, domain=domain)
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (1, 1, 16, 70)).astype(np.float32))
    there, plain = Translator(model, runtime), Translator(model, "torch")
    assert there(x).shape == x.shape
    assert float((there(x) - plain(x)).square().mean().sqrt()) < 0.01  # of a range of 2, in half precision where fast
    statistics = plain.for_direction("a2b").with_statistics(x, None, 1.0)[1]
    frozen = [each.for_direction("a2b").with_statistics(x[..., :40], statistics, 0.0)[0] for each in (there, plain)]
    assert float((frozen[0] - frozen[1]).square().mean().sqrt()) < 0.01
    for frames in (32, 30):  # of its own, and extended
        y = plain.for_direction("a2b").with_statistics(x[..., :frames], statistics, 0.0)[0]
        end = translate_end(there.for_direction("a2b"), x[..., :frames], statistics, 3)
        assert float((end - y[..., -3:]).square().mean().sqrt()) < 0.01
