"""Exported graphs give torch's results in ONNX Runtime and in OpenVINO, for sizes they were not recorded with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest
import torch

import unpaired
from unpaired.core.adapter.domain import Domain
from unpaired.core.errors import ConfigError, OutputError, UnknownName
from unpaired.core.model.export import ExportReport, export_model, export_onnx, psnr
from unpaired.core.model.model_file import Model, load_model
from unpaired.core.networks.start import LinearStart

Make = Callable[..., Model]


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("resnet", {}),
        ("resnet", {"upsampling": "resize"}),
        ("resnet", {"upsampling": "blurred", "downsampling": "blurred"}),
        ("resnet", {"start": "transport"}),
        ("unet", {}),
        ("unet", {"norm": "batch", "start": "residual"}),
    ],
)
def test_other_programs_get_what_torch_gives(
    make_model: Make, tmp_path: Path, architecture: str, options: dict[str, str]
) -> None:
    model = make_model(unpaired.Image(size=32), architecture, **options)
    report = export_onnx(model, tmp_path / "out.onnx", "b2a")
    assert report.largest_difference < 1e-4
    assert len(report.sizes) == 3
    assert report.bytes == (tmp_path / "out.onnx").stat().st_size
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx", providers=["CPUExecutionProvider"])
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(tmp_path / "out.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for shape in ((1, 3, 16, 16), (3, 3, 24, 40), (1, 3, 96, 64)):
        x = torch.rand(shape) * 2 - 1
        expected = model.generators["b2a"](x).numpy()
        np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], expected, atol=1e-4)
        np.testing.assert_allclose(compiled(x.numpy())[0], expected, atol=1e-4)


def test_a_start_that_was_taken_from_data_is_the_same_elsewhere(make_model: Make, tmp_path: Path) -> None:
    """OpenVINO 2026.4 computes mean / constant for constant / mean."""
    model = make_model(unpaired.Image(size=32), "resnet", start="transport")
    start = model.generators["a2b"].start
    assert isinstance(start, LinearStart)
    assert start.towards is not None
    start.weight.copy_(torch.tensor([[1.4, 0.3, 0.3], [0.3, 1.0, 0.5], [0.3, 0.5, 1.3]]))
    start.bias.copy_(torch.tensor([0.5, -0.1, 0.2]))
    start.towards.mean.copy_(torch.tensor([-0.5, 0.0, -0.3]))
    start.towards.variance.copy_(torch.tensor([0.1, 0.15, 0.05]))
    report = export_onnx(model, tmp_path / "out.onnx")
    assert report.largest_difference < 1e-4
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(tmp_path / "out.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    x = torch.rand(2, 3, 24, 40) * 2 - 1
    np.testing.assert_allclose(compiled(x.numpy())[0], model.generators["a2b"](x).numpy(), atol=1e-4)


def test_a_model_of_voices_takes_any_number_of_frames_of_its_bins(tmp_path: Path) -> None:
    report = export_onnx("female-male", tmp_path / "out.onnx")
    assert report.largest_difference < 1e-4
    assert {size[:3] for size in report.sizes} == {(1, 1, 80), (2, 1, 80)}
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 1, 80, "space_1"]
    x = torch.rand(1, 1, 80, 44) * 2 - 1
    expected = unpaired.load("female-male", runtime="torch", device="cpu").model.generators["a2b"](x).numpy()
    np.testing.assert_allclose(session.run(None, {"x": x.numpy()})[0], expected, atol=1e-4)


def test_signals_and_volumes_are_exported_too(tracks: type[Domain], make_model: Make, tmp_path: Path) -> None:
    report = export_onnx(make_model(tracks()), tmp_path / "one.onnx")
    assert report.largest_difference < 1e-4
    assert all(len(size) == 3 for size in report.sizes)

    class Volumes(tracks):  # type: ignore[misc, valid-type]
        dimensions = 3

    assert export_onnx(make_model(Volumes(), "unet"), tmp_path / "three.onnx").largest_difference < 1e-4


def test_the_graph_says_what_it_is(tracks: type[Domain], make_model: Make, tmp_path: Path) -> None:
    export_onnx(make_model(tracks()), tmp_path / "out.onnx", "b2a")
    graph = onnx.load(tmp_path / "out.onnx")
    onnx.checker.check_model(graph, full_check=True)
    facts = {each.key.removeprefix("unpaired."): each.value for each in graph.metadata_props}
    assert facts == {
        "direction": "b2a", "from": "fast", "to": "slow", "domain": "tracks", "multiple": "4", "minimum": "8",
    }  # fmt: skip
    shape = [each.dim_param or each.dim_value for each in graph.graph.input[0].type.tensor_type.shape.dim]
    assert shape == ["batch", 1, "space_0"]


def test_figures_outside_their_bounds_are_told() -> None:
    good = ExportReport(Path("x.onnx"), "a2b", 1, (), 1e-5, 60.0)
    assert good.warnings == ()
    bad = ExportReport(Path("x.onnx"), "a2b", 1, (), float("nan"), 42.0)
    assert len(bad.warnings) == 2
    assert "42.0 dB" in bad.warnings[1]


def test_psnr_by_hand() -> None:
    """An error of 0.02 everywhere against a peak of 2 is 20 log10(100) = 40 dB."""
    x = torch.zeros(2, 3, 4)
    assert psnr(x + 0.02, x) == pytest.approx(40.0, abs=1e-5)
    assert psnr(x, x) == float("inf")


def test_refusals_leave_no_file(make_model: Make, tracks: type[Domain], tmp_path: Path) -> None:
    model = make_model(tracks())
    one_way = Model({"a2b": model.generators["a2b"]}, model.networks, model.domain)
    with pytest.raises(ConfigError, match="translates a2b"):
        export_onnx(one_way, tmp_path / "out.onnx", "b2a")
    with pytest.raises(UnknownName):
        export_onnx("no-such-model", tmp_path / "out.onnx")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        export_onnx(model, tmp_path / "file" / "out.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_half_precision_is_half_the_size_and_close(make_model: Make, tmp_path: Path) -> None:
    model = make_model(unpaired.Image(size=32), filters=16)
    whole = export_model(model, tmp_path / "whole.safetensors")
    half = export_model(whole, tmp_path / "half.safetensors", half=True)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    assert psnr(load_model(half).generators["a2b"](x), model.generators["a2b"](x)) > 50
