"""Translator: any size, clear refusals, both directions; load: runs, files, shipped names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import unpaired
from unpaired.core.adapter.domain import Domain
from unpaired.core.conversion.translator import Translator, load
from unpaired.core.errors import ConfigError, MediaError, MissingFile, ModelFileError, UnknownName
from unpaired.core.model import shipped as module
from unpaired.core.model.model_file import Model, save_model
from unpaired.core.model.shipped import shipped_models
from unpaired.core.networks.norm import WithStatistics

Make = Callable[..., Model]


@pytest.fixture(scope="module")
def model(make_model: Make) -> Model:
    """Pictures of three channels, ResNet."""
    return make_model(unpaired.Image(size=32))


@pytest.fixture(scope="module")
def translator(model: Model) -> Translator:
    return Translator(model, "torch", "cpu")


# -- tensors ----------------------------------------------------------------------------------------
@given(height=st.integers(1, 40), width=st.integers(1, 40), batch=st.integers(1, 2))
@settings(max_examples=30, deadline=None)
def test_every_size_comes_back_as_it_went_in(translator: Translator, height: int, width: int, batch: int) -> None:
    x = torch.rand(batch, 3, height, width) * 2 - 1
    y = translator(x)
    assert y.shape == x.shape
    assert y.dtype == torch.float32
    assert bool(y.isfinite().all())
    assert y.abs().max() <= 1
    z, used = translator.for_direction("a2b").with_statistics(x[:1], None, 0.5)
    assert z.shape == x[:1].shape
    if min(height, width) >= 8:  # less is nearly constant, and instance norm then magnifies rounding
        torch.testing.assert_close(z, y[:1], atol=1e-3, rtol=0)
    assert used.shape == (WithStatistics(translator.model.generators["a2b"]).size,)


def test_odd_sizes_are_reflected_and_short_ones_repeated(translator: Translator, model: Model) -> None:
    x = torch.rand(1, 3, 30, 33) * 2 - 1
    reflected = torch.cat([x, x[:, :, [28, 27]]], 2)
    reflected = torch.cat([reflected, reflected[..., [31, 30, 29]]], 3)
    expected = model.generators["a2b"](reflected)[:, :, :30, :33]
    torch.testing.assert_close(translator(x), expected)
    thin = x[:, :, :3, :16]
    repeated = torch.cat([thin, thin[:, :, [2] * 5]], 2)
    torch.testing.assert_close(translator(thin), model.generators["a2b"](repeated)[:, :, :3, :16])
    even = x[..., :28, :32]
    torch.testing.assert_close(translator(even), model.generators["a2b"](even))


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_signals_of_other_channels_in_both_directions(tracks: type[Domain], make_model: Make, runtime: str) -> None:
    model = make_model(tracks(), "unet")
    translator = Translator(model, runtime, "cpu")
    for direction, channels in (("a2b", (2, 1)), ("b2a", (1, 2))):
        x = torch.rand(2, channels[0], 37) * 2 - 1
        y = translator(x, direction)
        assert y.shape == (2, channels[1], 37)
        expected = model.generators[direction](F.pad(x, (0, 3), mode="reflect"))[..., :37]
        assert (y - expected).abs().mean() < (2e-2 if runtime == "openvino" else 1e-4)
    assert translator.for_direction("b2a") is translator.for_direction("b2a")


def test_a_generator_without_instance_norm_has_no_statistics(tracks: type[Domain], make_model: Make) -> None:
    translator = Translator(make_model(tracks(), norm="none"), "onnx")
    x = torch.rand(1, 2, 16)
    y, used = translator.for_direction("a2b").with_statistics(x, None, 0.0)
    torch.testing.assert_close(y, translator(x))
    assert used.shape == (0,)


def test_half_and_double_precision_inputs_are_taken(translator: Translator) -> None:
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(translator(x.double()), translator(x))
    assert translator(x.half()).dtype == torch.float32


@pytest.mark.parametrize(
    "shape", [(3, 16, 16), (1, 1, 16, 16), (1, 4, 16, 16), (1, 3, 16), (1, 3, 0, 16), (0, 3, 8, 8)]
)
def test_tensors_of_a_wrong_shape_are_refused(translator: Translator, shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError, match=r"expected \(batch, 3, height, width\)|batch to translate is empty"):
        translator(torch.zeros(shape))


def test_statistics_of_a_wrong_shape_are_refused(translator: Translator) -> None:
    way = translator.for_direction("a2b")
    with pytest.raises(MediaError, match="one sample"):
        way.with_statistics(torch.zeros(2, 3, 16, 16), None, 1.0)
    with pytest.raises(MediaError, match="shape"):
        way.with_statistics(torch.zeros(1, 3, 16, 16), torch.zeros(3), 1.0)


def test_a_direction_that_is_not_there(model: Model) -> None:
    one_way = Translator(Model({"a2b": model.generators["a2b"]}, model.networks, model.domain), "torch", "cpu")
    with pytest.raises(ConfigError, match="direction is 'b2a'; this model translates a2b"):
        one_way(torch.zeros(1, 3, 16, 16), "b2a")


def test_threads_share_one_runtime_a_direction(model: Model) -> None:
    translator = Translator(model, "openvino")
    x = torch.rand(1, 3, 16, 16)
    expected = model.generators["a2b"](x)
    results: list[torch.Tensor] = []
    threads = [threading.Thread(target=lambda: results.append(translator(x))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for y in results:
        torch.testing.assert_close(y, results[0], atol=0, rtol=0)
        assert (y - expected).abs().mean() < 2e-2  # bf16 where the CPU has it
    assert len(results) == 4


def test_files_go_through_the_whole_translator(tracks: type[Domain], make_model: Make, tmp_path: Path) -> None:
    model = make_model(tracks())
    signal = np.random.default_rng(0).uniform(-1, 1, (2, 53)).astype(np.float32)
    np.save(tmp_path / "in.npy", signal)
    report = Translator(model, "torch", "cpu").convert(tmp_path / "in.npy", tmp_path / "out.npy", "a2b")
    assert report.converted == (tmp_path / "out.npy",)
    first = model.generators["a2b"](torch.from_numpy(signal[None, :, :20]))[0]
    written = np.load(tmp_path / "out.npy")
    assert written.shape == (1, 53)
    np.testing.assert_allclose(written[:, :20], first.numpy(), atol=1e-6)


# -- loading ----------------------------------------------------------------------------------------
def test_a_run_and_a_file_give_the_same_translator(model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "run" / "model.safetensors")
    x = torch.rand(1, 3, 17, 18)
    expected = Translator(model, "torch", "cpu")(x)
    for place in (tmp_path / "run", str(tmp_path / "run" / "model.safetensors")):
        torch.testing.assert_close(load(place, "torch", "cpu")(x), expected, atol=0, rtol=0)


def test_what_cannot_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "weights.pth").write_bytes(b"\x80\x04no")
    with pytest.raises(MissingFile, match=r"holds no model.safetensors"):
        load(tmp_path / "run")
    with pytest.raises(MissingFile, match=r"there is no model at .*shipped models"):
        load(tmp_path / "nowhere.safetensors")
    with pytest.raises(MissingFile, match="there is no model at runs/none"):
        load("runs/none")
    with pytest.raises(ModelFileError):
        load(tmp_path / "weights.pth")
    with pytest.raises(UnknownName, match=r"no model named 'day2nigth'.*shipped models"):
        load("day2nigth")


def test_shipped_models_go_by_name(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_model(model, tmp_path / "dusk2dawn.safetensors", half=True)
    monkeypatch.setattr(module, "files", lambda package: tmp_path)
    monkeypatch.chdir(tmp_path)
    assert shipped_models() == ("dusk2dawn",)
    assert load("dusk2dawn", "torch", "cpu")(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    with pytest.raises(UnknownName, match=r"did you mean 'dusk2dawn'\?\), and no such file or folder"):
        load("dusk2down")


def test_every_shipped_model_loads() -> None:
    for name in shipped_models():
        assert load(name).model.card
