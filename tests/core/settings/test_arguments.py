"""Arguments of another type than a function takes: a TypeError that says what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unpaired
from unpaired import ArgumentError, CycleSettings, NetworkSettings, TrainingSettings
from unpaired.core.model.export import export_model, export_onnx
from unpaired.core.model.importing import import_checkpoint
from unpaired.domains.audio.settings import AudioSettings
from unpaired.domains.image.settings import ImageConversion, ImageSettings
from unpaired.domains.video.settings import VideoSettings

CALLS: dict[str, tuple[Any, str]] = {
    "load a number": (lambda: unpaired.load(3), "name_or_path is 3; expected a run folder, a model file"),  # type: ignore[arg-type]
    "load nothing": (lambda: unpaired.load(None), "name_or_path is null; expected"),  # type: ignore[arg-type]
    "load bytes": (lambda: unpaired.load(b"day2night"), "name_or_path is a bytes; expected"),  # type: ignore[arg-type]
    "train a name": (lambda: unpaired.train("image", "a", "b", "o"), "domain is 'image'; expected an adapter"),  # type: ignore[arg-type]
    "train a class": (lambda: unpaired.train(unpaired.Image, "a", "b", "o"), "domain is a ABCMeta; expected an"),  # type: ignore[arg-type]
    "train no folder": (lambda: unpaired.train(unpaired.Image(), None, "b", "o"), "a is null; expected a folder"),  # type: ignore[arg-type]
    "train text": (
        lambda: unpaired.train(unpaired.Image(), "a", "b", "o", steps="5"),
        "training.steps is '5'; expected",
    ),
    "train settings": (
        lambda: unpaired.train(unpaired.Image(), "a", "b", "o", training={"steps": 5}),  # type: ignore[arg-type]
        "training is a dict; expected unpaired.TrainingSettings, or None",
    ),
    "names": (lambda: unpaired.train(unpaired.Image(), "a", "b", "o", names="ab"), "names is 'ab'; expected two names"),  # type: ignore[arg-type]
    "evaluate nothing": (lambda: unpaired.evaluate(None, "a", "b"), "translator is null; expected a translator"),  # type: ignore[call-overload]
    "evaluate numbers": (lambda: unpaired.evaluate("day2night", 1, 2), "a is 1; expected a path"),  # type: ignore[call-overload]
    "evaluate limit": (lambda: unpaired.evaluate("day2night", "a", "b", limit="3"), "limit is '3'; expected a whole"),  # type: ignore[call-overload]
    "domain size": (lambda: unpaired.Image(size="big"), "domain.size is 'big'; expected a whole number"),
    "domain settings": (lambda: unpaired.Image(256), "settings is 256; expected ImageSettings"),  # type: ignore[arg-type]
    "steps": (lambda: TrainingSettings(steps=None), "training.steps is null; expected a whole number"),  # type: ignore[arg-type]
    "half a step": (lambda: TrainingSettings(steps=1.5), "training.steps is 1.5; expected a whole number"),  # type: ignore[arg-type]
    "truth": (lambda: TrainingSettings(seed=True), "training.seed is true; expected a whole number"),
    "filters": (lambda: NetworkSettings(filters="8"), "networks.filters is '8'; expected a whole number or null"),  # type: ignore[arg-type]
    "weights": (lambda: CycleSettings(cycle_a=[1]), r"objective.cycle_a is \[1\]; expected a number"),  # type: ignore[arg-type]
    "resume": (
        lambda: unpaired.train(unpaired.Image(), "a", "b", "o", resume="no"),  # type: ignore[arg-type]
        "resume is 'no'; expected true or false",
    ),
    "the model's medium": (
        lambda: unpaired.load("day2night", domain=unpaired.Image()),
        "domain is .*; expected a class",
    ),  # type: ignore[arg-type]
    "picture settings": (lambda: ImageSettings(size="x"), "domain.size is 'x'; expected a whole number"),  # type: ignore[arg-type]
    "footage settings": (lambda: VideoSettings(size=None), "domain.size is null; expected a whole number"),  # type: ignore[arg-type]
    "voice settings": (lambda: AudioSettings(bins=[1]), r"domain.bins is \[1\]; expected a whole number"),  # type: ignore[arg-type]
    "array settings": (lambda: unpaired.ArraySettings(size=b"x"), "domain.size is b'x'; expected a whole number"),  # type: ignore[arg-type]
    "conversion settings": (lambda: ImageConversion(quality="9"), "quality is '9'; expected a whole number"),  # type: ignore[arg-type]
    "export": (lambda: export_onnx("day2night", 3), "out is 3; expected a path"),  # type: ignore[arg-type]
    "export model": (lambda: export_model(5, "x"), "name_or_path is 5; expected"),  # type: ignore[arg-type]
    "import": (lambda: import_checkpoint(Path("x"), Path("y"), "image"), "domain is 'image'; expected an adapter"),  # type: ignore[arg-type]
    "translator": (lambda: unpaired.Translator("day2night"), "model is 'day2night'; expected a model; unpaired.load"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", CALLS)
def test_another_type_is_said_before_any_work(call: str) -> None:
    run, message = CALLS[call]
    with pytest.raises(ArgumentError, match=message) as caught:
        run()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, unpaired.UnpairedError)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda it: it.convert(None, "y.png"), "input is null; expected the path"),
        (lambda it: it.convert("x.png", 3), "output is 3; expected the path"),
        (lambda it: it.convert("x.png", "y.png", skip_existing="no"), "skip_existing is 'no'; expected true or false"),
        (lambda it: it([1, 2]), "x is a list; expected a tensor"),
        (lambda it: it(torch.zeros(1, 3, 8, 8, device="meta")), "x is a tensor without values .on the meta device.;"),
        (lambda it: it(torch.zeros(1, 3, 8, 8).to_sparse()), "x is a tensor of sparse_coo; expected a dense tensor"),
        (lambda it: it(torch.zeros(1, 3, 8, 8, dtype=torch.complex64)), "x is a tensor of complex64; expected"),
        (lambda it: it(np.zeros((1, 3, 8, 8))), "x is a ndarray; expected a tensor"),
        (lambda it: it.for_direction(None), "direction is null; expected a2b or b2a"),
        (lambda it: it.for_direction(["a2b"]), "direction is a list; expected a2b or b2a"),
    ],
)
def test_a_translator(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(unpaired.load("day2night", runtime="torch", device="cpu"))


def test_an_empty_name_is_refused() -> None:
    for call in (lambda: unpaired.load(""), lambda: unpaired.train(unpaired.Image(), "a", "b", "")):
        with pytest.raises(unpaired.ConfigError, match="is an empty name; expected a"):
            call()


def test_eight_bit_floats_are_numbers() -> None:
    x = torch.rand(1, 3, 8, 8).to(torch.float8_e4m3fn)
    assert unpaired.load("day2night", runtime="torch", device="cpu")(x).shape == (1, 3, 8, 8)


@pytest.mark.parametrize("name", ["x" * 5000, "\0", "a\0b", "\ud800"])
def test_names_that_no_file_can_have(name: str) -> None:
    for call in (
        lambda: unpaired.load(name),
        lambda: unpaired.train(unpaired.Image(), name, "b", "o"),
        lambda: unpaired.evaluate("day2night", name, "b"),
        lambda: unpaired.load("day2night", "torch", "cpu").convert(name, "y.png"),
    ):
        with pytest.raises(unpaired.ConfigError) as caught:
            call()
        assert len(str(caught.value)) <= 300


def test_numbers_of_numpy_and_whole_floats_are_numbers() -> None:
    made = TrainingSettings(steps=1e5, seed=np.int64(3), learning_rate=np.float32(0.5))  # type: ignore[arg-type]
    assert (made.steps, made.seed, made.learning_rate) == (100_000, 3, 0.5)
    assert (type(made.steps), type(made.seed)) == (int, int)
    assert unpaired.Image(size=64.0).settings == unpaired.Image(size=64).settings


@pytest.mark.parametrize("seed", [-1, 2**63, 10**30])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(unpaired.ConfigError, match=r"training\.seed is "):
        TrainingSettings(seed=seed)
    assert TrainingSettings(seed=2**63 - 1).seed == 2**63 - 1


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1.0])
def test_numbers_that_are_no_rate(value: float) -> None:
    for name in ("learning_rate", "discriminator_learning_rate", "weight_decay", "clip"):
        with pytest.raises(unpaired.ConfigError, match=f"training.{name} is "):
            TrainingSettings(**{name: value})
