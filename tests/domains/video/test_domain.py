"""The video adapter as the core sees it: settings, samples, and models of pictures lent to footage."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from synthetic_footage import levels, moving, write_clip, write_frames
from torch import Tensor

import unpaired
from unpaired import ConfigError, Image, Video
from unpaired.core.model.model_file import Model
from unpaired.core.networks.presets import default_networks
from unpaired.core.networks.settings import NetworkSettings
from unpaired.domains.video import VideoConversion, VideoSettings
from unpaired.domains.video.conversion.tone import Toned
from unpaired.domains.video.training.objective import VideoCycle


def model_of(domain: unpaired.Domain) -> Model:
    settings = NetworkSettings(filters=2, blocks=1, discriminator_filters=2)
    networks = default_networks(2, domain.channels("a"), domain.channels("b"), "tiny", settings)
    generators = {
        direction: networks.generator(direction).build("generators").eval().requires_grad_(False)
        for direction in ("a2b", "b2a")
    }
    return Model(generators=generators, networks=networks, domain=domain, names=("a", "b"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 4}, "domain.size is 4; expected 8 to 8192 pixels"),
        ({"size": 64, "load_size": 32}, "domain.load_size is 32; expected at least the crop's 64"),
        ({"longest_gap": 1}, "domain.longest_gap is 1; expected 2 to 100"),
        ({"cache_mb": -1}, "domain.cache_mb is -1"),
        ({"warp": "flip"}, "domain.warp is 'flip'; expected one of none, motion"),
        ({"motion_shift": -1.0}, "domain.motion_shift is -1.0"),
        ({"gamma_b": 0.0}, "domain.gamma_b is 0.0; expected 0.1 to 10"),
        ({"sise": 4}, "domain.sise is unknown; did you mean domain.size?"),
    ],
)
def test_settings_that_cannot_be(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Video(**fields)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": "512"}, "size is '512'; expected WIDTHxHEIGHT"),
        ({"start": -1.0}, "start is -1.0; expected 0 seconds or more"),
        ({"start": 2.0, "end": 1.0}, "start is 2.0 and end 1.0; start must be less"),
        ({"strength": 2.0, "end": -1.0}, "strength is 2.0; it must lie between 0 and 1; end is -1.0"),
    ],
)
def test_conversion_settings_that_cannot_be(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        VideoConversion(**fields)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_the_default_warp_is_synthetic_motion() -> None:
    warp = Video().warp(np.random.default_rng(0))
    assert warp is not None
    x = torch.rand(2, 3, 64, 64)
    assert float((warp(x) - x).abs().mean()) > 0.05
    assert torch.equal(warp(x), warp(x))
    assert Video(warp="none").warp(np.random.default_rng(0)) is None


def test_the_cycle_objective_has_its_form_for_footage() -> None:
    assert Video().objective_type("cycle") is VideoCycle
    with pytest.raises(unpaired.UnknownName, match="circle"):
        Video().objective_type("circle")


def test_footage_adopts_models_of_colour_pictures_alone() -> None:
    adopted = Video.from_compatible(Image(size=128, flip=False, gamma_b=0.5))
    assert isinstance(adopted, Video)
    assert adopted.settings == VideoSettings(size=128, flip=False, gamma_b=0.5)
    assert Video.from_compatible(Image(mode="grey")) is None
    assert Video.from_compatible(Image(mode="channels", channels_a=3, channels_b=1)) is None
    assert Video.from_compatible(Video()) is None
    assert Image.from_compatible(Video()) is None


def test_a_model_of_pictures_goes_to_the_medium_of_its_input(tmp_path: Path) -> None:
    translator = unpaired.Translator(model_of(Image(size=32)), "torch", "cpu")
    assert translator.for_input("photo.jpg") is translator
    assert translator.for_input("no kind of medium.xyz") is translator
    lent = translator.for_input("clip.mp4")
    assert isinstance(lent.domain, Video)
    assert lent.model.generators is translator.model.generators
    assert translator.for_input("another.mkv") is lent
    write_frames(tmp_path, levels(1))
    assert translator.for_input(tmp_path) is translator
    write_clip(tmp_path / "clip.mkv", levels(2))
    assert isinstance(translator.for_input(tmp_path).domain, Video)
    grey = unpaired.Translator(model_of(Image(mode="grey")), "torch", "cpu")
    assert grey.for_input("clip.mp4") is grey


def test_a_model_of_pictures_converts_a_clip_and_a_mixed_folder(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in" / "clip.mkv", moving(4))
    (picture,) = write_frames(tmp_path / "in", levels(1)).glob("*.png")
    translator = unpaired.Translator(model_of(Image(size=32)), "torch", "cpu")
    translator.convert(clip, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 4
    report = translator.convert(tmp_path / "in", tmp_path / "out")
    assert sorted(path.name for path in report.converted) == [clip.name, picture.name]
    alone = tmp_path / "alone.png"
    translator.convert(picture, alone)
    assert alone.read_bytes() == (tmp_path / "out" / picture.name).read_bytes()


class Halving:
    """Translates by halving what it is shown, and keeps it."""

    def __init__(self) -> None:
        self.shown: list[Tensor] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.shown.append(x)
        return x / 2

    def with_statistics(self, x: Tensor, statistics: Tensor | None, momentum: float) -> tuple[Tensor, Tensor]:
        return self(x), torch.zeros(1)


def test_tone_curves_go_around_the_translation() -> None:
    network = Halving()
    x = torch.rand(1, 3, 8, 8) * 2 - 1
    plain = Toned(network, 2.0, 0.5)(x)
    seen = ((x + 1) / 2) ** 2 * 2 - 1
    assert torch.allclose(network.shown[0], seen, atol=1e-6)
    assert torch.allclose(plain, (((seen / 2) + 1) / 2) ** 2 * 2 - 1, atol=1e-6)
    assert torch.equal(Toned(network, 2.0, 0.5).with_statistics(x, None, 1.0)[0], plain)


def test_one_long_clip_a_side_is_enough_to_train_resume_and_convert(tmp_path: Path) -> None:
    for side, seed in (("a", 1), ("b", 2)):
        write_clip(tmp_path / side / "clip.mkv", moving(30, seed=seed))
    run = tmp_path / "run"
    settings = {"preset": "tiny", "workers": 0, "device": "cpu", "steps": 3, "checkpoint_every": 2, "preview_every": 2}
    sides = tmp_path / "a", tmp_path / "b"
    networks = NetworkSettings(filters=2, blocks=1, discriminator_filters=2, discriminator_layers=1)
    domain = Video(size=32, neighbours=True)
    unpaired.train(domain, *sides, run, networks=networks, **settings)  # type: ignore[arg-type]
    shutil.rmtree(run / "checkpoints" / "step-00000003")
    first = (run / "model.safetensors").read_bytes()
    unpaired.train(Video(size=32, neighbours=True), *sides, run, networks=networks, resume=True, **settings)  # type: ignore[arg-type]
    assert (run / "model.safetensors").read_bytes() == first
    unpaired.load(run, runtime="torch").convert(tmp_path / "a" / "clip.mkv", tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
